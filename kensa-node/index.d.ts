// Generated from lib/ by `npm run build:js`; not to be edited.

/** Checks of what callers give. */
export type Severity = "critical" | "high" | "medium" | "low";
export type Status = "pass" | "fail" | "skipped" | "error";
/** Where a setting that decided stands. */
export interface Source {
	path: string;
	/** From 1; `null` when the file as a whole is meant. */
	line: number | null;
}
/** One command and its answer, replayable by hand. */
export interface Evidence {
	/** The check method that asked. */
	method: string;
	/** Run as the same user, this prints `stdout` and ends with `exitCode`. */
	command: string;
	/** The command that really ran, where many questions were folded into one. */
	via: string | null;
	stdout: string;
	stderr: string;
	/** 128 + n for a signal n; -1 when the command never ended. */
	exitCode: number;
	expected: string;
	actual: string;
	timestamp: Date;
	durationMs: number;
	/** Size of standard output in bytes where `stdout` was cut. */
	stdoutBytes: number | null;
	/** Size of standard error in bytes where `stderr` was cut. */
	stderrBytes: number | null;
	/** Whether a secret was masked. */
	redacted: boolean;
	/** Whether bytes that are no text were removed or replaced. */
	lossy: boolean;
}
/** The operating system of a host. */
export interface PlatformInfo {
	/** os-release `ID`, lower case. */
	id: string;
	/** `rhel` for RHEL and its rebuilds, else the `id`. */
	family: string;
	/** The major version; 0 when there is none. */
	version: number;
	/** The same. */
	major: number;
	/** The version in full. */
	versionId: string;
	prettyName: string;
}
/** The result of one rule on one host. */
export declare class CheckResult {
	#private;
	readonly ruleId: string;
	readonly title: string;
	readonly severity: Severity;
	readonly category: string;
	readonly status: Status;
	/** Why it was skipped or could not be told; `null` for pass and fail. */
	readonly reason: string | null;
	readonly detail: string;
	readonly expectedValue: string | null;
	readonly actualValue: string | null;
	readonly source: Source | null;
	readonly checkMethod: string | null;
	/** The gate of the implementation used: a capability expression or `default`. */
	readonly implementationUsed: string | null;
	/** In rule order; empty when nothing ran. */
	readonly evidence: Evidence[];
	/** Framework key to control ids. */
	readonly frameworkRefs: Record<string, string[]>;
	/** The one control id to show. */
	readonly frameworkSection: string | null;
	readonly host: string;
	/** The variables the rule used; sensitive values are masked. */
	readonly variables: Record<string, string>;
	readonly startedAt: Date | null;
	readonly completedAt: Date | null;
	readonly durationMs: number | null;
	get passed(): boolean;
	get skipped(): boolean;
	/** Why it was skipped, in one sentence; `null` unless it was. */
	get skipReason(): string | null;
	/** Why it could not be told, in one sentence; `null` unless so. */
	get error(): string | null;
	/** The engine's own form. */
	toJSON(): Record<string, unknown>;
}
/** Counts by status. */
export interface StatusCounts {
	pass: number;
	fail: number;
	skipped: number;
	error: number;
}
/** Counts over the results of a scan. */
export interface Summary extends StatusCounts {
	total: number;
	bySeverity: Partial<Record<Severity, StatusCounts>>;
}
/** How many probes were planned and answered. */
export interface Completeness {
	planned: number;
	answered: number;
	unanswered: number;
}
/** Where the time of a scan went. Times are in microseconds; the parts add up to `wallUs`. */
export interface Timings {
	wallUs: number;
	/** What is no rule's: `loadUs`, `connectUs`, `loginUs`, `shellUs`, `detectUs`, `planUs`, `networkUs`, `judgeUs`, `otherUs`. */
	overhead: Record<string, number>;
	/** Each rule's share of time and of bytes received, in load order. */
	rules: {
		ruleId: string;
		timeUs: number;
		bytes: number;
	}[];
}
/** Everything a scan of one host says. */
export declare class ScanReport {
	#private;
	readonly schemaVersion: string;
	readonly engineVersion: string;
	readonly host: string;
	/** `null` when it could not be determined. */
	readonly platform: PlatformInfo | null;
	readonly capabilities: Record<string, boolean>;
	/** Capabilities that could not be determined, each with the reason. */
	readonly undeterminedCapabilities: Record<string, string>;
	/** What has to be known about how the host was reached, one sentence each. */
	readonly remarks: readonly string[];
	readonly startedAt: Date;
	readonly completedAt: Date;
	readonly completeness: Completeness;
	readonly summary: Summary;
	/** Where the time went, for a scan with `profile`; else `null`. */
	readonly timings: Timings | null;
	/** One per selected rule, in load order. */
	readonly results: CheckResult[];
	/** The report as the engine wrote it: the same bytes as in every other language. */
	toString(): string;
	/** The engine's own form. */
	toJSON(): Record<string, unknown>;
	/** A report from the engine's JSON, such as one kept in a file. */
	static parse(json: string): ScanReport;
}
/** What a command printed and how it ended. */
export interface RunOutput {
	exitCode: number;
	/** Unchanged; text is taken as UTF-8. */
	stdout?: string | Uint8Array;
	stderr?: string | Uint8Array;
}
/** What a transport is told about one command. */
export interface RunOptions {
	/** Milliseconds until nobody waits for the answer any more. */
	readonly timeout: number;
	/** Raised when nobody waits for the answer any more: out of time, or the scan was cancelled. */
	readonly signal: AbortSignal;
}
/**
 * Any object that runs commands on one host. It is called with one command at a time.
 *
 * An error whose `code` is `closed`, `ECONNRESET` or `EPIPE`, or that is an {@link SSHConnectionError}, says that the
 * connection is gone; any other belongs to the one command.
 */
