/** Long answers of the native half, taken and parsed part by part. */

import { turn } from './slices'
import type { NativeParts } from '../native'

/** What `make` makes of each part, in order; the event loop has its turns in between. */
export async function eachPart<T>(parts: NativeParts, make: (json: string) => T): Promise<T[]> {
  const made: T[] = []
  const count = parts.count
  for (let index = 0; index < count; index += 1) {
    await turn()
    made.push(make(parts.item(index) ?? 'null'))
  }
  return made
}
