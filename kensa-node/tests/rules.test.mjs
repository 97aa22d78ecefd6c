// Rules, site values and mappings as data.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  RuleLoadError, VariableError, buildRuleToSectionMap, checkCoverage, formats, getApplicableMappings, getMappingsPath, getRulesPath, getVersion,
  loadAllMappings, loadConfig, loadMapping, loadRules, orderByFramework, orderResultsBySection, resolveVariables, ruleAppliesToPlatform,
  rulesForFramework, validateRules,
} from '../index.mjs'
import { command, folder, rule, ruleFolder } from './support.mjs'

test('rules are the content of their files, and what the loader adds', async (t) => {
  const manual = { mechanism: 'manual', note: 'By hand.' }
  const path = ruleFolder(t, [
    rule('one', { method: 'file_exists', path: '{{ file }}' }, { severity: 'high', tags: ['T1'], references: { nist_800_53: ['AC-6'] } }),
    { ...rule('two', {}), implementations: [
      { when: 'systemd', check: command('true'), remediation: manual },
      { default: true, check: command('false') },
    ] },
  ])
  const rules = await loadRules(path)
  assert.deepEqual(rules.map((one) => one.id), ['one', 'two'])
  const [one, two] = rules
  assert.deepEqual([one.severity, one.variables, one.frameworkRefs, one.remediation], ['high', ['file'], { nist_800_53: ['AC-6'] }, undefined])
  assert.deepEqual(one.check, { method: 'file_exists', path: '{{ file }}' })
  assert.equal(two.check.run, 'false')
  assert.equal(one.path, join(path, 'test/one.yml'))
  assert.equal('path' in JSON.parse(JSON.stringify(one)), false)
  const ids = async (options) => (await loadRules(path, options)).map((one) => one.id)
  assert.deepEqual(await ids({ severity: 'high' }), ['one'])
  assert.deepEqual(await ids({ tags: ['t1'] }), ['one'])
  assert.deepEqual(await ids({ ruleIds: 'two' }), ['two'])
  await assert.rejects(ids({ severty: 'high' }), { message: /did you mean "severity"/ })
})

test('a file that does not load is told, or fails the call', async (t) => {
  const path = ruleFolder(t, [rule('good', command('true')), rule('bad', { method: 'file_exists', pth: '/x' })])
  const told = []
  assert.deepEqual((await loadRules(path, { onDiagnostic: (one) => told.push(one) })).map((one) => one.id), ['good'])
  assert.ok(told.some((one) => one.severity === 'error' && one.path.endsWith('bad.yml') && one.line > 0 && one.sourceLine.includes('pth')))
  const failed = await loadRules(path, { strict: true }).catch((error) => error)
  assert.ok(failed instanceof RuleLoadError)
  assert.match(failed.message, /bad\.yml:\d+:\d+/)
  assert.ok((await validateRules(path)).some((one) => one.severity === 'error'))
  await assert.rejects(loadRules('/no/such/folder'), { code: 'not_found', message: /\/no\/such\/folder/ })
})

test('site values come from defaults and rules.d, a framework and the caller', async (t) => {
  const path = ruleFolder(t, [rule('one', { method: 'sysctl_value', key: 'a.b', expected: '{{ limit }}' })], {
    'defaults.yml': 'variables:\n  limit: 5\n  other: { type: string, default: x }\nframeworks:\n  cis: { limit: 6 }\n  cis_rhel9: { limit: 7 }\n',
    'rules.d/10-site.yml': 'variables:\n  extra: yes\n',
  })
  const config = await loadConfig(path)
  assert.deepEqual([config.variables, config.localVariables], [{ limit: 5, other: 'x' }, { extra: 'yes' }])
  const [one] = await loadRules(path)
  const limit = (options) => resolveVariables(one, config, options).check.expected
  assert.deepEqual([limit(), limit({ framework: 'cis-rhel8-v2' }), limit({ framework: 'cis-rhel9-v2' }), limit({ variables: { limit: '9 x' } })], [5, 6, 7, '9 x'])
  assert.equal(one.check.expected, '{{ limit }}')
  const empty = { variables: {}, frameworkOverrides: {} }
  assert.throws(() => resolveVariables(one, empty), (error) => error instanceof VariableError && error.code === 'undefined_variable')
  assert.equal(resolveVariables(one, empty, { strict: false }).check.expected, '{{ limit }}')
  assert.deepEqual((await loadConfig('/no/such/folder')).variables, {})
})

test('a value cannot become shell syntax', () => {
  const one = rule('one', command('grep {{ word }} /etc/passwd'))
  const config = { variables: { word: 'x; reboot' }, frameworkOverrides: {} }
  assert.throws(() => resolveVariables(one, config), /may not stand in shell text \(run\)/)
  assert.equal(resolveVariables(one, config, { variables: { word: 'root' } }).check.run, 'grep root /etc/passwd')
})

test('a rule is for a platform or is not', () => {
  const platforms = [{ family: 'rhel', min_version: 8, max_version: 9 }, { family: 'debian' }]
  const fits = (family, version) => ruleAppliesToPlatform({ platforms }, family, version)
  assert.deepEqual([fits('rhel', 8), fits('RHEL', 9), fits('rhel', 10), fits('debian', 12), fits('ubuntu', 22)], [true, true, false, true, false])
  assert.equal(ruleAppliesToPlatform({}, 'anything', 1), true)
})