export interface Transport {
	/** The host's name in results. */
	readonly hostname?: string;
	/** Whether a command may be a script of up to 64 KB, so that many commands travel in one call. */
	readonly takesScripts?: boolean;
	/** Whether commands are wanted exactly as evidence shows them, for recordings and tests. */
	readonly bareCommands?: boolean;
	/**
	 * Whether every command is to answer one question only, which takes many more calls. What was recorded this way
	 * answers every scan that asks the same questions.
	 */
	readonly singleQuestions?: boolean;
	/** Runs `command` through a POSIX shell and gives both streams unchanged. */
	run(command: string, options: RunOptions): Promise<RunOutput>;
}
/** Which rules. An empty filter lets everything through; several are combined by *and*, the members of one by *or*. */
export interface Selection {
	severity?: Severity | readonly Severity[];
	category?: string | readonly string[];
	tags?: string | readonly string[];
	/** Only rules that serve one of these: `cis`, `stig`, `nist_800_53`, or a full key such as `cis_rhel9_v2`. */
	frameworks?: string | readonly string[];
	ruleIds?: string | readonly string[];
}
/** What to scan and how. Times are in milliseconds. */
export interface ScanOptions extends Selection {
	/** A rule file or a folder; the bundled rules by default. */
	rulesPath?: string | URL;
	/** The framework whose variable values apply and whose control is shown; it drops no rule. */
	framework?: string;
	/** Values of variables, over every other. */
	variables?: Readonly<Record<string, string | number | boolean>>;
	/** Capabilities set by hand. */
	capabilities?: Readonly<Record<string, boolean>>;
	/** Limit of the whole scan; what is unanswered then is an error result. */
	timeout?: number;
	/** Bytes kept of each stream in evidence; 64 KiB by default. */
	evidenceLimit?: number;
	/** Measures where the time goes, for `report.timings`. */
	profile?: boolean;
	/** Stops the scan, on the host as well. */
	signal?: AbortSignal;
}
/** A scan that runs. It can be iterated once; results come in the order they are settled. */
export declare class Scan implements AsyncIterable<CheckResult> {
	#private;
	[Symbol.asyncIterator](): AsyncGenerator<CheckResult, void, undefined>;
	/** The report, once the scan has ended. The scan then no longer pauses for results that are not taken. */
	report(): Promise<ScanReport>;
	/** Stops the scan and what it runs on the host. Harmless when it has ended. */
	cancel(): void;
	/** Results that wait to be taken. */
	get buffered(): number;
	/** The most that waited so far. */
	get maxBuffered(): number;
}
/** What every session can be told. Times are in milliseconds. */
export interface SessionOptions {
	/** Become root by sudo; the same as `become: 'sudo'`. */
	sudo?: boolean;
	/** How to become root, once, before anything is asked. */
	become?: "none" | "sudo" | "doas" | "su";
	/** What `sudo` asks for (with `become: 'su'`: root's password); a `password` given for the login is the default for sudo. */
	sudoPassword?: string;
	/** Limit of one command; 60 s by default. */
	commandTimeout?: number;
	/** Whether a lost connection is replaced, and what was on its way asked again; `true` by default. */
	reconnect?: boolean;
	/** Niceness of all that runs on the host, 0 to 19: the higher, the more it gives way to other work. */
	nice?: number;
	/** Shells, 1 to 3, that share the commands where many wait; each further one takes a `sudo` and a session of the host. 1 by default. */
	shells?: number;
	/** The host's name in results, where it should be another one. */
	name?: string;
}
/** How to reach a host over SSH and log in there. Times are in milliseconds. What is set here wins over ssh_config. */
export interface ConnectOptions extends SessionOptions {
	/** Name, address or ssh_config alias. */
	hostname: string;
	port?: number;
	user?: string;
	/** Login password. With an encrypted key and no `passphrase`, it is tried as the key's passphrase first. */
	password?: string;
	/** A private key file, or several. */
	keyPath?: string | URL | readonly (string | URL)[];
	/** A private key as text: OpenSSH, PEM or PKCS#8. */
	keyData?: string;
	passphrase?: string;
	/** Whether to ask the agent; by default only where neither key nor password is given. */
	useAgent?: boolean;
	/** `accept-new` by default: known keys, and those of hosts never seen. */
	hostKeyPolicy?: "strict" | "accept-new" | "off";
	/** The only host key to accept, as `SHA256:…`. */
	pinnedHostKey?: string;
	/** Files of known host keys; new ones are written to the first. An empty list: remembered in memory only. */
	knownHosts?: string | readonly string[];
	/** An ssh_config file in place of the usual ones; `false` for none. */
	sshConfig?: string | false;
	/** Hosts to pass through, as `[user@]host[:port]`. */
	proxyJump?: string | readonly string[];
	/** Limit of connect, handshake and login each; 30 s by default. */
	timeout?: number;
	fipsAlgorithms?: boolean;
	legacyAlgorithms?: boolean;
	/** Gives up connecting. */
	signal?: AbortSignal;
}
/** What a session with this machine can be told. */
export interface LocalOptions extends SessionOptions {
	signal?: AbortSignal;
}
/** What a command printed and how it ended. */
export declare class Result {
	/** 128 + n for a signal n. */
	readonly exitCode: number;
	/** As text, trailing line feeds removed; {@link stdoutBytes} has it unchanged. */
	readonly stdout: string;
	readonly stderr: string;
	readonly stdoutBytes: Uint8Array;
	readonly stderrBytes: Uint8Array;
	/** Whether a stream was longer than the limit and was cut. */
	readonly truncated: boolean;
	readonly durationMs: number;
	get ok(): boolean;
}
/** A session with one host. Several calls may share it. It does not keep Node alive while it is idle. */
export declare class Session {
	#private;
	/** The host's name in results. */
	readonly hostname: string;
	readonly port: number | undefined;
	readonly user: string | undefined;
	readonly sudo: boolean;
	private constructor();
	/** Connects over SSH and becomes root where asked. @throws {SSHConnectionError} with the reason as `code`. */
	static connect(options: ConnectOptions): Promise<Session>;
	/** A session with this machine. */
	static local(options?: LocalOptions): Promise<Session>;
	/** A session over a transport of the host application. */
	static from(transport: Transport, options?: Pick<SessionOptions, "commandTimeout" | "name">): Session;
	/** Runs `command` through a POSIX shell. Any exit status is an answer. */
	run(command: string, options?: {
		timeout?: number;
		signal?: AbortSignal;
	}): Promise<Result>;
	/**
	 * Starts a scan: `for await (const result of session.scan())`. Leaving the loop stops it, on the host as well.
	 * The scan pauses while results are not taken.
	 */
	scan(options?: ScanOptions): Scan;
	/** Whether the session was not closed. */
	get isConnected(): boolean;
	/** The user number commands run as, where it is known. */
	get uid(): number | undefined;
	/** Ends the session. Never fails; once is enough. */
	close(): Promise<void>;
	/** For `await using`, where the runtime has it. */
	[Symbol.asyncDispose]: () => Promise<void>;
}
/** Capability name to whether the host has it. */
export type Capabilities = Record<string, boolean>;
/** Everything known about a host before a rule is evaluated. */
export interface Facts {
	/** `null` when it could not be determined. */
	platform: PlatformInfo | null;
	capabilities: Capabilities;
	/** Capabilities that could not be determined, each with the reason. They are neither there nor absent. */
	undetermined: Record<string, string>;
}
export interface DetectOptions {
	/** Capabilities set by hand. */
	overrides?: Readonly<Capabilities>;
	signal?: AbortSignal;
}
/** What the host is and has. */
export declare function detect(session: Session | Transport, options?: DetectOptions): Promise<Facts>;
/** The operating system; `null` when it could not be determined. */
export declare function detectPlatform(session: Session | Transport, options?: DetectOptions): Promise<PlatformInfo | null>;
/** Capability name to whether the host has it; those that could not be determined are left out, see {@link detect}. */
export declare function detectCapabilities(session: Session | Transport, options?: DetectOptions): Promise<Capabilities>;
/** Capabilities and operating system, in one call. */
export declare function quickHostInfo(session: Session | Transport, options?: DetectOptions): Promise<[
	Capabilities,
	PlatformInfo | null
]>;
/** Whether a host answers. */
export interface Reachability {
	reached: boolean;
	/** Milliseconds the TCP connect took. */
	latency: number | null;
	/** The first line the SSH server sends. */
	banner: string | null;
	/** Why it was not reached: a {@link ConnectCode}. */
	code: string | null;
	message: string | null;
}
/** Asks, without credentials, whether `host` answers. Sends nothing. `timeout` is in milliseconds. */
export declare function reachable(host: string, port?: number, timeout?: number): Promise<Reachability>;
/** What can go wrong, each with a stable `code`; made from what the native half throws. */
/** One problem of a rule file, and where it is. */
export interface Diagnostic {
	severity: "error" | "warning";
	/** Stable name of the kind of problem, kebab-case. */
	code: string;
	path: string;
	/** From 1; 0 when the file as a whole is meant. */
	line: number;
	/** In characters from 1; 0 when the file as a whole is meant. */
	column: number;
	length: number;
	message: string;
	sourceLine: string;
	help?: string;
	/** The engine's own form. */
	toJSON(): Record<string, unknown>;
}
/** Base class of every error of this package. */
export declare class KensaError extends Error {
	/** The kind, for programs: the identifiers of results' reasons, of connection failures, and those named at the subclasses. */
	readonly code: string;
	/** What belongs to the failure: the host, the command, the path, … */
	readonly details: Readonly<Record<string, unknown>>;
	constructor(message: string, code?: string, details?: Record<string, unknown>, cause?: unknown);
	toJSON(): {
		name: string;
		code: string;
		message: string;
		details: Readonly<Record<string, unknown>>;
	};
}
/** Why no connection could be had, or why it was lost. */
export type ConnectCode = "unreachable" | "refused" | "timeout" | "auth_failed" | "host_key_unknown" | "host_key_changed" | "key_invalid" | "passphrase_required" | "protocol" | "sudo_denied" | "shell_refused" | "closed";
/** The host cannot be reached or entered, or the connection was lost. `code` is a {@link ConnectCode}. */
export declare class SSHConnectionError extends KensaError {
	/** `host` or `host:port`, as it was asked for. */
	get host(): string;
	/** The same as `code`, under the name Python has for it. */
	get reason(): string;
}
/** No credential was accepted: `auth_failed`, `key_invalid`, `passphrase_required`. */
export declare class SSHAuthenticationError extends SSHConnectionError {
}
/** The host's key is not the one expected: `host_key_unknown`, `host_key_changed`. */
export declare class HostKeyError extends SSHConnectionError {
}
/** Logged in, but root rights were refused: `sudo_denied`. */
export declare class PrivilegeError extends SSHConnectionError {
}
/** The session is closed: `closed`. */
export declare class NotConnectedError extends SSHConnectionError {
}
/** A command has no answer; `code` is one of the reasons results have, such as `shell_died`. */
export declare class CommandError extends KensaError {
}
/** A command did not end in time: `timed_out`. The session goes on. */
export declare class CommandTimeout extends CommandError {
}
/** Rules could not be loaded: `not_found`, `unreadable`, `no_rules`, `invalid`. */
export declare class RuleLoadError extends KensaError {
	#private;
	constructor(message: string, code: string, details?: Record<string, unknown>, diagnostics?: Diagnostic[]);
	/** Everything that is wrong with the files. Not a field, so that a printed error stays short. */
	get diagnostics(): Diagnostic[];
}
/** Rules were asked for by an id no rule has: `unknown_rule`. */
export declare class RuleNotFoundError extends KensaError {
}
/** A variable has no value, does not exist, or its value does not fit: `undefined_variable`, `unknown_variable`, `invalid_override`. */
export declare class VariableError extends KensaError {
}
/** The call itself is wrong: `invalid_argument`. The message names the option and the nearest known one. */
export declare class ArgumentError extends KensaError {
	constructor(message: string, details?: Record<string, unknown>);
}
/** The `AbortSignal` of a call was raised: `cancelled`. `name` is `AbortError`, `cause` the signal's reason. */
export declare class AbortError extends KensaError {
	constructor(reason?: unknown);
}
/** One way to check and fix a rule, as its file has it. */
export interface Implementation {
	when?: unknown;
	default?: boolean;
	check?: Record<string, unknown>;
	remediation?: Record<string, unknown>;
	[key: string]: unknown;
}
/** The content of a rule file, keys as in the file, and what the loader adds. */
export interface Rule {
	id: string;
	title: string;
	description?: string;
	rationale?: string;
	severity: Severity;
	category?: string;
	tags?: string[];
	platforms?: {
		family: string;
		min_version?: number;
		max_version?: number;
		derivatives?: boolean;
	}[];
	references?: Record<string, unknown>;
	implementations: Implementation[];
	depends_on?: string[];
	conflicts_with?: string[];
	supersedes?: string[];
	/** Added: the check of the default implementation, else of the first. */
	check?: Record<string, unknown>;
	/** Added: the remediation of the default implementation if it is automated, else the first that is. */
	remediation?: Record<string, unknown>;
	/** Added: the references. */
	frameworkRefs?: Record<string, unknown>;
	/** Added: names of the variables the rule uses. */
	variables?: string[];
	[key: string]: unknown;
}
export interface LoadOptions extends Selection {
	/** Anything wrong fails the call; otherwise files that do not load are left out. */
	strict?: boolean;
	/** Told everything that is wrong with the files. */
	onDiagnostic?: (diagnostic: Diagnostic) => void;
}
/** The rules at `rulesPath` (a file or a folder; the bundled ones by default) that pass the filters, in load order. */
export declare function loadRules(rulesPath?: string | URL, options?: LoadOptions): Promise<Rule[]>;
/** What is wrong with the rule files at `rulesPath`; empty when nothing is. With `strict` most warnings count as errors. */
export declare function validateRules(rulesPath: string | URL, options?: {
	strict?: boolean;
}): Promise<Diagnostic[]>;
/** Whether a rule is for hosts of this family and major version; `rhel` in a rule covers the rebuilds. */
export declare function ruleAppliesToPlatform(rule: Pick<Rule, "platforms">, family: string, version: number): boolean;
/** What to check and how. Times are in milliseconds. */
export interface CheckOptions extends Omit<ScanOptions, "rulesPath"> {
	/** Told each result as soon as it is settled. What it throws stops the check and is thrown by it. */
	onResult?: (result: CheckResult) => void | Promise<void>;
}
/**
 * Checks the rules at `rulesPath` (the bundled ones where it is `undefined`) and gives exactly one result per rule, in
 * load order. Nothing on the host is changed.
 */
