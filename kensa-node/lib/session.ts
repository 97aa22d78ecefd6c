/** Sessions with hosts. */

import { cancellable, translated } from './cancelling'
import { ArgumentError, NotConnectedError } from './errors'
import { given, knownOptions, list, milliseconds, optionalFlag, optionalNumber, optionalText, path, text, word } from './options'
import { nativeOver, type Transport } from './runner'
import { Scan, type ScanOptions } from './scan'
import { NativeSession, type NativeOutput, type NativeSessionOptions } from '../native'

/** What every session can be told. Times are in milliseconds. */
export interface SessionOptions {
  /** Become root by sudo; the same as `become: 'sudo'`. */
  sudo?: boolean
  /** How to become root, once, before anything is asked. */
  become?: 'none' | 'sudo' | 'doas' | 'su'
  /** What `sudo` asks for (with `become: 'su'`: root's password); a `password` given for the login is the default for sudo. */
  sudoPassword?: string
  /** Limit of one command; 60 s by default. */
  commandTimeout?: number
  /** Whether a lost connection is replaced, and what was on its way asked again; `true` by default. */
  reconnect?: boolean
  /** Niceness of all that runs on the host, 0 to 19: the higher, the more it gives way to other work. */
  nice?: number
  /** Shells, 1 to 3, that share the commands where many wait; each further one takes a `sudo` and a session of the host. 1 by default. */
  shells?: number
  /** The host's name in results, where it should be another one. */
  name?: string
}

/** How to reach a host over SSH and log in there. Times are in milliseconds. What is set here wins over ssh_config. */
export interface ConnectOptions extends SessionOptions {
  /** Name, address or ssh_config alias. */
  hostname: string
  port?: number
  user?: string
  /** Login password. With an encrypted key and no `passphrase`, it is tried as the key's passphrase first. */
  password?: string
  /** A private key file, or several. */
  keyPath?: string | URL | readonly (string | URL)[]
  /** A private key as text: OpenSSH, PEM or PKCS#8. */
  keyData?: string
  passphrase?: string
  /** Whether to ask the agent; by default only where neither key nor password is given. */
  useAgent?: boolean
  /** `accept-new` by default: known keys, and those of hosts never seen. */
  hostKeyPolicy?: 'strict' | 'accept-new' | 'off'
  /** The only host key to accept, as `SHA256:…`. */
  pinnedHostKey?: string
  /** Files of known host keys; new ones are written to the first. An empty list: remembered in memory only. */
  knownHosts?: string | readonly string[]
  /** An ssh_config file in place of the usual ones; `false` for none. */
  sshConfig?: string | false
  /** Hosts to pass through, as `[user@]host[:port]`. */
  proxyJump?: string | readonly string[]
  /** Limit of connect, handshake and login each; 30 s by default. */
  timeout?: number
  fipsAlgorithms?: boolean
  legacyAlgorithms?: boolean
  /** Gives up connecting. */
  signal?: AbortSignal
}

/** What a session with this machine can be told. */
export interface LocalOptions extends SessionOptions {
  signal?: AbortSignal
}

/** What a command printed and how it ended. */
export class Result {
  /** 128 + n for a signal n. */
  readonly exitCode: number
  /** As text, trailing line feeds removed; {@link stdoutBytes} has it unchanged. */
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Uint8Array
  readonly stderrBytes: Uint8Array
  /** Whether a stream was longer than the limit and was cut. */
  readonly truncated: boolean
  readonly durationMs: number

  /** @internal */
  constructor(output: NativeOutput) {
    this.exitCode = output.exitCode
    this.stdoutBytes = output.stdout
    this.stderrBytes = output.stderr
    this.stdout = output.stdout.toString('utf8').replace(/\n+$/, '')
    this.stderr = output.stderr.toString('utf8').replace(/\n+$/, '')
    this.truncated = output.stdoutTotal > output.stdout.length || output.stderrTotal > output.stderr.length
    this.durationMs = output.duration
  }

