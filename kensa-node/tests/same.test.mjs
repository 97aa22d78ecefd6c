// The same from Node as from Rust: the command line is Rust's own.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { ScanReport, Session, formats, renderReport, scan } from '../index.mjs'
import { command, folder, root, rule, ruleFolder, usualRules } from './support.mjs'

const cargo = spawnSync('cargo', ['--version']).status === 0

describe('Rust and Node agree', { skip: cargo ? false : 'Rust is not installed' }, () => {
  let program
  before(() => {
    const cwd = join(root, '..')
    execFileSync('cargo', ['build', '-q', '-p', 'kensa-cli'], { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
    const metadata = execFileSync('cargo', ['metadata', '--format-version', '1', '--no-deps'], { cwd, encoding: 'utf8', maxBuffer: 1 << 26 })
    program = join(JSON.parse(metadata).target_directory, 'debug/kensa')
  })
  const kensa = (...args) => {
    const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: '1' } })
    assert.ok(done.status < 2 || done.status === 3, done.stderr)
    return done.stdout
  }

  test('every format of one report, byte for byte', async (t) => {
    const session = await Session.local()
    const report = await scan(session, {
      rulesPath: ruleFolder(t, [
        rule('odd-text', command("printf 'a\\001\\033[31m\\342\\200\\250\\177\"\\\\ \\b\\f\\t<&>'; printf 'lone \\355\\240\\200' >&2; exit 4", 4)),
        rule('finds', { method: 'file_exists', path: '/nowhere' }, { severity: 'critical', references: { nist_800_53: ['AC-6'], pci_dss_4: ['2.2.1'] } }),
        rule('elsewhere', command('true'), { platforms: [{ family: 'templeos' }] }),
      ]),
    })
    await session.close()
    const file = join(folder(t), 'report.json')
    writeFileSync(file, JSON.stringify(report))
    for (const format of formats()) {
      assert.equal(await renderReport(report, format), kensa('report', file, '--format', format), format)
    }
  })

  test('one scan of one host, but for times', async (t) => {
    const path = usualRules(t)
    const session = await Session.local()
    const own = await scan(session, { rulesPath: path })
    await session.close()
    const theirs = kensa('check', '--local', '--rules', path, '--format', 'json')
    const timeless = (text) => text.replace(/"(timestamp|started_at|completed_at)": ?"[^"]*"/g, '"$1": ""').replace(/"duration_ms": ?\d+/g, '"duration_ms": 0')
    assert.equal(timeless(await renderReport(own, 'json')), timeless(theirs))
    assert.equal(JSON.stringify(ScanReport.parse(theirs)), JSON.stringify(JSON.parse(theirs)))
  })
})