export declare function checkRulesFromPath(session: Session | Transport, rulesPath?: string | URL, options?: CheckOptions): Promise<CheckResult[]>;
/** Checks the one rule in the file `rulePath`. */
export declare function checkSingleRule(session: Session | Transport, rulePath: string | URL, options?: CheckOptions): Promise<CheckResult>;
/** Checks one rule that need not be in a file. Variables are those of `options.variables` and of the rule itself. */
export declare function evaluateRule(session: Session | Transport, rule: Rule, options?: Pick<ScanOptions, "capabilities" | "framework" | "variables" | "signal" | "evidenceLimit">): Promise<CheckResult>;
/** Scans a host and gives the whole report. */
export declare function scan(session: Session | Transport, options?: ScanOptions & Pick<CheckOptions, "onResult">): Promise<ScanReport>;
/** What a scan would do with one rule. */
export interface PlannedRule {
	ruleId: string;
	decision: "run" | "skipped" | "error";
	/** Why it would not be evaluated. */
	reason: string | null;
	detail: string | null;
	implementation: string | null;
	methods: string[];
	commands: string[];
}
/** Everything a scan would do first. Checks may ask for more once these commands are answered. */
export declare class Plan {
	#private;
	/** `null` when it could not be determined. */
	readonly platform: PlatformInfo | null;
	readonly capabilities: Capabilities;
	/** Capabilities that could not be determined, each with the reason. */
	readonly undeterminedCapabilities: Record<string, string>;
	/** One per selected rule, in load order. */
	readonly rules: PlannedRule[];
	/** Every command, once. */
	readonly commands: string[];
	/** The plan as the engine wrote it: the same bytes as in every other language. */
	toString(): string;
	/** The engine's own form. */
	toJSON(): Record<string, unknown>;
}
/** What a scan with `options` would do, without doing it. The host is only asked what it is and has. */
export declare function plan(session: Session | Transport, options?: ScanOptions): Promise<Plan>;
/** A variable's value. */
export type VariableValue = string | number | boolean | null | readonly (string | number | boolean)[];
/** The values variables have in a rule folder, and those a framework sets instead. */
export interface RuleConfig {
	variables: Record<string, VariableValue>;
	frameworkOverrides: Record<string, Record<string, VariableValue>>;
	/** The same of `rules.d/*.yml`, which override both. */
	localVariables?: Record<string, VariableValue>;
	localOverrides?: Record<string, Record<string, VariableValue>>;
}
/** The values in `defaults.yml` and `rules.d/*.yml` of a rule folder; missing files give none. */
export declare function loadConfig(rulesPath?: string | URL): Promise<RuleConfig>;
export interface ResolveOptions {
	/** The framework whose values apply: `cis-rhel9-v2.0.0` selects the section `cis`. */
	framework?: string;
	/** Values over every other. */
	variables?: Readonly<Record<string, VariableValue>>;
	/** Refuse variables without a value (the default); otherwise they stay as written. */
	strict?: boolean;
}
/** A new rule with `{{ name }}` replaced by values; the rule given is unchanged. */
export declare function resolveVariables(rule: Rule, config: RuleConfig, options?: ResolveOptions): Rule;
/** The systems a mapping is for; bounds are inclusive major versions. */
export interface PlatformConstraint {
	family: string;
	minVersion: number | null;
	maxVersion: number | null;
}
/** A control with the rules that answer it. */
export interface MappingEntry {
	title: string;
	rules: string[];
	/** What else the file says: `level`, `type`, `severity`, `cci`, … */
	metadata: Record<string, unknown>;
}
/** A control no rule answers, and why. */
export interface UnimplementedEntry {
	title: string;
	reason: string;
	type: string;
}
/** One benchmark: its controls, and the rules that answer them. */
export interface FrameworkMapping {
	id: string;
	framework: string;
	title: string;
	/** As written, `2024-06-20`. */
	published: string | null;
	platform: PlatformConstraint | null;
	/** Every control, in natural order. */
	controls: string[];
	sections: Record<string, MappingEntry>;
	unimplemented: Record<string, UnimplementedEntry>;
}
/** How much of a benchmark the available rules answer. Counts are controls. */
export interface CoverageReport {
	mappingId: string;
	totalControls: number;
	/** Controls at least one rule answers, in full or in part. */
	implemented: number;
	/** Those of `implemented` of which some part is not measured. */
	inPart: number;
	/** Controls listed as unanswered. */
	unimplemented: number;
	/** Those of `unimplemented` that have a reason. */
	withReason: number;
	/** Controls without a rule that is there, and without a reason. */
	open: string[];
	/** Controls that are neither answered nor listed as unanswered. */
	unaccounted: string[];
	/** Rules the mapping names that are not there. */
	missingRules: string[];
	/** Cut after the first decimal; 100 only when every control is answered in full. */
	coveragePercent: number;
	isComplete: boolean;
	/** The engine's own form. */
	toJSON(): Record<string, unknown>;
}
/** Reads one mapping file. */
export declare function loadMapping(file: string | URL): Promise<FrameworkMapping>;
/**
 * Every mapping in a folder and below, by id; a missing folder gives none. A broken file is left out and told to
 * `onError`. Without an argument the folder is {@link getMappingsPath}.
 */
