/** Framework mapping files: which rules answer which control of a benchmark. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { translated } from './cancelling'
import { KensaError, RuleLoadError } from './errors'
import { path } from './options'
import { eachPart } from './parts'
import { getMappingsPath } from './paths'
import type { CheckResult, Wire } from './results'
import { readYaml } from '../native'

/** The systems a mapping is for; bounds are inclusive major versions. */
export interface PlatformConstraint {
  family: string
  minVersion: number | null
  maxVersion: number | null
}

/** A control with the rules that answer it. */
export interface MappingEntry {
  title: string
  rules: string[]
  /** What else the file says: `level`, `type`, `severity`, `cci`, … */
  metadata: Record<string, unknown>
}

/** A control no rule answers, and why. */
export interface UnimplementedEntry {
  title: string
  reason: string
  type: string
}

/** One benchmark: its controls, and the rules that answer them. */
export interface FrameworkMapping {
  id: string
  framework: string
  title: string
  /** As written, `2024-06-20`. */
  published: string | null
  platform: PlatformConstraint | null
  /** Every control, in natural order. */
  controls: string[]
  sections: Record<string, MappingEntry>
  unimplemented: Record<string, UnimplementedEntry>
}

/** How much of a benchmark the available rules answer. Counts are controls. */
export interface CoverageReport {
  mappingId: string
  totalControls: number
  /** Controls at least one rule answers, in full or in part. */
  implemented: number
  /** Those of `implemented` of which some part is not measured. */
  inPart: number
  /** Controls listed as unanswered. */
  unimplemented: number
  /** Those of `unimplemented` that have a reason. */
  withReason: number
  /** Controls without a rule that is there, and without a reason. */
  open: string[]
  /** Controls that are neither answered nor listed as unanswered. */
  unaccounted: string[]
  /** Rules the mapping names that are not there. */
  missingRules: string[]
  /** Cut after the first decimal; 100 only when every control is answered in full. */
  coveragePercent: number
  isComplete: boolean
  /** The engine's own form. */
  toJSON(): Record<string, unknown>
}

/** Reads one mapping file. */
export async function loadMapping(file: string | URL): Promise<FrameworkMapping> {
  const [mapping] = await read([path('loadMapping', 'file', file) ?? ''])
  if (mapping instanceof KensaError) throw mapping
  return mapping as FrameworkMapping
}

/**
 * Every mapping in a folder and below, by id; a missing folder gives none. A broken file is left out and told to
 * `onError`. Without an argument the folder is {@link getMappingsPath}.
 */
export async function loadAllMappings(
  mappingsPath?: string | URL,
  onError?: (error: RuleLoadError) => void,
): Promise<Record<string, FrameworkMapping>> {
  const root = path('loadAllMappings', 'mappingsPath', mappingsPath) ?? getMappingsPath()
  const mappings: Record<string, FrameworkMapping> = {}
  for (const mapping of await read((await files(root)).sort())) {
    if (mapping instanceof RuleLoadError) onError?.(mapping)
    else mappings[mapping.id] ??= mapping
  }
  return mappings
}

/** The mappings for a host of this family and major version; those without a platform are for every host. */
export function getApplicableMappings(mappings: Readonly<Record<string, FrameworkMapping>>, family: string, version: number): FrameworkMapping[] {
  return Object.values(mappings).filter(({ platform }) =>
    platform === null || (platform.family.toLowerCase() === family.toLowerCase()
      && (platform.minVersion === null || version >= platform.minVersion)
      && (platform.maxVersion === null || version <= platform.maxVersion)))
}

/** The type of a control that has neither a rule nor a reason. */
const OPEN = 'open'

