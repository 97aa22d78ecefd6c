/** Scans as streams of results. */

import { AbortError, ArgumentError, fromNative } from './errors'
import { SEVERITIES, given, knownOptions, list, milliseconds, optionalFlag, optionalText, path, type Severity } from './options'
import { rulesFromEnvironment } from './paths'
import { CheckResult, reportOf, type ScanReport } from './results'
import { inTurn } from './slices'
import type { Session } from './session'
import type { NativeScan } from '../native'

/** Which rules. An empty filter lets everything through; several are combined by *and*, the members of one by *or*. */
export interface Selection {
  severity?: Severity | readonly Severity[]
  category?: string | readonly string[]
  tags?: string | readonly string[]
  /** Only rules that serve one of these: `cis`, `stig`, `nist_800_53`, or a full key such as `cis_rhel9_v2`. */
  frameworks?: string | readonly string[]
  ruleIds?: string | readonly string[]
}

/** What to scan and how. Times are in milliseconds. */
export interface ScanOptions extends Selection {
  /** A rule file or a folder; the bundled rules by default. */
  rulesPath?: string | URL
  /** The framework whose variable values apply and whose control is shown; it drops no rule. */
  framework?: string
  /** Values of variables, over every other. */
  variables?: Readonly<Record<string, string | number | boolean>>
  /** Capabilities set by hand. */
  capabilities?: Readonly<Record<string, boolean>>
  /** Limit of the whole scan; what is unanswered then is an error result. */
  timeout?: number
  /** Bytes kept of each stream in evidence; 64 KiB by default. */
  evidenceLimit?: number
  /** Measures where the time goes, for `report.timings`. */
  profile?: boolean
  /** Stops the scan, on the host as well. */
  signal?: AbortSignal
}

export const SELECTION = ['severity', 'category', 'tags', 'frameworks', 'ruleIds']
export const SCAN_OPTIONS = [
  ...SELECTION, 'rulesPath', 'framework', 'variables', 'capabilities', 'timeout', 'evidenceLimit', 'profile', 'signal',
]

/** A scan that runs. It can be iterated once; results come in the order they are settled. */
export class Scan implements AsyncIterable<CheckResult> {
  readonly #native: NativeScan
  /** Held while the scan is: with it goes the transport. */
  readonly #session: Session
  readonly #signal: AbortSignal | undefined
  readonly #abort = (): void => this.cancel()
  #report: Promise<ScanReport> | undefined
  #iterated = false

  /** @internal */
  constructor(session: Session, options: ScanOptions, rule?: string) {
    const { signal } = options
    const json = scanOptions('scan', options, rule !== undefined)
    if (signal?.aborted) throw new AbortError(signal.reason)
    this.#signal = signal
    this.#session = session
    this.#native = session.native().scan(json, rule)
    signal?.addEventListener('abort', this.#abort, { once: true })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CheckResult, void, undefined> {
    if (this.#iterated) throw new ArgumentError('a scan can be iterated once; keep its results, or take them from report()')
    this.#iterated = true
    let ended = false
    try {
      while (await this.#native.ready()) {
        for (let result = await this.#next(); result !== undefined; result = await this.#next()) yield result
      }
      ended = true
    } catch (error) {
      throw fromNative(error, this.#signal)
    } finally {
      if (!ended) this.cancel()
      this.#release()
    }
  }

  /** The report, once the scan has ended. The scan then no longer pauses for results that are not taken. */
  report(): Promise<ScanReport> {
    this.#report ??= this.#finish()
    return this.#report
  }

  /** Stops the scan and what it runs on the host. Harmless when it has ended. */
  cancel(): void {
    this.#native.cancel()
  }

  /** Results that wait to be taken. */
  get buffered(): number {
    return this.#native.waiting()[0] ?? 0
  }

  /** The most that waited so far. */
  get maxBuffered(): number {
    return this.#native.waiting()[1] ?? 0
  }

  async #finish(): Promise<ScanReport> {
    try {
      return await reportOf(await this.#native.report())
    } catch (error) {
      throw fromNative(error, this.#signal)
    } finally {
      this.#release()
    }
  }

  /** The next result that waits; taken and parsed in its turn. */
  #next(): Promise<CheckResult | undefined> {
    return new Promise((resolve) => inTurn(() => {
      const json = this.#native.take()
      resolve(json === null ? undefined : new CheckResult(JSON.parse(json)))
    }))
  }

  #release(): void {
    void this.#session
    this.#signal?.removeEventListener('abort', this.#abort)
  }
}

/** The options as the native half reads them. */
export function scanOptions(call: string, options: ScanOptions, ruleGiven = false): string {
  knownOptions(call, options, SCAN_OPTIONS)
  const { capabilities, evidenceLimit } = options
  if (evidenceLimit !== undefined && !(Number.isSafeInteger(evidenceLimit) && evidenceLimit > 0)) {
    throw new ArgumentError(`${call}: evidenceLimit must be a number of bytes above 0`)
  }
  for (const [name, present] of Object.entries(capabilities ?? {})) {
    if (typeof present !== 'boolean') throw new ArgumentError(`${call}: capabilities.${name} must be true or false`)
  }
  return JSON.stringify(given({
    ...selection(call, options),
    rulesPath: ruleGiven ? undefined : (path(call, 'rulesPath', options.rulesPath) ?? rulesFromEnvironment()),
    framework: optionalText(call, 'framework', options.framework),
    variables: variables(call, options.variables),
    capabilities,
    timeout: milliseconds(call, 'timeout', options.timeout),
    evidenceLimit,
    profile: optionalFlag(call, 'profile', options.profile),
  }))
}

export function selection(call: string, options: Selection) {
  return {
    severity: list(call, 'severity', options.severity, SEVERITIES),
    category: list(call, 'category', options.category),
    tags: list(call, 'tags', options.tags),
    frameworks: list(call, 'frameworks', options.frameworks),
    ruleIds: list(call, 'ruleIds', options.ruleIds),
  }
}

export function variables(call: string, given: ScanOptions['variables']): Record<string, string> {
  const text = ([name, value]: [string, unknown]): [string, string] => {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new ArgumentError(`${call}: variables.${name} must be a text, a number or a boolean`)
    }
    return [name, String(value)]
  }
  return Object.fromEntries(Object.entries(given ?? {}).map(text))
}
