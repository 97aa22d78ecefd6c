/** Results as JavaScript sees them. `toJSON` gives the engine's own form, the same in every language. */

import { eachPart } from './parts'
import type { Severity } from './options'
import type { NativeParts } from '../native'

export type Status = 'pass' | 'fail' | 'skipped' | 'error'

/** Where a setting that decided stands. */
export interface Source {
  path: string
  /** From 1; `null` when the file as a whole is meant. */
  line: number | null
}

/** One command and its answer, replayable by hand. */
export interface Evidence {
  /** The check method that asked. */
  method: string
  /** Run as the same user, this prints `stdout` and ends with `exitCode`. */
  command: string
  /** The command that really ran, where many questions were folded into one. */
  via: string | null
  stdout: string
  stderr: string
  /** 128 + n for a signal n; -1 when the command never ended. */
  exitCode: number
  expected: string
  actual: string
  timestamp: Date
  durationMs: number
  /** Size of standard output in bytes where `stdout` was cut. */
  stdoutBytes: number | null
  /** Size of standard error in bytes where `stderr` was cut. */
  stderrBytes: number | null
  /** Whether a secret was masked. */
  redacted: boolean
  /** Whether bytes that are no text were removed or replaced. */
  lossy: boolean
}

/** The operating system of a host. */
export interface PlatformInfo {
  /** os-release `ID`, lower case. */
  id: string
  /** `rhel` for RHEL and its rebuilds, else the `id`. */
  family: string
  /** The major version; 0 when there is none. */
  version: number
  /** The same. */
  major: number
  /** The version in full. */
  versionId: string
  prettyName: string
}

/** The result of one rule on one host. */
export class CheckResult {
  readonly ruleId: string
  readonly title: string
  readonly severity: Severity
  readonly category: string
  readonly status: Status
  /** Why it was skipped or could not be told; `null` for pass and fail. */
  readonly reason: string | null
  readonly detail: string
  readonly expectedValue: string | null
  readonly actualValue: string | null
  readonly source: Source | null
  readonly checkMethod: string | null
  /** The gate of the implementation used: a capability expression or `default`. */
  readonly implementationUsed: string | null
  /** In rule order; empty when nothing ran. */
  readonly evidence: Evidence[]
  /** Framework key to control ids. */
  readonly frameworkRefs: Record<string, string[]>
  /** The one control id to show. */
  readonly frameworkSection: string | null
  readonly host: string
  /** The variables the rule used; sensitive values are masked. */
  readonly variables: Record<string, string>
  readonly startedAt: Date | null
  readonly completedAt: Date | null
  readonly durationMs: number | null
  readonly #wire: Wire

  /** @internal */
  constructor(wire: Wire) {
    this.#wire = wire
    this.ruleId = wire['rule_id']
    this.title = wire['title']
    this.severity = wire['severity']
    this.category = wire['category']
    this.status = wire['status']
    this.reason = wire['reason'] ?? null
    this.detail = wire['detail']
    this.expectedValue = wire['expected_value'] ?? null
    this.actualValue = wire['actual_value'] ?? null
    this.source = source(wire['source'])
    this.checkMethod = wire['check_method'] ?? null
    this.implementationUsed = wire['implementation_used'] ?? null
    this.evidence = (wire['evidence'] as Wire[]).map(evidence)
    this.frameworkRefs = wire['framework_refs']
    this.frameworkSection = wire['framework_section'] ?? null
    this.host = wire['host']
    this.variables = wire['variables']
    this.startedAt = date(wire['started_at'])
    this.completedAt = date(wire['completed_at'])
    this.durationMs = wire['duration_ms'] ?? null
  }

  get passed(): boolean {
    return this.status === 'pass'
  }

  get skipped(): boolean {
    return this.status === 'skipped'
  }

  /** Why it was skipped, in one sentence; `null` unless it was. */
  get skipReason(): string | null {
    return this.skipped ? this.detail : null
  }

  /** Why it could not be told, in one sentence; `null` unless so. */
  get error(): string | null {
    return this.status === 'error' ? this.detail : null
  }

  /** The engine's own form. */
  toJSON(): Record<string, unknown> {
    return this.#wire
  }
}

/** Counts by status. */
export interface StatusCounts {
  pass: number
  fail: number
  skipped: number
  error: number
}

/** Counts over the results of a scan. */
export interface Summary extends StatusCounts {
  total: number
  bySeverity: Partial<Record<Severity, StatusCounts>>
}

/** How many probes were planned and answered. */
export interface Completeness {
  planned: number
  answered: number
  unanswered: number
}