/** How much of the mapping the available rules answer. */
export function checkCoverage(mapping: FrameworkMapping, availableRuleIds: Iterable<string>): CoverageReport {
  const available = new Set(availableRuleIds)
  const isThere = (rule: string): boolean => available.has(rule)
  const entries = Object.entries(mapping.sections)
  const answered = entries.filter(([, { rules }]) => rules.some(isThere)).map(([, entry]) => entry)
  const lost = entries.filter(([, { rules }]) => !rules.some(isThere)).map(([control]) => control)
  // A control that only some of its rules are there for is not measured as a whole.
  const inPart = answered.filter(({ rules, metadata }) => metadata['partial'] || !rules.every(isThere)).length
  const missing = new Set(entries.flatMap(([, { rules }]) => rules).filter((rule) => !isThere(rule)))
  const unanswered = Object.entries(mapping.unimplemented)
  const withoutReason = unanswered.filter(([, { type }]) => type === OPEN).map(([control]) => control)
  const known = new Set([...Object.keys(mapping.sections), ...Object.keys(mapping.unimplemented)])
  const total = new Set([...mapping.controls, ...known]).size
  const unaccounted = mapping.controls.filter((control) => !known.has(control)).sort(natural)
  const report = {
    mappingId: mapping.id,
    totalControls: total,
    implemented: answered.length,
    inPart,
    unimplemented: unanswered.length,
    withReason: unanswered.length - withoutReason.length,
    open: [...withoutReason, ...lost, ...unaccounted].sort(natural),
    unaccounted,
    missingRules: [...missing].sort(),
    coveragePercent: percent(answered.length, inPart, total),
    isComplete: unaccounted.length === 0 && missing.size === 0,
  }
  return Object.defineProperty(report, 'toJSON', { value: () => coverageWire(report) }) as CoverageReport
}

/** Cut after the first decimal: what is not whole never becomes 100. */
function percent(answered: number, inPart: number, total: number): number {
  if (total === 0) return 0
  const permille = Math.floor((answered * 1000) / total)
  return (inPart > 0 ? Math.min(permille, 999) : permille) / 10
}

function coverageWire(report: Omit<CoverageReport, 'toJSON'>): Record<string, unknown> {
  return {
    mapping_id: report.mappingId,
    total_controls: report.totalControls,
    answered: report.implemented,
    in_part: report.inPart,
    with_reason: report.withReason,
    open: report.open,
    missing_rules: report.missingRules,
    coverage_percent: report.coveragePercent,
  }
}

/** Rule id to control id; a rule that answers several gets the first in natural order. */
export function buildRuleToSectionMap(mapping: FrameworkMapping): Record<string, string> {
  const found: Record<string, string> = {}
  for (const control of Object.keys(mapping.sections).sort(natural)) {
    for (const rule of mapping.sections[control]?.rules ?? []) found[rule] ??= control
  }
  return found
}

/** Those of `rules` that the mapping names, in their own order. */
export function rulesForFramework<R extends { id: string }>(mapping: FrameworkMapping, rules: Iterable<R>): R[] {
  const named = new Set(Object.values(mapping.sections).flatMap((entry) => entry.rules))
  return [...rules].filter((rule) => named.has(rule.id))
}

/** Every control with each of its rules, in the natural order of the controls. */
export function orderByFramework<R extends { id: string }>(mapping: FrameworkMapping, rules: Iterable<R>): [string, R][] {
  const byId = new Map([...rules].map((rule) => [rule.id, rule]))
  return Object.keys(mapping.sections).sort(natural).flatMap((control) =>
    (mapping.sections[control]?.rules ?? []).flatMap((id): [string, R][] => {
      const rule = byId.get(id)
      return rule === undefined ? [] : [[control, rule]]
    }))
}

/** Results in the natural order of their controls (5.2.3 before 5.10.1), those without one last. */
export function orderResultsBySection(results: Iterable<CheckResult>, ruleToSection?: Readonly<Record<string, string>>): CheckResult[] {
  const section = (result: CheckResult): string | null => (ruleToSection ? (ruleToSection[result.ruleId] ?? null) : result.frameworkSection)
  return [...results].sort((a, b) => {
    const [first, second] = [section(a), section(b)]
    if (first === null || second === null) return Number(first === null) - Number(second === null)
    return natural(first, second)
  })
}