const MAPPING = `id: cis-test-v1
framework: cis
title: Test
published: 2024-06-20
platform: { family: rhel, min_version: 9, max_version: 9 }
control_ids: ["5.2", "5.10", "6.1", "7.1"]
sections:
  "5.10": { title: Ten, rule: a, level: L1 }
  "5.2": { title: Two, rules: [a, b] }
unimplemented:
  "6.1": { title: None, reason: site policy }
`

test('mappings say which rules answer which control', async (t) => {
  const path = join(ruleFolder(t, [], { 'mappings/a.yaml': MAPPING, 'mappings/deep/broken.yml': 'id: [' }), 'mappings')
  const broken = []
  const mappings = await loadAllMappings(path, (error) => broken.push(error))
  assert.deepEqual([Object.keys(mappings), broken.length, broken[0] instanceof RuleLoadError], [['cis-test-v1'], 1, true])
  const mapping = mappings['cis-test-v1']
  assert.deepEqual([mapping.controls, mapping.published], [['5.2', '5.10', '6.1', '7.1'], '2024-06-20'])
  assert.deepEqual(mapping.sections['5.10'], { title: 'Ten', rules: ['a'], metadata: { level: 'L1' } })
  assert.deepEqual(checkCoverage(mapping, ['a']), {
    mappingId: 'cis-test-v1', totalControls: 4, implemented: 2, inPart: 1, unimplemented: 1, withReason: 1, open: ['7.1'], unaccounted: ['7.1'],
    missingRules: ['b'], coveragePercent: 50, isComplete: false,
  })
  assert.deepEqual(buildRuleToSectionMap(mapping), { a: '5.2', b: '5.2' })
  assert.deepEqual(getApplicableMappings(mappings, 'rhel', 9), [mapping])
  assert.deepEqual(getApplicableMappings(mappings, 'rhel', 8), [])
  assert.deepEqual(rulesForFramework(mapping, [{ id: 'z' }, { id: 'a' }]), [{ id: 'a' }])
  assert.deepEqual(orderByFramework(mapping, [{ id: 'a' }]), [['5.2', { id: 'a' }], ['5.10', { id: 'a' }]])
  const results = [{ ruleId: 'x' }, { ruleId: 'b', frameworkSection: '5.10' }, { ruleId: 'a', frameworkSection: '5.2' }].map((one) => ({ frameworkSection: null, ...one }))
  assert.deepEqual(orderResultsBySection(results).map((one) => one.ruleId), ['a', 'b', 'x'])
  assert.deepEqual(await loadAllMappings('/no/such/folder'), {})
  await assert.rejects(loadMapping(join(path, 'deep/broken.yml')), RuleLoadError)
})

test('the package has the mappings of the benchmarks it answers', async () => {
  const broken = []
  const mappings = await loadAllMappings(undefined, (error) => broken.push(error))
  assert.deepEqual(broken, [])
  const known = ['cis-rhel8-v4.0.0', 'cis-rhel9-v2.0.0', 'stig-rhel8-v2r6', 'stig-rhel9-v2r7', 'nist-800-53-r5', 'pci-dss-v4.0', 'fedramp-moderate']
  assert.deepEqual(known.filter((id) => !(id in mappings)), [])
  const ids = (await loadRules()).map((one) => one.id)
  for (const id of known) {
    const coverage = checkCoverage(mappings[id], ids)
    assert.deepEqual([coverage.missingRules, coverage.unaccounted], [[], []], id)
    assert.ok(coverage.coveragePercent > 0 && coverage.coveragePercent <= 100, `${id}: ${coverage.coveragePercent}`)
  }
})

test('the package has rules, and the environment may name others', async (t) => {
  assert.ok(existsSync(join(getRulesPath(), 'defaults.yml')))
  assert.ok(getMappingsPath().startsWith(getRulesPath()) || existsSync(getMappingsPath()))
  const config = await loadConfig()
  assert.ok(Object.keys(config.variables).length > 0)
  const other = ruleFolder(t, [rule('mine', command('true'))])
  process.env.KENSA_RULES_PATH = other
  t.after(() => { delete process.env.KENSA_RULES_PATH })
  assert.equal(getRulesPath(), other)
  assert.deepEqual((await loadRules()).map((one) => one.id), ['mine'])
  process.env.KENSA_RULES_PATH = folder(t) + '/none'
  assert.notEqual(getRulesPath(), process.env.KENSA_RULES_PATH)
})

test('the bundled rules load', async () => {
  const rules = await loadRules()
  assert.ok(rules.length > 100, `${rules.length} rules`)
  assert.ok(rules.every((one) => one.check !== undefined && one.title !== ''))
})

test('versions and formats have names', () => {
  assert.match(getVersion(), /^\d+\.\d+\.\d+/)
  assert.deepEqual(formats(), ['text', 'json', 'jsonl', 'csv', 'junit', 'sarif'])
})
