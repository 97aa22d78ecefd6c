// The packed package: complete, and installable without Rust.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { folder, root } from './support.mjs'

const npm = (cwd, args, env) => execFileSync('npm', args, { cwd, encoding: 'utf8', env: { ...process.env, KENSA_SKIP_BUILD: '1', npm_config_update_notifier: 'false', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })

test('the packed package installs and works where there is no Rust', { timeout: 120_000 }, (t) => {
  const place = folder(t)
  const [packed] = JSON.parse(npm(root, ['pack', '--json', '--pack-destination', place]))
  const files = packed.files.map((file) => file.path)
  for (const wanted of ['index.js', 'index.mjs', 'index.d.ts', 'index.d.mts', 'native.js', 'dist/index.js', 'rules/defaults.yml', 'LICENSE', 'README.md']) {
    assert.ok(files.includes(wanted), `${wanted} is not in the package`)
  }
  assert.deepEqual(files.filter((file) => /^(src|lib|tests|scripts|bench|node_modules)\/|Cargo|\.env/.test(file)), [])

  // Node and npm, and nothing else that could build anything.
  const bin = join(place, 'bin')
  mkdirSync(bin)
  for (const tool of ['node', 'npm', 'sh', 'env']) symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(bin, tool))
  const env = { PATH: bin }
  assert.notEqual(spawnSync('cargo', ['--version'], { env }).status, 0)
  const app = join(place, 'app')
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true }')
  npm(app, ['install', '--no-audit', '--no-fund', join(place, packed.filename)], env)

  const said = (args) => execFileSync(process.execPath, args, { cwd: app, encoding: 'utf8', env }).trim()
  const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
  assert.equal(said(['-p', 'require("kensa").getVersion()']), version)
  assert.equal(said(['--input-type=module', '-e', 'import { Session, getRulesPath, loadRules } from "kensa"; const s = await Session.local(); console.log((await s.run("echo on")).stdout, (await loadRules(getRulesPath())).length > 100)']), 'on true')
})

test('each platform has a package of its own, of the same version', () => {
  const main = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const folders = readdirSync(join(root, 'npm')).sort()
  assert.equal(folders.length, main.napi.targets.length)
  for (const name of folders) {
    const own = JSON.parse(readFileSync(join(root, 'npm', name, 'package.json'), 'utf8'))
    assert.deepEqual([own.name, own.version, own.main], [`kensa-${name}`, main.version, `kensa.${name}.node`])
    assert.ok(existsSync(join(root, 'npm', name, 'README.md')))
  }
})

test('a missing native part says what to do', (t) => {
  const place = folder(t)
  mkdirSync(join(place, 'dist'))
  for (const file of ['index.js', 'native.js', ...readdirSync(join(root, 'dist')).filter((one) => one.endsWith('.js')).map((one) => `dist/${one}`)]) {
    mkdirSync(dirname(join(place, file)), { recursive: true })
    writeFileSync(join(place, file), readFileSync(join(root, file)))
  }
  const done = spawnSync(process.execPath, ['-e', 'require("./index.js")'], { cwd: place, encoding: 'utf8' })
  assert.notEqual(done.status, 0)
  assert.match(done.stderr, /native binding/)
})
