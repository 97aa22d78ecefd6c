/** Checking hosts. */

import { translated } from './cancelling'
import { ArgumentError, RuleLoadError } from './errors'
import { knownOptions, path } from './options'
import { detectWire, type Capabilities } from './detect'
import { source, type Rule } from './rules'
import { SCAN_OPTIONS, Scan, scanOptions, type ScanOptions } from './scan'
import { sessionOf, type Session } from './session'
import { platform, type CheckResult, type PlatformInfo, type ScanReport, type Wire } from './results'
import { turn } from './slices'
import type { Transport } from './runner'
import { plan as nativePlan } from '../native'

/** What to check and how. Times are in milliseconds. */
export interface CheckOptions extends Omit<ScanOptions, 'rulesPath'> {
  /** Told each result as soon as it is settled. What it throws stops the check and is thrown by it. */
  onResult?: (result: CheckResult) => void | Promise<void>
}

/**
 * Checks the rules at `rulesPath` (the bundled ones where it is `undefined`) and gives exactly one result per rule, in
 * load order. Nothing on the host is changed.
 */
export async function checkRulesFromPath(
  session: Session | Transport,
  rulesPath?: string | URL,
  options: CheckOptions = {},
): Promise<CheckResult[]> {
  const call = 'checkRulesFromPath'
  knownOptions(call, options, [...SCAN_OPTIONS.filter((name) => name !== 'rulesPath'), 'onResult'])
  const { onResult, ...rest } = options
  const from = path(call, 'rulesPath', rulesPath)
  const scan = scanOf(call, session, from === undefined ? rest : { ...rest, rulesPath: from })
  return (await finished(scan, onResult)).results
}

/** Checks the one rule in the file `rulePath`. */
export async function checkSingleRule(session: Session | Transport, rulePath: string | URL, options: CheckOptions = {}): Promise<CheckResult> {
  const [result] = await checkRulesFromPath(session, rulePath, options)
  if (result === undefined) throw new RuleLoadError(`no rule in ${String(rulePath)}`, 'no_rules', { path: String(rulePath) })
  return result
}

/** Checks one rule that need not be in a file. Variables are those of `options.variables` and of the rule itself. */
export async function evaluateRule(
  session: Session | Transport,
  rule: Rule,
  options: Pick<ScanOptions, 'capabilities' | 'framework' | 'variables' | 'signal' | 'evidenceLimit'> = {},
): Promise<CheckResult> {
  const call = 'evaluateRule'
  knownOptions(call, options, ['capabilities', 'framework', 'variables', 'signal', 'evidenceLimit'])
  if (rule === null || typeof rule !== 'object') throw new ArgumentError(`${call}: the rule must be an object, such as loadRules() gives`)
  const scan = new Scan(sessionOf(call, session), options, JSON.stringify(source(rule)))
  const [result] = (await scan.report()).results
  if (result === undefined) throw new RuleLoadError(`${rule.id}: the rule has no result`, 'invalid')
  return result
}

/** Scans a host and gives the whole report. */
export async function scan(
  session: Session | Transport,
  options: ScanOptions & Pick<CheckOptions, 'onResult'> = {},
): Promise<ScanReport> {
  knownOptions('scan', options, [...SCAN_OPTIONS, 'onResult'])
  const { onResult, ...rest } = options
  return finished(scanOf('scan', session, rest), onResult)
}

/** What a scan would do with one rule. */
export interface PlannedRule {
  ruleId: string
  decision: 'run' | 'skipped' | 'error'
  /** Why it would not be evaluated. */
  reason: string | null
  detail: string | null
  implementation: string | null
  methods: string[]
  commands: string[]
}

/** Everything a scan would do first. Checks may ask for more once these commands are answered. */
export class Plan {
  /** `null` when it could not be determined. */
  readonly platform: PlatformInfo | null
  readonly capabilities: Capabilities
  /** Capabilities that could not be determined, each with the reason. */
  readonly undeterminedCapabilities: Record<string, string>
  /** One per selected rule, in load order. */
  readonly rules: PlannedRule[]
  /** Every command, once. */
  readonly commands: string[]
  readonly #text: string

  /** @internal */
  constructor(text: string) {
    const wire = JSON.parse(text) as Wire
    this.#text = text
    this.platform = platform(wire['platform'])
    this.capabilities = wire['capabilities']
    this.undeterminedCapabilities = wire['undetermined_capabilities'] ?? {}
    this.rules = (wire['rules'] as Wire[]).map(planned)
    this.commands = wire['commands']
  }

  /** The plan as the engine wrote it: the same bytes as in every other language. */
  toString(): string {
    return this.#text
  }

  /** The engine's own form. */
  toJSON(): Record<string, unknown> {
    return JSON.parse(this.#text)
  }
}

/** What a scan with `options` would do, without doing it. The host is only asked what it is and has. */
export async function plan(session: Session | Transport, options: ScanOptions = {}): Promise<Plan> {
  const { signal, capabilities } = options
  const json = scanOptions('plan', options)
  const facts = await detectWire('plan', session, { ...(signal && { signal }), ...(capabilities && { overrides: capabilities }) })
  const text = await translated(() => nativePlan(json, facts))
  await turn()
  return new Plan(text)
}

function planned(wire: Wire): PlannedRule {
  return {
    ruleId: wire['rule_id'],
    decision: wire['decision'],
    reason: wire['reason'] ?? null,
    detail: wire['detail'] ?? null,
    implementation: wire['implementation'] ?? null,
    methods: wire['methods'] ?? [],
    commands: wire['commands'] ?? [],
  }
}

function scanOf(call: string, session: Session | Transport, options: ScanOptions): Scan {
  return sessionOf(call, session).scan(options)
}

async function finished(scan: Scan, onResult: CheckOptions['onResult']): Promise<ScanReport> {
  if (onResult !== undefined) {
    if (typeof onResult !== 'function') {
      scan.cancel()
      throw new ArgumentError('onResult must be a function')
    }
    for await (const result of scan) await onResult(result)
  }
  return scan.report()
}
