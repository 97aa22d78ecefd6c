// What the package exports, that generated files are fresh, and that results have the fields of their schema.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import * as imported from '../index.mjs'
import { root, rule, ruleFolder, command } from './support.mjs'

const require = createRequire(import.meta.url)

test('import and require give the same', () => {
  const required = require('../index.js')
  assert.deepEqual(Object.keys(imported).sort(), Object.keys(required).sort())
  for (const [name, value] of Object.entries(required)) assert.equal(imported[name], value, name)
})

test('the names of the Python package are there in camel case', () => {
  const names = [
    'Session', 'checkRulesFromPath', 'checkSingleRule', 'detectPlatform', 'detectCapabilities', 'loadRules', 'loadConfig', 'resolveVariables',
    'evaluateRule', 'loadAllMappings', 'loadMapping', 'checkCoverage', 'plan', 'renderReport', 'getApplicableMappings', 'buildRuleToSectionMap',
    'rulesForFramework', 'orderByFramework', 'orderResultsBySection', 'ruleAppliesToPlatform', 'getRulesPath', 'getMappingsPath', 'getVersion',
    'reachable', 'quickHostInfo', 'KensaError', 'SSHConnectionError', 'SSHAuthenticationError', 'HostKeyError', 'PrivilegeError',
    'NotConnectedError', 'CommandTimeout', 'RuleLoadError', 'RuleNotFoundError',
  ]
  assert.deepEqual(names.filter((name) => !(name in imported)), [])
})

test('every error is a KensaError', () => {
  for (const [name, value] of Object.entries(imported)) {
    if (/Error$|Timeout$/.test(name)) assert.ok(value === imported.KensaError || value.prototype instanceof imported.KensaError, name)
  }
})

test('index.d.ts and index.mjs are what lib/ gives', { timeout: 120_000 }, () => {
  const done = spawnSync(process.execPath, [join(root, 'scripts/types.mjs'), '--check'], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
})

test('what programs write against the package passes tsc --strict', { timeout: 120_000 }, () => {
  const done = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', join(root, 'tests/types')], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stdout)
})

test('results, evidence and reports have every field of the engine\'s schema', async (t) => {
  const { resultSchema } = require('../native.js')
  const schema = JSON.parse(resultSchema())
  const definitions = schema.$defs ?? schema.definitions
  const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())
  const session = await imported.Session.local()
  const report = await imported.scan(session, { rulesPath: ruleFolder(t, [rule('one', command('true'))]) })
  await session.close()
  const found = { ScanReport: report, CheckResult: report.results[0], Evidence: report.results[0].evidence[0], Summary: report.summary, Platform: report.platform }
  for (const [name, value] of Object.entries(found)) {
    const { properties } = definitions[name] ?? schema
    const missing = Object.keys(properties).map(camel).filter((field) => !(field in value))
    assert.deepEqual(missing, [], name)
    assert.ok(Object.keys(properties).length > 4, name)
  }
})

test('the native declarations are those of the source', () => {
  // napi writes them with the binary; a stale one shows here as a name the binary does not have.
  const declared = [...readFileSync(join(root, 'native.d.ts'), 'utf8').matchAll(/^export declare (?:class|function) (\w+)/gm)].map((match) => match[1])
  const native = require('../native.js')
  assert.deepEqual(declared.filter((name) => typeof native[name] !== 'function'), [])
  assert.ok(declared.length > 8)
})

test('the crate and the package have one version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  assert.equal(version, imported.getVersion())
})
