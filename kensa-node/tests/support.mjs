// What the tests share: rule folders, simulated hosts, hosts of the test bed.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
export const bed = join(root, '../tests/bed')

/** A folder that is gone after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'kensa-node-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A rule as its file has it. */
export function rule(id, check, more = {}) {
  return {
    id,
    title: `Rule ${id}`,
    description: 'What must be true.',
    rationale: 'Why it matters.',
    severity: 'medium',
    category: 'test',
    implementations: [{ default: true, check }],
    ...more,
  }
}

/** A check that runs a command. */
export function command(run, expectedExit = 0) {
  return { method: 'command', run, expected_exit: expectedExit }
}

/** A folder with these rules, one file each; JSON is YAML. */
export function ruleFolder(t, rules, files = {}) {
  const path = folder(t)
  mkdirSync(join(path, 'test'))
  for (const one of rules) writeFileSync(join(path, 'test', `${one.id}.yml`), JSON.stringify(one, null, 1))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return path
}

/** The usual rules: one that passes, one that fails, one for another system, one that cannot be told. */
export function usualRules(t, files) {
  return ruleFolder(t, [
    rule('passes', { method: 'file_exists', path: '/etc/passwd' }, { severity: 'high', references: { nist_800_53: ['AC-6'] } }),
    rule('fails', { method: 'file_exists', path: '/nowhere/at/all' }, { severity: 'critical' }),
    rule('elsewhere', { method: 'file_exists', path: '/etc/passwd' }, { platforms: [{ family: 'templeos' }] }),
    rule('unknown', command('kill -9 $$')),
  ], files)
}

/** Runs commands on this machine, as a host application's transport would. */
export function localTransport(more = {}) {
  const commands = []
  return {
    hostname: 'supplied-1',
    commands,
    async run(text, options) {
      commands.push(text)
      const done = spawnSync('sh', ['-c', text], { input: '', maxBuffer: 1 << 26 })
      return { exitCode: done.status ?? 128, stdout: done.stdout, stderr: done.stderr.toString() }
    },
    ...more,
  }
}

/**
 * A host of the test bed, or `undefined` with the reason as the test's skip where this machine cannot boot one.
 * `KENSA_BED_REQUIRED=1` makes that a failure.
 */
export function host(t, kind = 'debian', ...more) {
  const name = `node-${process.pid}-${(host.count = (host.count ?? 0) + 1)}`
  const up = spawnSync(join(bed, 'host.sh'), ['up', name, kind, ...more], { encoding: 'utf8' })
  if (up.status === 77 && !process.env.KENSA_BED_REQUIRED) {
    t.skip?.(up.stderr.trim())
    return undefined
  }
  if (up.status !== 0) throw new Error(`the test bed gave no host: ${up.stderr}`)
  const facts = Object.fromEntries(up.stdout.split('\n').filter(Boolean).map((line) => line.split(/=(.*)/s)))
  const tell = (verb, ...rest) => execFileSync(join(bed, 'host.sh'), [verb, name, ...rest], { encoding: 'utf8' })
  return {
    ...facts,
    tell,
    exec: (text) => tell('exec', 'sh', '-c', text),
    down: () => tell('down'),
    /** Options to connect with the client's key. */
    options: (user) => ({ hostname: facts.addr, port: Number(facts.port), user, keyPath: facts.key, knownHosts: [], sshConfig: false }),
  }
}

/** Waits until `found` gives something. */
export async function eventually(found, limit = 5000) {
  const until = Date.now() + limit
  for (;;) {
    const value = await found()
    if (value) return value
    if (Date.now() > until) throw new Error(`not within ${limit} ms: ${found}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Whether a process with this text in its command line runs on this machine. */
export function runs(text) {
  return spawnSync('pgrep', ['-f', text]).status === 0
}