/** The order of control ids the way people number them: 5.2.3 before 5.10.1, AC-2 before AC-10. */
function natural(a: string, b: string): number {
  const [first, second] = [parts(a), parts(b)]
  for (const [index, part] of first.entries()) {
    const other = second[index]
    if (other === undefined) return 1
    if (part === other) continue
    if (typeof part !== typeof other) return typeof part === 'number' ? -1 : 1
    return part < other ? -1 : 1
  }
  return first.length - second.length
}

function parts(control: string): (number | string)[] {
  return (control.match(/\d+|[^\d.\-_ ()]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part))
}

async function files(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => [])
  const found = await Promise.all(entries.map((entry) => {
    const own = join(root, entry.name)
    if (entry.isDirectory()) return files(own)
    return /\.ya?ml$/.test(entry.name) ? [own] : []
  }))
  return found.flat()
}

async function read(paths: string[]): Promise<(FrameworkMapping | RuleLoadError)[]> {
  return eachPart(await translated(() => readYaml(paths)), (json) => {
    const { path, content, error } = JSON.parse(json) as { path: string; content?: Wire; error?: string }
    if (error !== undefined) return new RuleLoadError(error, 'invalid', { path })
    if (typeof content?.['id'] !== 'string' || typeof content['framework'] !== 'string') {
      return new RuleLoadError(`${path}: not a mapping file: \`id\` or \`framework\` is missing`, 'invalid', { path })
    }
    return mappingOf(content)
  })
}

function mappingOf(content: Wire): FrameworkMapping {
  const body = [content['sections'], content['controls'], content['findings']].find(isMap) ?? {}
  const listed = content['control_ids'] ?? (Array.isArray(content['controls']) ? content['controls'] : [])
  const sections: Record<string, MappingEntry> = {}
  const unimplemented: Record<string, UnimplementedEntry> = {}
  for (const [control, item] of Object.entries(isMap(content['unimplemented']) ? content['unimplemented'] : {})) {
    unimplemented[control] = unanswered(item)
  }
  for (const [control, item] of Object.entries(body)) {
    const entry = entryOf(item)
    if (entry.rules.length > 0) sections[control] = entry
    else unimplemented[control] ??= unanswered({ reason: 'no rule yet', type: OPEN, ...item })
  }
  const controls = (listed as unknown[]).map(String)
  return {
    id: content['id'],
    framework: content['framework'],
    title: String(content['title'] ?? ''),
    published: content['published'] ? String(content['published']).slice(0, 10) : null,
    platform: platformOf(content['platform']),
    controls: [...new Set([...controls, ...Object.keys(sections), ...Object.keys(unimplemented)])].sort(natural),
    sections,
    unimplemented,
  }
}

function entryOf(item: unknown): MappingEntry {
  const map = isMap(item) ? item : { rules: item }
  const { title, rule, rules, ...metadata } = map
  const given = rules ?? rule
  const ids = typeof given === 'string' ? [given] : Array.isArray(given) ? given.map(String) : []
  return { title: String(title ?? ''), rules: ids, metadata }
}

function unanswered(item: unknown): UnimplementedEntry {
  const map = isMap(item) ? item : { reason: item }
  return { title: String(map['title'] ?? ''), reason: String(map['reason'] ?? ''), type: String(map['type'] ?? 'manual') }
}

function platformOf(item: unknown): PlatformConstraint | null {
  if (!isMap(item) || !item['family']) return null
  const bound = (key: string): number | null => {
    const number = Number.parseInt(String(item[key] ?? item['version'] ?? ''), 10)
    return Number.isNaN(number) ? null : number
  }
  return { family: String(item['family']), minVersion: bound('min_version'), maxVersion: bound('max_version') }
}

function isMap(item: unknown): item is Wire {
  return item !== null && typeof item === 'object' && !Array.isArray(item)
}