export declare function loadAllMappings(mappingsPath?: string | URL, onError?: (error: RuleLoadError) => void): Promise<Record<string, FrameworkMapping>>;
/** The mappings for a host of this family and major version; those without a platform are for every host. */
export declare function getApplicableMappings(mappings: Readonly<Record<string, FrameworkMapping>>, family: string, version: number): FrameworkMapping[];
/** How much of the mapping the available rules answer. */
export declare function checkCoverage(mapping: FrameworkMapping, availableRuleIds: Iterable<string>): CoverageReport;
/** Rule id to control id; a rule that answers several gets the first in natural order. */
export declare function buildRuleToSectionMap(mapping: FrameworkMapping): Record<string, string>;
/** Those of `rules` that the mapping names, in their own order. */
export declare function rulesForFramework<R extends {
	id: string;
}>(mapping: FrameworkMapping, rules: Iterable<R>): R[];
/** Every control with each of its rules, in the natural order of the controls. */
export declare function orderByFramework<R extends {
	id: string;
}>(mapping: FrameworkMapping, rules: Iterable<R>): [
	string,
	R
][];
/** Results in the natural order of their controls (5.2.3 before 5.10.1), those without one last. */
export declare function orderResultsBySection(results: Iterable<CheckResult>, ruleToSection?: Readonly<Record<string, string>>): CheckResult[];
/** Where rules and mappings are. */
/** The folder of the rules: `KENSA_RULES_PATH` where it is a folder, else the one in this package. */
export declare function getRulesPath(): string;
/** The folder of the mappings: `KENSA_MAPPINGS_PATH` where it is a folder, else `mappings` in or beside the rules. */
export declare function getMappingsPath(): string;
/** The version of the engine and of the rules in this package. */
export declare function getVersion(): string;
export type ReportFormat = "text" | "json" | "jsonl" | "csv" | "junit" | "sarif";
export interface RenderOptions {
	/** Columns of the terminal (`text`). */
	width?: number;
	/** Colour by escape sequences (`text`). */
	color?: boolean;
	/** Also what is usually left out. */
	verbose?: boolean;
}
/** Names of the report formats. */
export declare function formats(): ReportFormat[];
/** Writes a report in one of the {@link formats}; the same bytes as from the command line. */
export declare function renderReport(report: ScanReport, format: ReportFormat, options?: RenderOptions): Promise<string>;

export {};
