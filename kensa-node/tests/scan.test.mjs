// Scans: results, streaming, stopping, back pressure.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CheckResult, KensaError, RuleLoadError, RuleNotFoundError, ScanReport, Session, VariableError, checkRulesFromPath, checkSingleRule,
  detect, detectCapabilities, detectPlatform, evaluateRule, plan, renderReport, scan,
} from '../index.mjs'
import { command, eventually, rule, ruleFolder, runs, usualRules } from './support.mjs'

test('one result per rule, in load order, with evidence', async (t) => {
  const session = await Session.local()
  const seen = []
  const results = await checkRulesFromPath(session, usualRules(t), { onResult: (result) => void seen.push(result.ruleId) })
  assert.deepEqual(results.map((result) => [result.ruleId, result.status]), [
    ['elsewhere', 'skipped'], ['fails', 'fail'], ['passes', 'pass'], ['unknown', 'error'],
  ])
  assert.deepEqual(seen.sort(), ['elsewhere', 'fails', 'passes', 'unknown'])
  const [elsewhere, fails, passes, unknown] = results
  assert.deepEqual([elsewhere.reason, elsewhere.skipped, elsewhere.skipReason, elsewhere.evidence], ['platform_mismatch', true, elsewhere.detail, []])
  assert.deepEqual([fails.passed, fails.reason, fails.severity, fails.error], [false, null, 'critical', null])
  assert.ok(passes instanceof CheckResult && passes.passed)
  assert.deepEqual(passes.frameworkRefs, { nist_800_53: ['AC-6'] })
  assert.deepEqual([unknown.reason, unknown.error], ['shell_died', unknown.detail])
  const [evidence] = passes.evidence
  assert.ok(evidence.timestamp instanceof Date && evidence.exitCode === 0 && evidence.command.includes('/etc/passwd'))
  const again = await session.run(evidence.command)
  assert.equal(Buffer.from(again.stdoutBytes).toString(), evidence.stdout)
  await session.close()
})

test('filters choose rules; the framework does not', async (t) => {
  const session = await Session.local()
  const path = usualRules(t)
  const ids = async (options) => (await checkRulesFromPath(session, path, options)).map((result) => result.ruleId)
  assert.deepEqual(await ids({ severity: 'high' }), ['passes'])
  assert.deepEqual(await ids({ severity: ['high', 'critical'] }), ['fails', 'passes'])
  assert.deepEqual(await ids({ category: 'other' }), [])
  assert.deepEqual(await ids({ ruleIds: ['unknown', 'fails'] }), ['fails', 'unknown'])
  assert.deepEqual((await ids({ framework: 'nist_800_53' })).length, 4)
  await assert.rejects(ids({ ruleIds: ['fials'] }), (error) => error instanceof RuleNotFoundError && error.details.ruleIds[0] === 'fials')
  await assert.rejects(ids({ severity: 'hihg' }), { code: 'invalid_argument', message: /did you mean "high"/ })
  await session.close()
})

test('variables reach the check', async (t) => {
  const session = await Session.local()
  const path = ruleFolder(t, [rule('has-file', { method: 'file_exists', path: '{{ file }}' })], {
    'defaults.yml': 'variables:\n  file: /etc/passwd\nframeworks:\n  cis:\n    file: /nowhere\n',
  })
  const status = async (options) => (await checkRulesFromPath(session, path, options))[0].status
  assert.equal(await status({}), 'pass')
  assert.equal(await status({ framework: 'cis-rhel9-v2.0.0' }), 'fail')
  assert.equal(await status({ framework: 'cis', variables: { file: '/etc/group' } }), 'pass')
  await assert.rejects(status({ variables: { '1x': 'y' } }), VariableError)
  await assert.rejects(status({ variables: { fiel: '/etc/group' } }), (error) => error instanceof VariableError && error.code === 'unknown_variable' && error.details.nearest === 'file')
  await assert.rejects(status({ variables: { file: {} } }), { code: 'invalid_argument' })
  await session.close()
})

test('what cannot be loaded is an error with its diagnostics', async (t) => {
  const session = await Session.local()
  await assert.rejects(checkRulesFromPath(session, '/no/such/rules'), (error) => error instanceof RuleLoadError && error.code === 'not_found' && error.details.path === '/no/such/rules')
  const path = ruleFolder(t, [rule('broken', { method: 'file_exists', pth: '/x' })])
  const failed = await checkRulesFromPath(session, path).catch((error) => error)
  assert.ok(failed instanceof RuleLoadError && failed instanceof KensaError)
  assert.equal(failed.code, 'invalid')
  assert.ok(failed.diagnostics.length > 0 && failed.diagnostics[0].line > 0 && failed.diagnostics[0].path.endsWith('broken.yml'))
  await session.close()
})

