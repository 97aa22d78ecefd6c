/** Rules as data. */

import { translated } from './cancelling'
import { diagnostic, type Diagnostic } from './errors'
import { knownOptions, optionalFlag, path } from './options'
import { eachPart } from './parts'
import { rulesFromEnvironment } from './paths'
import { SELECTION, selection, type Selection } from './scan'
import type { Severity } from './options'
import type { Wire } from './results'
import { load, validate } from '../native'

/** One way to check and fix a rule, as its file has it. */
export interface Implementation {
  when?: unknown
  default?: boolean
  check?: Record<string, unknown>
  remediation?: Record<string, unknown>
  [key: string]: unknown
}

/** The content of a rule file, keys as in the file, and what the loader adds. */
export interface Rule {
  id: string
  title: string
  description?: string
  rationale?: string
  severity: Severity
  category?: string
  tags?: string[]
  platforms?: { family: string; min_version?: number; max_version?: number; derivatives?: boolean }[]
  references?: Record<string, unknown>
  implementations: Implementation[]
  depends_on?: string[]
  conflicts_with?: string[]
  supersedes?: string[]
  /** Added: the check of the default implementation, else of the first. */
  check?: Record<string, unknown>
  /** Added: the remediation of the default implementation if it is automated, else the first that is. */
  remediation?: Record<string, unknown>
  /** Added: the references. */
  frameworkRefs?: Record<string, unknown>
  /** Added: names of the variables the rule uses. */
  variables?: string[]
  [key: string]: unknown
}

export interface LoadOptions extends Selection {
  /** Anything wrong fails the call; otherwise files that do not load are left out. */
  strict?: boolean
  /** Told everything that is wrong with the files. */
  onDiagnostic?: (diagnostic: Diagnostic) => void
}

/** The rules at `rulesPath` (a file or a folder; the bundled ones by default) that pass the filters, in load order. */
export async function loadRules(rulesPath?: string | URL, options: LoadOptions = {}): Promise<Rule[]> {
  knownOptions('loadRules', options, [...SELECTION, 'strict', 'onDiagnostic'])
  const from = path('loadRules', 'rulesPath', rulesPath) ?? rulesFromEnvironment()
  const json = JSON.stringify({ rulesPath: from, ...selection('loadRules', options) })
  const loaded = await translated(() => load(json, options.strict ?? false))
  const { diagnostics } = JSON.parse(loaded.head) as { diagnostics: Record<string, unknown>[] }
  for (const wire of diagnostics) options.onDiagnostic?.(diagnostic(wire))
  return eachPart(loaded, (part) => {
    const { path, content } = JSON.parse(part) as { path: string; content: Wire }
    return derived(content, path)
  })
}

/** What is wrong with the rule files at `rulesPath`; empty when nothing is. With `strict` most warnings count as errors. */
export async function validateRules(rulesPath: string | URL, options: { strict?: boolean } = {}): Promise<Diagnostic[]> {
  const call = 'validateRules'
  knownOptions(call, options, ['strict'])
  const at = path(call, 'rulesPath', rulesPath) ?? ''
  const strict = optionalFlag(call, 'strict', options.strict) ?? false
  const found = JSON.parse(await translated(() => validate(at, strict))) as Record<string, unknown>[]
  return found.map(diagnostic)
}

/** Whether a rule is for hosts of this family and major version; `rhel` in a rule covers the rebuilds. */
export function ruleAppliesToPlatform(rule: Pick<Rule, 'platforms'>, family: string, version: number): boolean {
  const platforms = rule.platforms ?? []
  const fits = ({ family: named, min_version: low, max_version: high }: NonNullable<Rule['platforms']>[number]): boolean => {
    const [own, host] = [redHat(named), redHat(family)]
    return own === host && (!low || !version || version >= low) && (!high || !version || version <= high)
  }
  return platforms.length === 0 || platforms.some(fits)
}

function redHat(family: string): string {
  return family.toLowerCase() === 'redhat' ? 'rhel' : family.toLowerCase()
}

const DERIVED = ['check', 'remediation', 'frameworkRefs', 'variables', 'path']
export const TEMPLATE = /\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}/g

/** The rule with what the loader adds. `path` is there, but is not listed. */
export function derived(content: Wire, path?: string): Rule {
  const rule = { ...content } as Rule
  const ways = (Array.isArray(rule.implementations) ? rule.implementations : []).filter((one) => typeof one === 'object')
  const preferred = [...ways.filter((one) => one.default === true), ...ways]
  const check = rule.check ?? preferred.find((one) => one.check !== undefined)?.check
  if (check !== undefined) rule.check = check
  const remediation = rule.remediation ?? preferred.find((one) => isAutomated(one.remediation))?.remediation
  if (remediation !== undefined) rule.remediation = remediation
  rule.frameworkRefs = rule.references ?? {}
  rule.variables = [...variablesIn(ways)].sort()
  Object.defineProperty(rule, 'path', { value: path, enumerable: false, configurable: true, writable: true })
  return rule
}

/** The rule as its file had it. */
export function source(rule: Rule): Wire {
  const content: Wire = Object.fromEntries(Object.entries(rule).filter(([key]) => !DERIVED.includes(key)))
  if (!rule.implementations?.length && rule.check !== undefined) content['implementations'] = [{ default: true, check: rule.check }]
  return content
}

function isAutomated(remediation: Record<string, unknown> | undefined): boolean {
  if (remediation === undefined) return false
  const steps = Array.isArray(remediation['steps']) ? (remediation['steps'] as Wire[]) : [remediation]
  return steps.some((step) => Boolean(step['mechanism']) && step['mechanism'] !== 'manual')
}

function variablesIn(value: unknown): Set<string> {
  if (typeof value === 'string') return new Set([...value.matchAll(TEMPLATE)].map((match) => match[1] ?? ''))
  if (value === null || typeof value !== 'object') return new Set()
  return new Set(Object.values(value).flatMap((item) => [...variablesIn(item)]))
}
