/** Checks of what callers give. */

import { ArgumentError } from './errors'

export type Severity = 'critical' | 'high' | 'medium' | 'low'
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low']

/** Refuses options nobody knows; most are misspelt. */
export function knownOptions(call: string, given: unknown, known: readonly string[]): void {
  if (given === undefined) return
  if (given === null || typeof given !== 'object') throw new ArgumentError(`${call}: the options must be an object`)
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw new ArgumentError(`${call}: there is no option ${JSON.stringify(name)}; ${near(name, known)}`)
  }
}

/** A list, from a list or a single value. */
export function list<T extends string>(call: string, name: string, given: T | readonly T[] | undefined, known?: readonly T[]): T[] {
  if (given === undefined) return []
  const items = typeof given === 'string' ? [given] : [...given]
  return items.map((item) => {
    if (typeof item !== 'string') throw new ArgumentError(`${call}: ${name} must be text or a list of texts`)
    const found = known === undefined ? item : known.find((one) => one === item.toLowerCase())
    if (found === undefined) throw new ArgumentError(`${call}: ${name} cannot be ${JSON.stringify(item)}; ${near(item, known ?? [])}`)
    return found
  })
}

/** One of several words. */
export function word<T extends string>(call: string, name: string, given: T | undefined, known: readonly T[]): T | undefined {
  return given === undefined ? undefined : list(call, name, given, known)[0]
}

/** A text, not empty. */
export function text(call: string, name: string, given: unknown): string {
  if (typeof given === 'string' && given !== '') return given
  throw new ArgumentError(`${call}: ${name} must be a text${given === undefined ? ' and is missing' : ''}`)
}

/** A text where there is one; what was given instead is not repeated, it may be secret. */
export function optionalText(call: string, name: string, given: string | null | undefined): string | undefined {
  if (given === undefined || given === null || typeof given === 'string') return given ?? undefined
  throw new ArgumentError(`${call}: ${name} must be a text`)
}

/** `true` or `false` where there is one. */
export function optionalFlag(call: string, name: string, given: boolean | undefined): boolean | undefined {
  if (given === undefined || typeof given === 'boolean') return given
  throw new ArgumentError(`${call}: ${name} must be true or false`)
}

/** A time in milliseconds. */
export function milliseconds(call: string, name: string, given: number | undefined): number | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'number' && given > 0 && given <= 2 ** 41) return given
  throw new ArgumentError(`${call}: ${name} must be a number of milliseconds above 0`)
}

/** A whole number within limits where there is one. */
export function optionalNumber(call: string, name: string, given: number | undefined, least: number, most: number): number | undefined {
  if (given === undefined || (Number.isInteger(given) && given >= least && given <= most)) return given
  throw new ArgumentError(`${call}: ${name} must be a whole number from ${least} to ${most}`)
}

/** A path, from text or a `file:` URL. */
export function path(call: string, name: string, given: string | URL | null | undefined): string | undefined {
  if (given === undefined || given === null) return undefined
  if (given instanceof URL) {
    if (given.protocol !== 'file:') throw new ArgumentError(`${call}: ${name} must be a path or a file: URL`)
    return decodeURIComponent(given.pathname)
  }
  return text(call, name, given)
}

/** Only the entries that are given. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ReturnType<typeof given<T>>
}

/** `did you mean …`, or what there is. */
export function near(name: string, known: readonly string[]): string {
  const [best] = known
    .map((one) => [distance(name.toLowerCase(), one.toLowerCase()), one] as const)
    .sort(([a], [b]) => a - b)
  if (best !== undefined && best[0] <= 1 + name.length / 4) return `did you mean ${JSON.stringify(best[1])}?`
  return `known are ${known.join(', ')}`
}

/** How many letters to add, drop or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
