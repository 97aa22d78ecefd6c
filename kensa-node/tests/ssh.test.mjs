// Real sshd, PAM and sudo: hosts of the test bed.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  HostKeyError, PrivilegeError, SSHAuthenticationError, SSHConnectionError, Session, checkRulesFromPath, detectPlatform, reachable, scan,
} from '../index.mjs'
import { command, eventually, folder, host, rule, ruleFolder } from './support.mjs'

const why = {}
const debian = host({ skip: (reason) => { why.skip = reason } })

describe('a real host', why, () => {
  const open = []
  const connect = async (options) => {
    const session = await Session.connect(options)
    open.push(session)
    return session
  }
  after(async () => {
    await Promise.all(open.map((session) => session.close()))
    debian?.down()
  })

  test('key, sudo without password: commands run as root', async () => {
    const session = await connect({ ...debian.options('scan'), sudo: true })
    assert.equal((await session.run('id -u')).stdout, '0')
    assert.deepEqual([session.hostname, session.user, session.sudo, session.uid, session.isConnected], [session.hostname, 'scan', true, 0, true])
    assert.deepEqual((await detectPlatform(session)).id, 'debian')
  })

  test('password, and sudo with the same password', async () => {
    const session = await connect({ ...debian.options('scanpw'), keyPath: undefined, password: 'Scan-pw-1', sudo: true })
    assert.equal((await session.run('id -u')).stdout, '0')
  })

  test('a key as text', async () => {
    const session = await connect({ ...debian.options('nosudo'), keyPath: undefined, keyData: readFileSync(debian.key, 'utf8') })
    assert.equal((await session.run('id -un')).stdout, 'nosudo')
  })

  test('each failure has its class, its code and the host in its text', async (t) => {
    const base = { ...debian.options('scan'), knownHosts: join(folder(t), 'known_hosts') }
    const cases = [
      [{ ...base, hostKeyPolicy: 'strict' }, HostKeyError, 'host_key_unknown'],
      [{ ...base, user: 'plain', keyPath: undefined, password: 'wrong' }, SSHAuthenticationError, 'auth_failed'],
      [{ ...base, keyPath: '/no/such/key' }, SSHAuthenticationError, 'key_invalid'],
      [{ ...base, user: 'scanpw', sudo: true, sudoPassword: 'wrong' }, PrivilegeError, 'sudo_denied'],
      [{ ...base, pinnedHostKey: 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }, HostKeyError, 'host_key_changed'],
      [{ ...base, user: 'u-nologin' }, SSHConnectionError, 'shell_refused'],
    ]
    for (const [options, type, code] of cases) {
      const failed = await Session.connect(options).then(() => 'connected', (error) => error)
      assert.ok(failed instanceof type, `${code}: ${failed.name} ${failed.code} ${failed.message}`)
      assert.equal(failed.code, code)
      assert.ok(failed.message.includes(debian.addr), failed.message)
    }
  })

  test('an encrypted key wants its passphrase', async (t) => {
    const path = join(folder(t), 'key')
    writeFileSync(path, readFileSync(debian.key), { mode: 0o600 })
    execFileSync('ssh-keygen', ['-p', '-q', '-P', '', '-N', 'Phrase-1', '-f', path])
    const base = { ...debian.options('scan'), keyPath: path }
    await assert.rejects(Session.connect(base), (error) => error instanceof SSHAuthenticationError && error.code === 'passphrase_required')
    for (const given of [{ passphrase: 'Phrase-1' }, { password: 'Phrase-1' }]) {
      assert.equal((await (await connect({ ...base, ...given })).run('id -un')).stdout, 'scan')
    }
  })

  test('a scan sees the host, in one login and with one sudo', async (t) => {
    const path = ruleFolder(t, [
      rule('shadow', { method: 'file_permission', path: '/etc/shadow', owner: 'root' }),
      rule('hostname', command('test "$(id -u)" = 0')),
      rule('absent', { method: 'file_exists', path: '/nowhere' }),
    ])
    debian.tell('mark')
    const session = await connect({ ...debian.options('scan'), sudo: true })
    const report = await scan(session, { rulesPath: path })
    assert.deepEqual(report.results.map((result) => [result.ruleId, result.status]), [['absent', 'fail'], ['hostname', 'pass'], ['shadow', 'pass']])
    assert.equal(report.platform.id, 'debian')
    assert.equal(JSON.stringify(report), report.toString())
    assert.match(debian.tell('count'), /logins=1 /)
    assert.match(debian.tell('count'), /sudos=1/)
  })

  test('a scan gives way and takes several shells where asked', async (t) => {
    const rules = Array.from({ length: 300 }, (_, number) => rule(`r-${number}`, command(`sleep 0.01; : ${number}; test "$(nice)" = 7`)))
    const path = ruleFolder(t, rules)
    for (const [more, sudos] of [[{ shells: 3 }, /sudos=[23]/], [{}, /sudos=1/]]) {
      debian.tell('mark')
      const session = await connect({ ...debian.options('scan'), sudo: true, nice: 7, ...more })
      const results = await checkRulesFromPath(session, path)
      assert.deepEqual(results.filter((result) => result.status !== 'pass'), [])
      const count = debian.tell('count')
      assert.match(count, /logins=1 /)
      assert.match(count, sudos)
    }
  })

  test('a signal stops a scan within a second, and what it runs on the host', async (t) => {
    const path = ruleFolder(t, [rule('endless', command('sleep 72.001'))])
    const session = await connect(debian.options('scan'))
    const controller = new AbortController()
    const running = checkRulesFromPath(session, path, { signal: controller.signal })
    const sleeps = () => debian.exec('pgrep -fc "^sleep 72[.]001" || true').trim() !== '0'
    await eventually(sleeps)
    const began = performance.now()
    controller.abort()
    await assert.rejects(running, { code: 'cancelled' })
    assert.ok(performance.now() - began < 1000)
    await eventually(() => !sleeps(), 2000)
    assert.equal((await session.run('echo on')).stdout, 'on')
  })

  test('several sessions at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => connect(debian.options('scan'))))
    const answers = await Promise.all(sessions.map((session, index) => session.run(`echo ${index}`)))
    assert.deepEqual(answers.map((answer) => answer.stdout), sessions.map((_, index) => String(index)))
  })

  test('whether it answers', async () => {
    const found = await reachable(debian.addr, Number(debian.port))
    assert.equal(found.reached, true)
    assert.match(found.banner, /^SSH-2\.0-/)
    assert.ok(found.latency >= 0)
  })

  test('a cut connection makes errors, never verdicts', async (t) => {
    const path = ruleFolder(t, [rule('slow', command('sleep 2; true')), rule('other', { method: 'file_exists', path: '/etc/passwd' })])
    const session = await connect({ ...debian.options('scan'), commandTimeout: 4000 })
    debian.tell('kill-sshd', 'listener')
    const running = checkRulesFromPath(session, path, { ruleIds: ['slow'] })
    await eventually(() => debian.exec('pgrep -fc "^sleep 2" || true').trim() !== '0')
    debian.tell('kill-sshd', 'sessions')
    const [result] = await running
    assert.equal(result.status, 'error')
    debian.tell('start-sshd')
  })
})
