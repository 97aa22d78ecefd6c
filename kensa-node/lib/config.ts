/** Site values: what variables are set to, and putting them into a rule. */

import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { translated } from './cancelling'
import { RuleLoadError, VariableError } from './errors'
import { knownOptions, path } from './options'
import { getRulesPath } from './paths'
import { TEMPLATE, derived, source, type Rule } from './rules'
import type { Wire } from './results'
import { readYaml } from '../native'

/** A variable's value. */
export type VariableValue = string | number | boolean | null | readonly (string | number | boolean)[]

/** The values variables have in a rule folder, and those a framework sets instead. */
export interface RuleConfig {
  variables: Record<string, VariableValue>
  frameworkOverrides: Record<string, Record<string, VariableValue>>
  /** The same of `rules.d/*.yml`, which override both. */
  localVariables?: Record<string, VariableValue>
  localOverrides?: Record<string, Record<string, VariableValue>>
}

/** The values in `defaults.yml` and `rules.d/*.yml` of a rule folder; missing files give none. */
export async function loadConfig(rulesPath?: string | URL): Promise<RuleConfig> {
  let root = path('loadConfig', 'rulesPath', rulesPath) ?? getRulesPath()
  if ((await stat(root).catch(() => undefined))?.isFile()) root = dirname(root)
  const config = { variables: {}, frameworkOverrides: {}, localVariables: {}, localOverrides: {} }
  const defaults = [join(root, 'defaults.yml'), join(dirname(root), 'config', 'defaults.yml')]
  for (const file of defaults) {
    if (!(await stat(file).catch(() => undefined))) continue
    merge(await content(file), config.variables, config.frameworkOverrides)
    break
  }
  const local = await readdir(join(root, 'rules.d')).catch(() => [] as string[])
  for (const name of local.filter((one) => one.endsWith('.yml')).sort()) {
    merge(await content(join(root, 'rules.d', name)), config.localVariables, config.localOverrides)
  }
  return config
}

export interface ResolveOptions {
  /** The framework whose values apply: `cis-rhel9-v2.0.0` selects the section `cis`. */
  framework?: string
  /** Values over every other. */
  variables?: Readonly<Record<string, VariableValue>>
  /** Refuse variables without a value (the default); otherwise they stay as written. */
  strict?: boolean
}

/** A new rule with `{{ name }}` replaced by values; the rule given is unchanged. */
export function resolveVariables(rule: Rule, config: RuleConfig, options: ResolveOptions = {}): Rule {
  knownOptions('resolveVariables', options, ['framework', 'variables', 'strict'])
  const values: Record<string, VariableValue> = {
    ...config.variables,
    ...section(config.frameworkOverrides, options.framework),
    ...config.localVariables,
    ...section(config.localOverrides ?? {}, options.framework),
    ...options.variables,
  }
  const problems = new Set<string>()
  const { implementations, ...rest } = source(rule)
  const resolved = { ...rest, implementations: filled(implementations, '', values, problems) }
  if ((options.strict ?? true) && problems.size > 0) {
    throw new VariableError(`${rule.id}: ${[...problems].join('; ')}`, 'undefined_variable', { ruleId: rule.id })
  }
  return derived(resolved, (rule as { path?: string }).path)
}

/** Parameters that are handed to a shell as text, and what a value may hold there. */
const SHELL_TEXT = ['run', 'cmd', 'observed_command', 'unless', 'command']
const SAFE_IN_SHELL = /^[A-Za-z0-9 \t.,:_@%+/=-]*$/

function filled(item: unknown, parameter: string, values: Record<string, VariableValue>, problems: Set<string>): unknown {
  if (typeof item === 'string') return text(item, parameter, values, problems)
  if (Array.isArray(item)) return item.map((one) => filled(one, parameter, values, problems))
  if (item === null || typeof item !== 'object') return item
  return Object.fromEntries(Object.entries(item).map(([key, one]) => [key, filled(one, key, values, problems)]))
}

function text(item: string, parameter: string, values: Record<string, VariableValue>, problems: Set<string>): unknown {
  const shell = SHELL_TEXT.includes(parameter)
  const whole = /^\{\{\s*([A-Za-z][A-Za-z0-9_]*)\s*\}\}$/.exec(item.trim())?.[1]
  if (whole !== undefined && !shell && ['number', 'boolean'].includes(typeof values[whole])) return values[whole]
  return item.replace(TEMPLATE, (template, name: string) => {
    if (!Object.hasOwn(values, name)) {
      problems.add(`variable ${JSON.stringify(name)} is defined nowhere`)
      return template
    }
    const value = values[name]
    const shown = Array.isArray(value) ? value.join(',') : String(value ?? '')
    if (shell && !SAFE_IN_SHELL.test(shown)) {
      problems.add(`the value of ${JSON.stringify(name)} may not stand in shell text (${parameter})`)
      return template
    }
    return shown
  })
}

/** The section whose name is the longest leading part of `framework`. */
function section(sections: Record<string, Record<string, VariableValue>>, framework: string | undefined) {
  if (framework === undefined) return {}
  const normal = (name: string): string => name.toLowerCase().replaceAll('-', '_')
  const leads = (name: string): boolean => normal(framework) === normal(name) || normal(framework).startsWith(`${normal(name)}_`)
  const [best] = Object.keys(sections).filter(leads).sort((a, b) => b.length - a.length)
  return best === undefined ? {} : sections[best]
}

async function content(file: string): Promise<Wire> {
  const parts = await translated(() => readYaml([file]))
  const read = JSON.parse(parts.item(0) ?? 'null') as { content?: Wire; error?: string } | null
  if (read?.error !== undefined) throw new RuleLoadError(read.error, 'invalid', { path: file })
  return read?.content ?? {}
}

function merge(content: Wire, variables: RuleConfig['variables'], sections: RuleConfig['frameworkOverrides']): void {
  for (const [name, item] of Object.entries(content['variables'] ?? {})) variables[name] = declared(item)
  for (const [framework, values] of Object.entries((content['frameworks'] ?? {}) as Wire)) {
    const own = (sections[framework] ??= {})
    for (const [name, item] of Object.entries((values ?? {}) as Wire)) own[name] = declared(item)
  }
}

/** A variable's value: as written, or the `default` of a declaration. */
function declared(item: unknown): VariableValue {
  const value = item !== null && typeof item === 'object' && !Array.isArray(item) ? (item as Wire)['default'] : item
  return (value ?? null) as VariableValue
}
