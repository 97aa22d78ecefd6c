/** Transports the host application supplies. */

import { ArgumentError, KensaError, SSHConnectionError } from './errors'
import { inTurn } from './slices'
import { NativeSession, type NativeAnswers, type NativeSessionOptions } from '../native'

/** What a command printed and how it ended. */
export interface RunOutput {
  exitCode: number
  /** Unchanged; text is taken as UTF-8. */
  stdout?: string | Uint8Array
  stderr?: string | Uint8Array
}

/** What a transport is told about one command. */
export interface RunOptions {
  /** Milliseconds until nobody waits for the answer any more. */
  readonly timeout: number
  /** Raised when nobody waits for the answer any more: out of time, or the scan was cancelled. */
  readonly signal: AbortSignal
}

/**
 * Any object that runs commands on one host. It is called with one command at a time.
 *
 * An error whose `code` is `closed`, `ECONNRESET` or `EPIPE`, or that is an {@link SSHConnectionError}, says that the
 * connection is gone; any other belongs to the one command.
 */
export interface Transport {
  /** The host's name in results. */
  readonly hostname?: string
  /** Whether a command may be a script of up to 64 KB, so that many commands travel in one call. */
  readonly takesScripts?: boolean
  /** Whether commands are wanted exactly as evidence shows them, for recordings and tests. */
  readonly bareCommands?: boolean
  /**
   * Whether every command is to answer one question only, which takes many more calls. What was recorded this way
   * answers every scan that asks the same questions.
   */
  readonly singleQuestions?: boolean
  /** Runs `command` through a POSIX shell and gives both streams unchanged. */
  run(command: string, options: RunOptions): Promise<RunOutput>
}

const LOST = ['closed', 'ECONNRESET', 'EPIPE', 'ENOTCONN', 'ERR_STREAM_DESTROYED']
const encoder = new TextEncoder()

/**
 * A native session over `transport`. It holds the transport weakly, as does whatever it calls: the native half keeps the
 * functions given to it alive, and through them nothing else may be. The `Session` holds the transport.
 */
export function nativeOver(transport: Transport, options: NativeSessionOptions): NativeSession {
  const running = new Map<number, RunCall>()
  const held = new WeakRef(transport)
  const to: { answers: NativeAnswers | null } = { answers: null }
  const start = (number: number, command: string, timeout: number): void => {
    const call = new RunCall(timeout)
    running.set(number, call)
    inTurn(() => {
      // Nobody waits any more.
      if (running.get(number) !== call) return
      answer(held, command, call)
        .then(
          ({ exitCode, stdout, stderr }) => to.answers?.answer(number, exitCode, stdout, stderr),
          (error: unknown) => to.answers?.fail(number, kindOf(error), messageOf(error)),
        )
        .finally(() => running.delete(number))
    })
  }
  const stop = (number: number): void => {
    running.get(number)?.abort()
    running.delete(number)
  }
  const hostname = typeof transport.hostname === 'string' ? transport.hostname : 'localhost'
  const habits = {
    takesScripts: transport.takesScripts === true,
    bareCommands: transport.bareCommands === true,
    singleQuestions: transport.singleQuestions === true,
  }
  return started(NativeSession.over(start, stop, hostname, habits, options), to)
}

/** A function of its own, so that no closure above can hold the session. */
function started(session: NativeSession, to: { answers: NativeAnswers | null }): NativeSession {
  to.answers = session.answers()
  return session
}

/** The options of one call; the signal is made when it is looked at. */
class RunCall implements RunOptions {
  readonly timeout: number
  #controller: AbortController | undefined
  #aborted = false

  constructor(timeout: number) {
    this.timeout = timeout
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }
}

/** Also an error thrown, not only one the promise is rejected with, becomes a rejection. */
async function answer(held: WeakRef<Transport>, command: string, options: RunOptions) {
  const transport = held.deref()
  if (transport === undefined) throw new SSHConnectionError('the transport is gone', 'closed')
  const output = await transport.run(command, options)
  if (output === null || typeof output !== 'object' || !Number.isInteger(output.exitCode)) {
    throw new ArgumentError('run() of the transport must give { exitCode, stdout, stderr }')
  }
  return { exitCode: output.exitCode, stdout: bytes(output.stdout), stderr: bytes(output.stderr) }
}

function bytes(stream: string | Uint8Array | undefined): Uint8Array {
  if (stream instanceof Uint8Array) return stream
  return encoder.encode(stream === undefined ? '' : String(stream))
}

function kindOf(error: unknown): string {
  const code = error !== null && typeof error === 'object' ? (error as { code?: unknown }).code : undefined
  if (error instanceof SSHConnectionError || LOST.includes(String(code))) return 'lost'
  if (code === 'timed_out' || code === 'ETIMEDOUT' || (error instanceof Error && error.name === 'TimeoutError')) return 'timeout'
  return 'other'
}

function messageOf(error: unknown): string {
  if (error instanceof KensaError) return error.message
  return error instanceof Error ? `the transport failed: ${error.message}` : `the transport failed: ${String(error)}`
}
