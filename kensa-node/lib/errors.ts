/** What can go wrong, each with a stable `code`; made from what the native half throws. */

/** One problem of a rule file, and where it is. */
export interface Diagnostic {
  severity: 'error' | 'warning'
  /** Stable name of the kind of problem, kebab-case. */
  code: string
  path: string
  /** From 1; 0 when the file as a whole is meant. */
  line: number
  /** In characters from 1; 0 when the file as a whole is meant. */
  column: number
  length: number
  message: string
  sourceLine: string
  help?: string
  /** The engine's own form. */
  toJSON(): Record<string, unknown>
}

/** Base class of every error of this package. */
export class KensaError extends Error {
  /** The kind, for programs: the identifiers of results' reasons, of connection failures, and those named at the subclasses. */
  readonly code: string
  /** What belongs to the failure: the host, the command, the path, … */
  readonly details: Readonly<Record<string, unknown>>

  constructor(message: string, code = 'internal', details: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.details = details
  }

  toJSON(): { name: string; code: string; message: string; details: Readonly<Record<string, unknown>> } {
    return { name: this.name, code: this.code, message: this.message, details: this.details }
  }
}

/** Why no connection could be had, or why it was lost. */
export type ConnectCode =
  | 'unreachable' | 'refused' | 'timeout' | 'auth_failed' | 'host_key_unknown' | 'host_key_changed' | 'key_invalid'
  | 'passphrase_required' | 'protocol' | 'sudo_denied' | 'shell_refused' | 'closed'

/** The host cannot be reached or entered, or the connection was lost. `code` is a {@link ConnectCode}. */
export class SSHConnectionError extends KensaError {
  /** `host` or `host:port`, as it was asked for. */
  get host(): string {
    return String(this.details['host'] ?? '')
  }

  /** The same as `code`, under the name Python has for it. */
  get reason(): string {
    return this.code
  }
}

/** No credential was accepted: `auth_failed`, `key_invalid`, `passphrase_required`. */
export class SSHAuthenticationError extends SSHConnectionError {}

/** The host's key is not the one expected: `host_key_unknown`, `host_key_changed`. */
export class HostKeyError extends SSHConnectionError {}

/** Logged in, but root rights were refused: `sudo_denied`. */
export class PrivilegeError extends SSHConnectionError {}

/** The session is closed: `closed`. */
export class NotConnectedError extends SSHConnectionError {}

/** A command has no answer; `code` is one of the reasons results have, such as `shell_died`. */
export class CommandError extends KensaError {}

/** A command did not end in time: `timed_out`. The session goes on. */
export class CommandTimeout extends CommandError {}

/** Rules could not be loaded: `not_found`, `unreadable`, `no_rules`, `invalid`. */
export class RuleLoadError extends KensaError {
  readonly #diagnostics: Diagnostic[]

  constructor(message: string, code: string, details: Record<string, unknown> = {}, diagnostics: Diagnostic[] = []) {
    super(message, code, details)
    this.#diagnostics = diagnostics
  }

  /** Everything that is wrong with the files. Not a field, so that a printed error stays short. */
  get diagnostics(): Diagnostic[] {
    return this.#diagnostics
  }
}

/** Rules were asked for by an id no rule has: `unknown_rule`. */
export class RuleNotFoundError extends KensaError {}

/** A variable has no value, does not exist, or its value does not fit: `undefined_variable`, `unknown_variable`, `invalid_override`. */
export class VariableError extends KensaError {}

/** The call itself is wrong: `invalid_argument`. The message names the option and the nearest known one. */
export class ArgumentError extends KensaError {
  constructor(message: string, details: Record<string, unknown> = {}) {
    super(message, 'invalid_argument', details)
  }
}

/** The `AbortSignal` of a call was raised: `cancelled`. `name` is `AbortError`, `cause` the signal's reason. */
export class AbortError extends KensaError {
  constructor(reason?: unknown) {
    super('the operation was cancelled', 'cancelled', {}, reason)
    this.name = 'AbortError'
  }
}

/** The class and the values of an error the native half throws; anything else is returned as it is. */
export function fromNative(error: unknown, signal?: AbortSignal): unknown {
  const native = read(error)
  if (native === undefined) return error
  const { kensa: kind, code, message, details } = native
  switch (kind) {
    case 'cancelled':
      return signal?.aborted ? new AbortError(signal.reason) : new AbortError()
    case 'connect':
      return new (connectClass(code))(message, code, details)
    case 'fault':
      return ofFault(code, message, details)
    case 'load': {
      const { diagnostics, ...rest } = details
      return new RuleLoadError(message, code, rest, Array.isArray(diagnostics) ? diagnostics.map(diagnostic) : [])
    }
    case 'unknown_rule':
      return new RuleNotFoundError(message, code, details)
    case 'variable':
      return new VariableError(message, code, details)
    case 'argument':
      return new ArgumentError(message, details)
    default:
      return new KensaError(message, code, details)
  }
}

/** A diagnostic as the engine writes it, in this package's names. */
export function diagnostic(wire: Record<string, unknown>): Diagnostic {
  const { source_line: sourceLine, ...rest } = wire
  const toJSON = (): Record<string, unknown> => wire
  return Object.defineProperty({ ...rest, sourceLine }, 'toJSON', { value: toJSON }) as unknown as Diagnostic
}

interface Native {
  kensa: string
  code: string
  message: string
  details: Record<string, unknown>
}

function read(error: unknown): Native | undefined {
  const text = error instanceof Error ? error.message : ''
  if (!text.startsWith('{"kensa":')) return undefined
  return JSON.parse(text) as Native
}

function connectClass(code: string): typeof SSHConnectionError {
  switch (code) {
    case 'auth_failed':
    case 'key_invalid':
    case 'passphrase_required':
      return SSHAuthenticationError
    case 'host_key_unknown':
    case 'host_key_changed':
      return HostKeyError
    case 'sudo_denied':
      return PrivilegeError
    default:
      return SSHConnectionError
  }
}

function ofFault(code: string, message: string, details: Record<string, unknown>): KensaError {
  switch (code) {
    case 'timed_out':
      return new CommandTimeout(message, code, details)
    case 'connection_lost':
      return new SSHConnectionError(message, 'closed', details)
    default:
      return new CommandError(message, code, details)
  }
}