test('a scan streams: the first result is there before the last is asked for', async (t) => {
  const session = await Session.local()
  const path = ruleFolder(t, [rule('at-once', { method: 'file_exists', path: '/etc/passwd' }), rule('late', command('sleep 1.5'))])
  const began = performance.now()
  const times = {}
  for await (const result of session.scan({ rulesPath: path })) times[result.ruleId] = performance.now() - began
  assert.ok(times['at-once'] < 1200, JSON.stringify(times))
  assert.ok(times['late'] > 1400, JSON.stringify(times))
  await session.close()
})

test('a signal stops a scan within a second, on the host as well', async (t) => {
  const session = await Session.local()
  const path = ruleFolder(t, [rule('endless', command('sleep 71.003'))])
  for (const start of [
    (signal) => checkRulesFromPath(session, path, { signal }),
    (signal) => scan(session, { rulesPath: path, signal }),
    async (signal) => { for await (const _ of session.scan({ rulesPath: path, signal })); },
  ]) {
    const controller = new AbortController()
    const running = start(controller.signal)
    await eventually(() => runs('^sleep 71[.]003'))
    const began = performance.now()
    controller.abort('stop it')
    await assert.rejects(running, { name: 'AbortError', code: 'cancelled', cause: 'stop it' })
    assert.ok(performance.now() - began < 1000)
    await eventually(() => !runs('^sleep 71[.]003'), 1000)
  }
  assert.equal((await session.run('echo on')).stdout, 'on')
  await session.close()
})

test('leaving the loop stops the scan, on the host as well', async (t) => {
  const session = await Session.local()
  const path = ruleFolder(t, [rule('at-once', { method: 'file_exists', path: '/etc/passwd' }), rule('endless', command('sleep 71.004'))])
  for await (const result of session.scan({ rulesPath: path })) {
    assert.equal(result.ruleId, 'at-once')
    await eventually(() => runs('^sleep 71[.]004'))
    break
  }
  await eventually(() => !runs('^sleep 71[.]004'), 1000)
  await session.close()
})

test('what a callback throws stops the check and comes out of it', async (t) => {
  const session = await Session.local()
  const path = ruleFolder(t, [rule('at-once', { method: 'file_exists', path: '/etc/passwd' }), rule('endless', command('sleep 71.005'))])
  const mine = new TypeError('mine')
  const failed = await checkRulesFromPath(session, path, { onResult: () => { throw mine } }).catch((error) => error)
  assert.equal(failed, mine)
  await eventually(() => !runs('^sleep 71[.]005'), 1000)
  await assert.rejects(checkRulesFromPath(session, path, { onResult: 'no function' }), { code: 'invalid_argument' })
  await session.close()
})

test('the time for a scan is a limit, not an error of the call', async (t) => {
  const session = await Session.local()
  const path = ruleFolder(t, [rule('endless', command('sleep 71.006'))])
  const [result] = await checkRulesFromPath(session, path, { timeout: 500 })
  assert.deepEqual([result.status, result.reason], ['error', 'cancelled'])
  await eventually(() => !runs('^sleep 71[.]006'))
  await session.close()
})

test('results nobody takes hold the scan back', async (t) => {
  // Each has a command of its own: results of one answer come together, however many there are.
  const count = 600
  const rules = Array.from({ length: count }, (_, index) => rule(`rule-${index}`, command(`test ${index} -lt 5000`)))
  const path = ruleFolder(t, rules)
  const session = await Session.local()
  const running = session.scan({ rulesPath: path })
  const results = running[Symbol.asyncIterator]()
  await results.next()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const held = running.maxBuffered
  assert.ok(held >= 64 && held < 300, `${held} of ${count} results are buffered`)
  let taken = 1
  while (!(await results.next()).done) taken += 1
  assert.equal(taken, count)
  assert.ok(running.maxBuffered < 300, `${running.maxBuffered} results were buffered`)
  assert.equal((await running.report()).results.length, count)
  await session.close()
})

test('the report alone does not wait for anybody to take results', async (t) => {
  const rules = Array.from({ length: 300 }, (_, index) => rule(`rule-${index}`, { method: 'file_exists', path: `/nowhere/${index}` }))
  const session = await Session.local()
  const report = await scan(session, { rulesPath: ruleFolder(t, rules) })
  assert.deepEqual(report.summary.total, 300)
  await session.close()
})