  get ok(): boolean {
    return this.exitCode === 0
  }
}

const SESSION_OPTIONS = ['sudo', 'become', 'sudoPassword', 'commandTimeout', 'reconnect', 'nice', 'shells', 'name', 'signal']
const CONNECT_OPTIONS = [
  'hostname', 'port', 'user', 'password', 'keyPath', 'keyData', 'passphrase', 'useAgent', 'hostKeyPolicy', 'pinnedHostKey',
  'knownHosts', 'sshConfig', 'proxyJump', 'timeout', 'fipsAlgorithms', 'legacyAlgorithms', ...SESSION_OPTIONS,
]
const POLICIES = ['strict', 'accept-new', 'off'] as const
const WAYS = ['none', 'sudo', 'doas', 'su'] as const

/** A session with one host. Several calls may share it. It does not keep Node alive while it is idle. */
export class Session {
  readonly #native: NativeSession
  /** The host's name in results. */
  readonly hostname: string
  readonly port: number | undefined
  readonly user: string | undefined
  readonly sudo: boolean
  /** Held for as long as the session, or what it runs, is. */
  readonly #transport: Transport | undefined
  #closed = false

  private constructor(native: NativeSession, told: { port?: number | undefined; user?: string | undefined; sudo?: boolean; transport?: Transport }) {
    this.#native = native
    this.#transport = told.transport
    this.hostname = native.host
    this.port = told.port
    this.user = told.user
    this.sudo = told.sudo ?? false
  }

  /** Connects over SSH and becomes root where asked. @throws {SSHConnectionError} with the reason as `code`. */
  static async connect(options: ConnectOptions): Promise<Session> {
    const call = 'Session.connect'
    knownOptions(call, options, CONNECT_OPTIONS)
    const hostname = text(call, 'hostname', options?.hostname)
    const { port, user, signal } = options
    if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536)) {
      throw new ArgumentError(`${call}: port must be a number from 1 to 65535`)
    }
    const keys = options.keyPath === undefined ? [] : Array.isArray(options.keyPath) ? options.keyPath : [options.keyPath]
    const to = given({
      hostname,
      port,
      user: optionalText(call, 'user', user),
      password: optionalText(call, 'password', options.password),
      keyPaths: keys.map((key: string | URL) => path(call, 'keyPath', key) ?? ''),
      keyData: optionalText(call, 'keyData', options.keyData),
      passphrase: optionalText(call, 'passphrase', options.passphrase),
      useAgent: optionalFlag(call, 'useAgent', options.useAgent),
      hostKeyPolicy: word(call, 'hostKeyPolicy', options.hostKeyPolicy, POLICIES),
      pinnedHostKey: optionalText(call, 'pinnedHostKey', options.pinnedHostKey),
      knownHosts: options.knownHosts === undefined ? undefined : list(call, 'knownHosts', options.knownHosts),
      sshConfig: options.sshConfig === false ? '' : optionalText(call, 'sshConfig', options.sshConfig),
      proxyJump: options.proxyJump === undefined ? undefined : list(call, 'proxyJump', options.proxyJump),
      timeout: milliseconds(call, 'timeout', options.timeout),
      fipsAlgorithms: optionalFlag(call, 'fipsAlgorithms', options.fipsAlgorithms),
      legacyAlgorithms: optionalFlag(call, 'legacyAlgorithms', options.legacyAlgorithms),
    })
    const session = sessionOptions(call, options, options.password)
    const native = await cancellable(signal, (cancellation) => NativeSession.connect({ ...to, hostname }, session, cancellation))
    return new Session(native, { port, user, sudo: session.become !== undefined && session.become !== 'none' })
  }

  /** A session with this machine. */
  static async local(options: LocalOptions = {}): Promise<Session> {
    const call = 'Session.local'
    knownOptions(call, options, SESSION_OPTIONS)
    const session = sessionOptions(call, options)
    const native = await cancellable(options.signal, (cancellation) => NativeSession.local(session, cancellation))
    return new Session(native, { sudo: session.become !== undefined && session.become !== 'none' })
  }

  /** A session over a transport of the host application. */
  static from(transport: Transport, options: Pick<SessionOptions, 'commandTimeout' | 'name'> = {}): Session {
    const call = 'Session.from'
    knownOptions(call, options, ['commandTimeout', 'name'])
    return new Session(nativeOver(transport, sessionOptions(call, options)), { transport })
  }

  /** Runs `command` through a POSIX shell. Any exit status is an answer. */
  async run(command: string, options: { timeout?: number; signal?: AbortSignal } = {}): Promise<Result> {
    knownOptions('run', options, ['timeout', 'signal'])
    if (typeof command !== 'string') throw new ArgumentError('run: the command must be a text')
    const timeout = milliseconds('run', 'timeout', options.timeout)
    const native = this.native()
    const output = await cancellable(options.signal, (cancellation) => native.run(command, timeout, cancellation))
    void this.#transport
    return new Result(output)
  }

  /**
   * Starts a scan: `for await (const result of session.scan())`. Leaving the loop stops it, on the host as well.
   * The scan pauses while results are not taken.
   */
  scan(options: ScanOptions = {}): Scan {
    return new Scan(this, options)
  }

  /** Whether the session was not closed. */
  get isConnected(): boolean {
    return !this.#closed
  }

  /** The user number commands run as, where it is known. */
  get uid(): number | undefined {
    return this.#native.uid ?? undefined
  }

  /** Ends the session. Never fails; once is enough. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await translated(() => this.#native.close())
  }

  /** The facts about the host as JSON. @internal */
  async facts(overrides: string, signal: AbortSignal | undefined): Promise<string> {
    const native = this.native()
    const facts = await cancellable(signal, (cancellation) => native.detect(overrides, cancellation))
    // Until here the session is in use, and with it the transport.
    void this.#transport
    return facts
  }

  /** @internal */
  native(): NativeSession {
    if (this.#closed) throw new NotConnectedError(`${this.hostname}: the session is closed`, 'closed', { host: this.hostname })
    return this.#native
  }

  /** For `await using`, where the runtime has it. */
  declare [Symbol.asyncDispose]: () => Promise<void>
}

