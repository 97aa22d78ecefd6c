/** What a host is and what it has. */

import { ArgumentError } from './errors'
import { knownOptions } from './options'
import { platform, type PlatformInfo, type Wire } from './results'
import { sessionOf, type Session } from './session'
import type { Transport } from './runner'
import { reachable as nativeReachable } from '../native'

/** Capability name to whether the host has it. */
export type Capabilities = Record<string, boolean>

/** Everything known about a host before a rule is evaluated. */
export interface Facts {
  /** `null` when it could not be determined. */
  platform: PlatformInfo | null
  capabilities: Capabilities
  /** Capabilities that could not be determined, each with the reason. They are neither there nor absent. */
  undetermined: Record<string, string>
}

export interface DetectOptions {
  /** Capabilities set by hand. */
  overrides?: Readonly<Capabilities>
  signal?: AbortSignal
}

/** What the host is and has. */
export async function detect(session: Session | Transport, options: DetectOptions = {}): Promise<Facts> {
  const wire = JSON.parse(await detectWire('detect', session, options)) as Wire
  return { platform: platform(wire['platform']), capabilities: wire['capabilities'], undetermined: wire['undetermined'] ?? {} }
}

/** The operating system; `null` when it could not be determined. */
export async function detectPlatform(session: Session | Transport, options: DetectOptions = {}): Promise<PlatformInfo | null> {
  return (await detect(session, options)).platform
}

/** Capability name to whether the host has it; those that could not be determined are left out, see {@link detect}. */
export async function detectCapabilities(session: Session | Transport, options: DetectOptions = {}): Promise<Capabilities> {
  return (await detect(session, options)).capabilities
}

/** Capabilities and operating system, in one call. */
export async function quickHostInfo(session: Session | Transport, options: DetectOptions = {}): Promise<[Capabilities, PlatformInfo | null]> {
  const { capabilities, platform } = await detect(session, options)
  return [capabilities, platform]
}

/** @internal */
export async function detectWire(call: string, session: Session | Transport, options: DetectOptions): Promise<string> {
  knownOptions(call, options, ['overrides', 'signal'])
  return sessionOf(call, session).facts(JSON.stringify(options.overrides ?? {}), options.signal)
}

/** Whether a host answers. */
export interface Reachability {
  reached: boolean
  /** Milliseconds the TCP connect took. */
  latency: number | null
  /** The first line the SSH server sends. */
  banner: string | null
  /** Why it was not reached: a {@link ConnectCode}. */
  code: string | null
  message: string | null
}

/** Asks, without credentials, whether `host` answers. Sends nothing. `timeout` is in milliseconds. */
export async function reachable(host: string, port = 22, timeout = 5000): Promise<Reachability> {
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new ArgumentError('reachable: port must be a number from 1 to 65535')
  return JSON.parse(await nativeReachable(host, port, timeout)) as Reachability
}
