/** Checking hosts. */

import { translated } from './cancelling'
import { ArgumentError, RuleLoadError } from './errors'
import { knownOptions, path } from './options'
import { detectWire } from './detect'
import { source, type Rule } from './rules'
import { SCAN_OPTIONS, Scan, scanOptions, type ScanOptions } from './scan'
import { sessionOf, type Session } from './session'
import type { CheckResult, ScanReport } from './results'
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
export interface Plan {
  rules: PlannedRule[]
  /** Every command, once. */
  commands: string[]
}

/** What a scan with `options` would do, without doing it. The host is only asked what it is and has. */
export async function plan(session: Session | Transport, options: ScanOptions = {}): Promise<Plan> {
  const { signal, capabilities } = options
  const json = scanOptions('plan', options)
  const facts = await detectWire('plan', session, { ...(signal && { signal }), ...(capabilities && { overrides: capabilities }) })
  const wire = JSON.parse(await translated(() => nativePlan(json, facts)))
  const rules = wire.rules.map((rule: Record<string, unknown>): PlannedRule => ({
    ruleId: rule['rule_id'] as string,
    decision: rule['decision'] as PlannedRule['decision'],
    reason: (rule['reason'] ?? null) as string | null,
    detail: (rule['detail'] ?? null) as string | null,
    implementation: (rule['implementation'] ?? null) as string | null,
    methods: (rule['methods'] ?? []) as string[],
    commands: (rule['commands'] ?? []) as string[],
  }))
  return { rules, commands: wire.commands }
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
