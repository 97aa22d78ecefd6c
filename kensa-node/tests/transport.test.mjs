// Transports the host application supplies.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SSHConnectionError, Session, checkRulesFromPath, detectPlatform, scan } from '../index.mjs'
import { command, localTransport, rule, ruleFolder, usualRules } from './support.mjs'

const statuses = (results) => Object.fromEntries(results.map((result) => [result.ruleId, result.status]))

test('any object with run() is a session', async (t) => {
  const transport = localTransport()
  const results = await checkRulesFromPath(transport, usualRules(t))
  assert.deepEqual(statuses(results), { elsewhere: 'skipped', fails: 'fail', passes: 'pass', unknown: 'error' })
  assert.deepEqual([...new Set(results.map((result) => result.host))], ['supplied-1'])
  assert.ok(transport.commands.length > 0)
  assert.equal((await detectPlatform(transport)).family, (await detectPlatform(await Session.local())).family)
})

test('it is called with one command at a time, its limit and a signal', async (t) => {
  let running = 0
  let most = 0
  const seen = []
  const local = localTransport()
  const transport = {
    async run(text, options) {
      seen.push(options)
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      const answer = await local.run(text, options)
      running -= 1
      return answer
    },
  }
  const session = Session.from(transport, { commandTimeout: 12_000, name: 'mine' })
  const report = await scan(session, { rulesPath: usualRules(t) })
  assert.equal(most, 1)
  assert.equal(report.host, 'mine')
  assert.ok(seen.every(({ timeout, signal }) => timeout === 12_000 && signal instanceof AbortSignal && !signal.aborted))
})

test('a transport says how it wants its commands', async (t) => {
  const path = ruleFolder(t, [1, 2, 3].map((number) => rule(`one-${number}`, { method: 'file_permission', path: `/etc/nowhere-${number}`, mode: '0644' })))
  const asked = async (habits) => {
    const transport = localTransport(habits)
    const results = await checkRulesFromPath(transport, path)
    assert.deepEqual(results.map((result) => result.status), ['fail', 'fail', 'fail'], JSON.stringify(habits))
    return { commands: transport.commands, results }
  }
  const usual = await asked({})
  const scripts = await asked({ takesScripts: true })
  assert.ok(scripts.commands.length * 4 < usual.commands.length, `${scripts.commands.length} and ${usual.commands.length} calls`)
  const bare = await asked({ bareCommands: true })
  assert.ok(bare.commands.includes('cat -- /etc/os-release') && !usual.commands.includes('cat -- /etc/os-release'))
  const single = await asked({ bareCommands: true, singleQuestions: true })
  for (const { evidence: [one] } of single.results) assert.ok(one.via === null && single.commands.includes(one.command))
  assert.ok(bare.results.every(({ evidence: [one] }) => one.via !== null && !bare.commands.includes(one.command)))
})

test('a failure of one command belongs to that command', async (t) => {
  for (const run of [() => { throw new Error('thrown') }, () => Promise.reject(new Error('rejected')), async () => 'no output', async () => ({ exitCode: 'x' })]) {
    const local = localTransport()
    const transport = { run: (text, options) => (text.includes('kill -9') ? run() : local.run(text, options)) }
    const results = await checkRulesFromPath(transport, usualRules(t))
    assert.deepEqual([statuses(results).unknown, statuses(results).passes], ['error', 'pass'])
    assert.notEqual(results.find((result) => result.ruleId === 'unknown').reason, 'killed')
  }
})

test('a lost connection never becomes a verdict', async (t) => {
  for (const error of [new SSHConnectionError('gone', 'closed'), Object.assign(new Error('gone'), { code: 'ECONNRESET' })]) {
    const results = await checkRulesFromPath({ run: async () => { throw error } }, usualRules(t), { ruleIds: ['passes', 'fails'] })
    assert.deepEqual(results.map((result) => [result.status, result.reason]), [['error', 'connection_lost'], ['error', 'connection_lost']])
    assert.match(results[0].detail, /gone/)
  }
})

test('a transport that never answers is given up, and told so', async (t) => {
  const signals = []
  const local = localTransport()
  const transport = {
    run(text, options) {
      if (!text.includes('/nowhere')) return local.run(text, options)
      signals.push(options.signal)
      return new Promise(() => {})
    },
  }
  const session = Session.from(transport, { commandTimeout: 300 })
  const results = await checkRulesFromPath(session, usualRules(t))
  assert.deepEqual(results.find((result) => result.ruleId === 'fails').reason, 'timed_out')
  assert.equal(statuses(results).passes, 'pass')
  assert.ok(signals.length > 0 && signals.every((signal) => signal.aborted))
})

test('a cancelled scan tells the transport within a second', async (t) => {
  let told
  const started = new Promise((resolve) => {
    told = { resolve }
  })
  const local = localTransport()
  let signal
  const transport = {
    run(text, options) {
      if (!text.includes('sleep')) return local.run(text, options)
      signal = options.signal
      told.resolve()
      return new Promise(() => {})
    },
  }
  const controller = new AbortController()
  const path = ruleFolder(t, [rule('endless', command('sleep 71.007'))])
  const running = checkRulesFromPath(transport, path, { signal: controller.signal })
  await started
  const began = performance.now()
  controller.abort()
  await assert.rejects(running, { code: 'cancelled' })
  while (!signal.aborted && performance.now() - began < 1000) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(signal.aborted, true)
})

test('what is no transport is refused', async () => {
  for (const wrong of [undefined, null, {}, { run: 1 }, 'host']) {
    await assert.rejects(checkRulesFromPath(wrong), { code: 'invalid_argument', message: /must be a Session or an object with run/ })
  }
})