/** Where the time of a scan went. Times are in microseconds; the parts add up to `wallUs`. */
export interface Timings {
  wallUs: number
  /** What is no rule's: `loadUs`, `connectUs`, `loginUs`, `shellUs`, `detectUs`, `planUs`, `networkUs`, `judgeUs`, `otherUs`. */
  overhead: Record<string, number>
  /** Each rule's share of time and of bytes received, in load order. */
  rules: { ruleId: string, timeUs: number, bytes: number }[]
}

/** Everything a scan of one host says. */
export class ScanReport {
  readonly schemaVersion: string
  readonly engineVersion: string
  readonly host: string
  /** `null` when it could not be determined. */
  readonly platform: PlatformInfo | null
  readonly capabilities: Record<string, boolean>
  /** Capabilities that could not be determined, each with the reason. */
  readonly undeterminedCapabilities: Record<string, string>
  /** What has to be known about how the host was reached, one sentence each. */
  readonly remarks: readonly string[]
  readonly startedAt: Date
  readonly completedAt: Date
  readonly completeness: Completeness
  readonly summary: Summary
  /** Where the time went, for a scan with `profile`; else `null`. */
  readonly timings: Timings | null
  /** One per selected rule, in load order. */
  readonly results: CheckResult[]
  readonly #head: Wire
  readonly #text: () => string

  /** `head` is the report; its results are those given. @internal */
  constructor(head: Wire, results: CheckResult[], text: () => string) {
    this.#head = head
    this.#text = text
    this.schemaVersion = head['schema_version']
    this.engineVersion = head['engine_version']
    this.host = head['host']
    this.platform = platform(head['platform'])
    this.capabilities = head['capabilities']
    this.undeterminedCapabilities = head['undetermined_capabilities'] ?? {}
    this.remarks = head['remarks'] ?? []
    this.startedAt = new Date(head['started_at'])
    this.completedAt = new Date(head['completed_at'])
    this.completeness = head['completeness']
    const { by_severity: bySeverity, ...counts } = head['summary']
    this.summary = { ...counts, bySeverity }
    this.timings = timings(head['timings'])
    this.results = results
  }

  /** The report as the engine wrote it: the same bytes as in every other language. */
  toString(): string {
    return this.#text()
  }

  /** The engine's own form. */
  toJSON(): Record<string, unknown> {
    return { ...this.#head, results: this.results.map((result) => result.toJSON()) }
  }

  /** A report from the engine's JSON, such as one kept in a file. */
  static parse(json: string): ScanReport {
    const wire = JSON.parse(json) as Wire
    return new ScanReport(wire, (wire['results'] as Wire[]).map((result) => new CheckResult(result)), () => json)
  }
}

/** The report whose results are the parts; parsed in turns. */
export async function reportOf(parts: NativeParts): Promise<ScanReport> {
  const head = parts.head
  const texts: string[] = []
  const results = await eachPart(parts, (json) => {
    texts.push(json)
    return new CheckResult(JSON.parse(json))
  })
  const text = (): string => head.replace(/"results":\[\]\}$/, () => `"results":[${texts.join(',')}]}`)
  return new ScanReport(JSON.parse(head), results, text)
}

/** What the engine wrote; a test compares the names used here with its schema. */
export type Wire = Record<string, any>

export function platform(wire: Wire | null | undefined): PlatformInfo | null {
  if (wire === null || wire === undefined) return null
  const { id, family, major, version_id: versionId, pretty_name: prettyName } = wire
  return { id, family, version: major, major, versionId, prettyName }
}

function timings(wire: Wire | undefined): Timings | null {
  if (wire === undefined) return null
  const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  const overhead = Object.fromEntries(Object.entries(wire['overhead'] as Wire).map(([name, time]) => [camel(name), time]))
  const rules = (wire['rules'] as Wire[]).map((rule) => ({ ruleId: rule['rule_id'], timeUs: rule['time_us'], bytes: rule['bytes'] }))
  return { wallUs: wire['wall_us'], overhead, rules }
}

function source(wire: Wire | null | undefined): Source | null {
  return wire === null || wire === undefined ? null : { path: wire['path'], line: wire['line'] ?? null }
}

function evidence(wire: Wire): Evidence {
  return {
    method: wire['method'],
    command: wire['command'],
    via: wire['via'] ?? null,
    stdout: wire['stdout'],
    stderr: wire['stderr'],
    exitCode: wire['exit_code'],
    expected: wire['expected'],
    actual: wire['actual'],
    timestamp: new Date(wire['timestamp']),
    durationMs: wire['duration_ms'],
    stdoutBytes: wire['stdout_bytes'] ?? null,
    stderrBytes: wire['stderr_bytes'] ?? null,
    redacted: wire['redacted'] ?? false,
    lossy: wire['lossy'] ?? false,
  }
}

function date(text: string | null | undefined): Date | null {
  return text === null || text === undefined ? null : new Date(text)
}
