// Sessions with this machine, and what goes wrong with sessions.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { CommandTimeout, KensaError, NotConnectedError, Result, SSHConnectionError, Session, reachable } from '../index.mjs'
import { eventually, runs } from './support.mjs'

test('a command gives both streams and its status, whatever they are', async () => {
  const session = await Session.local()
  const result = await session.run("printf 'ä\\n\\n'; printf '\\377' >&2; exit 3")
  assert.ok(result instanceof Result)
  assert.deepEqual([result.exitCode, result.ok, result.stdout, result.stderr], [3, false, 'ä', '\u{FFFD}'])
  assert.deepEqual([...result.stderrBytes], [255])
  assert.equal((await session.run('cat')).stdout, '')
  const [one, two] = await Promise.all([session.run('echo 1'), session.run('echo 2')])
  assert.deepEqual([one.stdout, two.stdout], ['1', '2'])
  assert.equal(session.hostname, 'localhost')
  await session.close()
})

test('several megabytes of output are kept as far as the limit goes, and said to be cut', async () => {
  const session = await Session.local()
  const result = await session.run('head -c 3000000 /dev/zero')
  assert.equal(result.truncated, true)
  assert.equal(result.stdoutBytes.length, 1 << 20)
  await session.close()
})

test('a command that takes too long fails alone, and is killed', async () => {
  const session = await Session.local()
  const failed = await session.run('sleep 71.001', { timeout: 300 }).catch((error) => error)
  assert.ok(failed instanceof CommandTimeout && failed instanceof KensaError)
  assert.deepEqual([failed.code, failed.name], ['timed_out', 'CommandTimeout'])
  assert.match(failed.message, /^localhost: /)
  assert.equal(failed.details.command, 'sleep 71.001')
  assert.equal((await session.run('echo on')).stdout, 'on')
  await eventually(() => !runs('^sleep 71[.]001'))
  await session.close()
})

test('a signal stops a command within a second, here and on the host', async () => {
  const session = await Session.local()
  const controller = new AbortController()
  const running = session.run('sleep 71.002', { signal: controller.signal })
  await eventually(() => runs('^sleep 71[.]002'))
  const began = performance.now()
  controller.abort(new Error('enough'))
  const failed = await running.catch((error) => error)
  assert.ok(performance.now() - began < 1000)
  assert.deepEqual([failed.name, failed.code, failed.cause.message], ['AbortError', 'cancelled', 'enough'])
  assert.ok(failed instanceof KensaError)
  await eventually(() => !runs('^sleep 71[.]002'), 1000)
  await assert.rejects(session.run('true', { signal: AbortSignal.abort() }), { code: 'cancelled' })
  await session.close()
})

test('a closed session says so at once; closing twice is fine', async () => {
  const session = await Session.local()
  await session.close()
  await session.close()
  assert.equal(session.isConnected, false)
  await assert.rejects(session.run('true'), (error) => error instanceof NotConnectedError && error instanceof SSHConnectionError && error.code === 'closed')
  assert.throws(() => session.scan(), NotConnectedError)
})

test('a session ends with the block where the runtime knows how', { skip: !Symbol.asyncDispose }, async () => {
  const session = await Session.local()
  await session[Symbol.asyncDispose]()
  assert.equal(session.isConnected, false)
})

test('errors name host and cause, and have a code', async () => {
  const refused = await Session.connect({ hostname: '127.0.0.1', port: 1, sshConfig: false }).catch((error) => error)
  assert.ok(refused instanceof SSHConnectionError)
  assert.deepEqual([refused.code, refused.reason, refused.host], ['refused', 'refused', '127.0.0.1:1'])
  assert.match(refused.message, /127\.0\.0\.1:1.*refused/)
  assert.deepEqual(Object.keys(refused.toJSON()), ['name', 'code', 'message', 'details'])
  const unknown = await Session.connect({ hostname: 'no.such.host.invalid', sshConfig: false, timeout: 2000 }).catch((error) => error)
  assert.ok(['unreachable', 'timeout'].includes(unknown.code), unknown.code)
})

test('a secret is in no error and not in the session', async () => {
  const failed = await Session.connect({ hostname: '127.0.0.1', port: 1, password: 'Geheim-1', passphrase: 'Geheim-2', keyData: 'Geheim-3', sshConfig: false }).catch((error) => error)
  assert.ok(failed instanceof KensaError)
  const { inspect } = await import('node:util')
  assert.doesNotMatch(inspect(failed, { depth: 9, showHidden: true }) + JSON.stringify(failed), /Geheim/)
})

test('wrong options are refused with the nearest known name', async () => {
  const wrong = [
    [() => Session.connect({ hostnme: 'x' }), /no option "hostnme"; did you mean "hostname"\?/],
    [() => Session.connect({}), /hostname must be a text and is missing/],
    [() => Session.connect(), /hostname/],
    [() => Session.connect({ hostname: 'x', port: 70000 }), /port must be a number from 1 to 65535/],
    [() => Session.connect({ hostname: 'x', hostKeyPolicy: 'strickt' }), /did you mean "strict"\?/],
    [() => Session.connect({ hostname: 'x', timeout: -1 }), /timeout must be a number of milliseconds/],
    [() => Session.connect({ hostname: 'x', sudo: 'yes' }), /sudo must be true or false/],
    [() => Session.local({ nice: 20 }), /nice must be a whole number from 0 to 19/],
    [() => Session.local({ shells: 1.5 }), /shells must be a whole number from 1 to 3/],
    [() => Session.local({ become: 'root' }), /known are none, sudo, doas, su/],
    [() => reachable('localhost', 0), /port/],
  ]
  for (const name of ['password', 'passphrase', 'keyData', 'sudoPassword']) {
    const failed = await Session.connect({ hostname: 'x', [name]: 470011 }).catch((error) => error)
    assert.deepEqual([failed.code, failed.message], ['invalid_argument', `Session.connect: ${name} must be a text`])
  }
  for (const [call, message] of wrong) await assert.rejects(async () => call(), { code: 'invalid_argument', name: 'ArgumentError', message })
})

test('connecting can be given up', async (t) => {
  // A server that takes connections and says nothing.
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const began = performance.now()
  const connecting = Session.connect({ hostname: '127.0.0.1', port: server.address().port, sshConfig: false, signal: AbortSignal.timeout(200) })
  await assert.rejects(connecting, { name: 'AbortError', code: 'cancelled' })
  assert.ok(performance.now() - began < 1200)
})

test('a host that says nothing is a timeout of the connection', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address()
  const failed = await Session.connect({ hostname: '127.0.0.1', port, sshConfig: false, timeout: 300 }).catch((error) => error)
  assert.ok(failed instanceof SSHConnectionError)
  assert.deepEqual([failed.code, failed.host], ['timeout', `127.0.0.1:${port}`])
})

test('whether a host answers is told without credentials', async () => {
  const none = await reachable('127.0.0.1', 1, 1000)
  assert.deepEqual([none.reached, none.code, none.latency], [false, 'refused', null])
})