test('a scan is iterated once; its report can be had beside', async (t) => {
  const session = await Session.local()
  const running = session.scan({ rulesPath: usualRules(t) })
  const report = running.report()
  const ids = []
  for await (const result of running) ids.push(result.ruleId)
  assert.equal(ids.length, 4)
  assert.equal((await report).results.length, 4)
  assert.equal(running.report(), report)
  await assert.rejects(running[Symbol.asyncIterator]().next(), { code: 'invalid_argument' })
  await session.close()
})

test('the host is told: platform, capabilities, those set by hand', async () => {
  const session = await Session.local()
  const facts = await detect(session)
  assert.deepEqual(await detectPlatform(session), facts.platform)
  assert.equal(typeof facts.platform.family, 'string')
  assert.equal(facts.platform.version, facts.platform.major)
  const capabilities = await detectCapabilities(session, { overrides: { selinux: true } })
  assert.equal(capabilities.selinux, true)
  await session.close()
})

test('a capability set by hand chooses the implementation', async (t) => {
  const check = (path) => ({ check: { method: 'file_exists', path } })
  const path = ruleFolder(t, [{ ...rule('gated', {}), implementations: [{ when: 'fapolicyd', ...check('/nowhere') }, { default: true, ...check('/etc/passwd') }] }])
  const session = await Session.local()
  const used = async (capabilities) => {
    const [result] = await checkRulesFromPath(session, path, { capabilities })
    return [result.implementationUsed, result.status]
  }
  assert.deepEqual(await used({ fapolicyd: true }), ['fapolicyd', 'fail'])
  assert.deepEqual(await used({ fapolicyd: false }), ['default', 'pass'])
  await assert.rejects(used({ fapolicyd: 'yes' }), { code: 'invalid_argument' })
  await session.close()
})

test('a plan lists every command and runs none of them', async (t) => {
  const session = await Session.local()
  const planned = await plan(session, { rulesPath: usualRules(t) })
  assert.deepEqual(planned.rules.map((one) => [one.ruleId, one.decision, one.reason]), [
    ['elsewhere', 'skipped', 'platform_mismatch'], ['fails', 'run', null], ['passes', 'run', null], ['unknown', 'run', null],
  ])
  assert.ok(planned.commands.includes('kill -9 $$'))
  assert.ok(planned.commands.some((one) => one.includes('/nowhere/at/all')))
  await session.close()
})

test('one rule, in a file or in memory', async (t) => {
  const session = await Session.local()
  const path = usualRules(t)
  assert.equal((await checkSingleRule(session, `${path}/test/passes.yml`)).status, 'pass')
  assert.equal((await evaluateRule(session, rule('in-memory', { method: 'file_exists', path: '/etc/group' }))).status, 'pass')
  const unset = await evaluateRule(session, rule('unset', { method: 'file_exists', path: '{{ nothing }}' }))
  assert.deepEqual([unset.status, unset.reason], ['error', 'undefined_variable'])
  await assert.rejects(evaluateRule(session, rule('wrong', { method: 'no_such_method' })), RuleLoadError)
  await assert.rejects(evaluateRule(session, null), { code: 'invalid_argument' })
  await session.close()
})

test('the JSON of a report is what the engine wrote, also after a way through JavaScript', async (t) => {
  const path = ruleFolder(t, [
    rule('odd-text', command("printf 'a\\001\\033[31mä\\342\\200\\250\\177\"\\\\ \\b\\f\\t'; printf 'lone \\355\\240\\200' >&2; exit 4", 4)),
    rule('passes', { method: 'file_exists', path: '/etc/passwd' }),
  ])
  const session = await Session.local()
  const report = await scan(session, { rulesPath: path })
  assert.equal(JSON.stringify(report), report.toString())
  assert.equal(report.results.map((result) => JSON.stringify(result)).join(), report.toJSON().results.map((result) => JSON.stringify(result)).join())
  const read = ScanReport.parse(JSON.stringify(report))
  assert.deepEqual(read.summary, report.summary)
  for (const format of ['text', 'json', 'jsonl', 'csv', 'junit', 'sarif']) {
    assert.equal(await renderReport(read, format), await renderReport(report, format))
  }
  assert.equal(JSON.stringify(JSON.parse(await renderReport(report, 'json'))), report.toString())
  await assert.rejects(renderReport(report, 'jsno'), { message: /did you mean "json"/ })
  await assert.rejects(renderReport({}, 'json'), { code: 'invalid_argument' })
  await session.close()
})
