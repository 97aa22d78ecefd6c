/** Measures whether Linux hosts comply with a set of rules. Times are in milliseconds. */

export { Plan, checkRulesFromPath, checkSingleRule, evaluateRule, plan, scan } from './checks'
export type { CheckOptions, PlannedRule } from './checks'
export { loadConfig, resolveVariables } from './config'
export type { ResolveOptions, RuleConfig, VariableValue } from './config'
export { detect, detectCapabilities, detectPlatform, quickHostInfo, reachable } from './detect'
export type { Capabilities, DetectOptions, Facts, Reachability } from './detect'
export {
  AbortError, ArgumentError, CommandError, CommandTimeout, HostKeyError, KensaError, NotConnectedError, PrivilegeError,
  RuleLoadError, RuleNotFoundError, SSHAuthenticationError, SSHConnectionError, VariableError,
} from './errors'
export type { ConnectCode, Diagnostic } from './errors'
export {
  buildRuleToSectionMap, checkCoverage, getApplicableMappings, loadAllMappings, loadMapping, orderByFramework,
  orderResultsBySection, rulesForFramework,
} from './mappings'
export type { CoverageReport, FrameworkMapping, MappingEntry, PlatformConstraint, UnimplementedEntry } from './mappings'
export type { Severity } from './options'
export { getMappingsPath, getRulesPath, getVersion } from './paths'
export { formats, renderReport } from './report'
export type { RenderOptions, ReportFormat } from './report'
export { CheckResult, ScanReport } from './results'
export type { Completeness, Evidence, PlatformInfo, Source, Status, StatusCounts, Summary, Timings } from './results'
export { loadRules, ruleAppliesToPlatform, validateRules } from './rules'
export type { Implementation, LoadOptions, Rule } from './rules'
export type { RunOptions, RunOutput, Transport } from './runner'
export { Scan } from './scan'
export type { ScanOptions, Selection } from './scan'
export { Result, Session } from './session'
export type { ConnectOptions, LocalOptions, SessionOptions } from './session'
