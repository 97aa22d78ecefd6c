/** From `AbortSignal` to the native half. */

import { AbortError, fromNative } from './errors'
import { Cancellation } from '../native'

/** `work`, stopped when `signal` is raised; with errors of this package. */
export async function cancellable<T>(signal: AbortSignal | undefined, work: (cancellation: Cancellation) => Promise<T>): Promise<T> {
  if (signal?.aborted) throw new AbortError(signal.reason)
  const cancellation = new Cancellation()
  const abort = (): void => cancellation.cancel()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await work(cancellation)
  } catch (error) {
    throw fromNative(error, signal)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** `work`, with errors of this package. */
export async function translated<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fromNative(error, signal)
  }
}
