/**
 * Keeps turns of the event loop short: work that could pile up, such as the results of many scans arriving at once, runs
 * in slices of a few milliseconds, with timers and I/O in between.
 */

/** Milliseconds of one turn of the event loop this package may use up. */
const SLICE = 5

let begun = 0
let fresh = true
const queue: (() => void)[] = []
let pumping = false

/** Runs `work` now where there is time left in this turn, else in a later one. First come, first served. */
export function inTurn(work: () => void): void {
  if (!pumping && !spent()) {
    work()
    return
  }
  queue.push(work)
  if (!pumping) {
    pumping = true
    setImmediate(pump)
  }
}

/** Waits until there is time left in a turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => inTurn(resolve))
}

function spent(): boolean {
  if (fresh) {
    fresh = false
    begun = performance.now()
    setImmediate(() => { fresh = true })
    return false
  }
  return performance.now() - begun > SLICE
}

async function pump(): Promise<void> {
  fresh = true
  let done = 0
  for (;;) {
    const work = queue[done]
    if (work === undefined || (done > 0 && spent())) break
    done += 1
    work()
    // What waits for `work` goes on here, so that its time counts as well.
    await undefined
    await undefined
  }
  queue.splice(0, done)
  pumping = queue.length > 0
  if (pumping) setImmediate(pump)
}