if (Symbol.asyncDispose) {
  Object.defineProperty(Session.prototype, Symbol.asyncDispose, {
    value(this: Session): Promise<void> {
      return this.close()
    },
    configurable: true,
    writable: true,
  })
}

const supplied = new WeakMap<Transport, Session>()

/** The session itself, or one over a transport; the same each time it is given. */
export function sessionOf(call: string, given: Session | Transport): Session {
  if (given instanceof Session) return given
  if (given === null || typeof given !== 'object' || typeof given.run !== 'function') {
    throw new ArgumentError(`${call}: the first argument must be a Session or an object with run(command, { timeout })`)
  }
  let session = supplied.get(given)
  if (session === undefined) {
    session = Session.from(given)
    supplied.set(given, session)
  }
  return session
}

function sessionOptions(call: string, options: SessionOptions, password?: string): NativeSessionOptions {
  const become = word(call, 'become', options.become ?? (optionalFlag(call, 'sudo', options.sudo) ? 'sudo' : undefined), WAYS)
  return given({
    become,
    becomePassword: optionalText(call, 'sudoPassword', options.sudoPassword) ?? (become === 'sudo' ? password : undefined),
    commandTimeout: milliseconds(call, 'commandTimeout', options.commandTimeout),
    reconnect: optionalFlag(call, 'reconnect', options.reconnect),
    nice: optionalNumber(call, 'nice', options.nice, 0, 19),
    shells: optionalNumber(call, 'shells', options.shells, 1, 3),
    name: optionalText(call, 'name', options.name),
  })
}
