// The cassettes of tests/conformance give here the JSON they give in Rust and Python; the README there says how.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  CommandTimeout, KensaError, checkCoverage, checkRulesFromPath, evaluateRule, loadMapping, loadRules, plan, scan, validateRules, Session,
} from '../index.mjs'
import { root } from './support.mjs'

const FOLDER = 'tests/conformance'
const repository = join(root, '..')
const read = (path) => readFileSync(join(repository, FOLDER, path), 'utf8')
const cassettes = readdirSync(join(repository, FOLDER)).filter((name) => existsSync(join(repository, FOLDER, name, 'cassette.json')))

/** What differs from run to run and from version to version, in the engine's own form. */
const timeless = (json) => json
  .replace(/"(timestamp|started_at|completed_at)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"$1":"1970-01-01T00:00:00.000Z"')
  .replace(/"duration_ms":\d+([,}])/g, '"duration_ms":0$1')
  .replace(/"engine_version":"[^"\\]+"/g, '"engine_version":"0.0.0"')

/** The host of a cassette. */
function player({ name = 'web-1', host, answers = [] }) {
  const recorded = host === undefined ? [] : JSON.parse(read(`hosts/${host}.json`)).answers
  const known = new Map([...recorded, ...answers].map((answer) => [answer.command, answer]))
  return {
    hostname: name,
    bareCommands: true,
    singleQuestions: true,
    async run(command) {
      const answer = known.get(command)
      if (answer === undefined) throw new KensaError(`nothing was recorded for: ${command}`)
      if (answer.never) return new Promise(() => {})
      if (answer.fault === 'timed_out') throw new CommandTimeout(answer.message, 'timed_out')
      if (answer.fault) throw new KensaError(answer.message)
      const stream = (text = '', hex = '') =>
        Buffer.concat(Array(answer.times ?? 1).fill(Buffer.concat([Buffer.from(text), Buffer.from(hex, 'hex')])))
      return { exitCode: answer.exit, stdout: stream(answer.stdout, answer.stdout_hex), stderr: stream(answer.stderr, answer.stderr_hex) }
    },
  }
}

function options({ severity, category, tags, rule_ids: ruleIds, variables, capabilities, framework, evidence_limit: evidenceLimit, timeout_ms: timeout }) {
  const given = { severity, category, tags, ruleIds, variables, capabilities, framework, evidenceLimit, timeout }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

const calls = {
  async scan(cassette, call, rulesPath) {
    const results = []
    const report = await scan(player(cassette), { ...options(call), rulesPath, onResult: (one) => void results.push(one) })
    const own = (list) => list.map((one) => JSON.stringify(one)).sort()
    assert.deepEqual(own(results), own(report.results), 'a result is streamed as it is reported')
    assert.equal(JSON.stringify(report), String(report))
    return String(report)
  },
  async plan(cassette, call, rulesPath) {
    const found = await plan(player(cassette), { ...options(call), rulesPath })
    assert.equal(JSON.stringify(found), String(found))
    return String(found)
  },
  async validate(cassette, call, rulesPath) {
    return JSON.stringify(await validateRules(rulesPath, { strict: call.strict ?? false }))
  },
  async coverage(cassette, call, rulesPath, folder) {
    return JSON.stringify(checkCoverage(await loadMapping(`${folder}/${call.mapping}`), call.rule_ids))
  },
}

describe('conformance', () => {
  const before_ = process.cwd()
  before(() => process.chdir(repository))
  after(() => process.chdir(before_))
  assert.ok(cassettes.length >= 12)
  for (const name of cassettes) {
    const cassette = JSON.parse(read(`${name}/cassette.json`))
    for (const [call, given] of Object.entries(cassette.calls)) {
      test(`${name}: ${call}`, async () => {
        const folder = `${FOLDER}/${name}`
        const json = await calls[given.call](cassette, given, `${folder}/${given.rules ?? 'rules'}`, folder)
        assert.equal(timeless(json), read(`${name}/${call}.json`).replaceAll('\n', ''))
      })
    }
  }

  test('the other ways to check give the same results', async () => {
    const cassette = JSON.parse(read('verdicts/cassette.json'))
    const expected = JSON.parse(read('verdicts/scan.json')).results.map((one) => JSON.stringify(one))
    const rules = `${FOLDER}/verdicts/rules`
    const json = (results) => results.map((one) => timeless(JSON.stringify(one)))
    assert.deepEqual(json(await checkRulesFromPath(player(cassette), rules)), expected)
    const session = Session.from(player(cassette))
    const each = await Promise.all((await loadRules(rules)).map((rule) => evaluateRule(session, rule)))
    assert.deepEqual(json(each), expected)
    const streamed = []
    for await (const one of session.scan({ rulesPath: rules })) streamed.push(one)
    assert.deepEqual(json(streamed).sort(), [...expected].sort())
    await session.close()
  })
})
