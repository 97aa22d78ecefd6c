// Worker threads, the end of the process, thrown callbacks: nothing crashes and nothing hangs.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Session } from '../index.mjs'
import { command, eventually, folder, root, rule, ruleFolder, runs } from './support.mjs'

/** Runs a program that may use `kensa` and `rulesPath`; its exit code, signal and output. */
function program(t, text, { rulesPath = '' } = {}) {
  const path = join(folder(t), 'program.mjs')
  writeFileSync(path, `import * as kensa from ${JSON.stringify(join(root, 'index.mjs'))}\nconst rulesPath = ${JSON.stringify(rulesPath)}\n${text}`)
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 })
  let output = ''
  child.stdout.on('data', (chunk) => { output += chunk })
  child.stderr.on('data', (chunk) => { output += chunk })
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })))
}

const endless = (t, number) => ruleFolder(t, [rule('endless', command(`sleep ${number}`)), rule('at-once', { method: 'file_exists', path: '/etc/passwd' })])

test('process.exit in mid-scan ends the process', async (t) => {
  const done = await program(t, `
    const session = await kensa.Session.local()
    session.scan({ rulesPath }).report()
    for await (const result of session.scan({ rulesPath })) process.exit(7)`, { rulesPath: endless(t, 13.001) })
  assert.deepEqual(done, { code: 7, signal: null, output: '' })
})

test('an error nobody catches in mid-scan ends the process as it always does', async (t) => {
  const done = await program(t, `
    const session = await kensa.Session.local()
    await kensa.checkRulesFromPath(session, rulesPath, { onResult: () => { throw new Error('mine') } })`, { rulesPath: endless(t, 13.002) })
  assert.deepEqual([done.code, done.signal], [1, null])
  assert.match(done.output, /Error: mine/)
})

test('an idle session keeps nobody waiting; a scan that is awaited does', async (t) => {
  const idle = await program(t, `
    const session = await kensa.Session.local()
    const supplied = kensa.Session.from({ run: async () => ({ exitCode: 0 }) })
    await supplied.run('true')
    console.log((await session.run('echo done')).stdout)`)
  assert.deepEqual(idle, { code: 0, signal: null, output: 'done\n' })
  const awaited = await program(t, `
    const session = await kensa.Session.local()
    kensa.scan(session, { rulesPath }).then((report) => console.log(report.summary.total))`, {
    rulesPath: ruleFolder(t, [rule('slow', command('sleep 0.5'))]),
  })
  assert.deepEqual(awaited, { code: 0, signal: null, output: '1\n' })
})

test('a supplied transport is not called after process.exit, and does not keep it', async (t) => {
  const done = await program(t, `
    const session = kensa.Session.from({ run: (text) => { setTimeout(() => process.exit(9), 20); return new Promise(() => {}) } })
    await session.scan({ rulesPath }).report()`, { rulesPath: endless(t, 13.003) })
  assert.deepEqual(done, { code: 9, signal: null, output: '' })
})

const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads')
  const kensa = require(workerData.index)
  const main = async () => {
    const session = await kensa.Session.local()
    const supplied = { run: async (text) => { const { exitCode, stdoutBytes, stderrBytes } = await session.run(text); return { exitCode, stdout: stdoutBytes, stderr: stderrBytes } } }
    for (const one of [session, supplied]) {
      const results = await kensa.checkRulesFromPath(one, workerData.rulesPath, { ruleIds: workerData.ruleIds, onResult: (result) => parentPort.postMessage(result.ruleId) })
      parentPort.postMessage(results.length)
    }
    await session.close()
  }
  main()`

test('worker threads scan beside each other and beside the main thread', async (t) => {
  const rulesPath = endless(t, 73.004)
  const said = await Promise.all(Array.from({ length: 4 }, async () => {
    const worker = new Worker(WORKER, { eval: true, workerData: { index: join(root, 'index.js'), rulesPath, ruleIds: ['at-once'] } })
    const messages = []
    worker.on('message', (message) => messages.push(message))
    const code = await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
    return [code, ...messages]
  }))
  assert.deepEqual(said, Array(4).fill([0, 'at-once', 1, 'at-once', 1]))
  const session = await Session.local()
  assert.equal((await session.run('echo on')).stdout, 'on')
  await session.close()
})

test('a worker that is ended in mid-scan takes its commands along and leaves the others alone', async (t) => {
  const rulesPath = endless(t, 73.005)
  const session = await Session.local()
  for (let round = 0; round < 5; round += 1) {
    const worker = new Worker(WORKER, { eval: true, workerData: { index: join(root, 'index.js'), rulesPath, ruleIds: [] } })
    worker.on('error', (error) => assert.fail(error))
    await new Promise((resolve) => worker.once('message', resolve))
    await eventually(() => runs('^sleep 73[.]005'))
    await worker.terminate()
    await eventually(() => !runs('^sleep 73[.]005'))
    assert.equal((await session.run(`echo ${round}`)).stdout, String(round))
  }
  await session.close()
})

test('all of it survives being forgotten: sessions and scans nobody holds are collected', async (t) => {
  const done = await program(t, `
    import { setFlagsFromString } from 'node:v8'
    import { runInNewContext } from 'node:vm'
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    for (let round = 0; round < 30; round += 1) {
      const session = await kensa.Session.local()
      const results = session.scan({ rulesPath })[Symbol.asyncIterator]()
      await results.next()
      const supplied = kensa.Session.from({ run: () => new Promise(() => {}) })
      supplied.scan({ rulesPath }).report().catch(() => {})
      if (round % 10 === 9) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
    }
    gc()
    await new Promise((resolve) => setTimeout(resolve, 100))
    process.exit(0)`, { rulesPath: endless(t, 13.006) })
  assert.deepEqual(done, { code: 0, signal: null, output: '' })
})

test('supplied transports and their sessions are collected, closed or not, after use', async (t) => {
  const done = await program(t, `
    import { setFlagsFromString } from 'node:v8'
    import { runInNewContext } from 'node:vm'
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    let collected = 0
    const registry = new FinalizationRegistry(() => { collected += 1 })
    const use = async (round) => {
      const transport = { run: async () => ({ exitCode: 0, stdout: 'x' }) }
      registry.register(transport)
      const results = await kensa.checkRulesFromPath(transport, rulesPath)
      if (results.length !== 1) throw new Error('results')
      if (round % 2) {
        const session = kensa.Session.from(transport)
        await session.run('true')
        await session.close()
      }
    }
    for (let round = 0; round < 100; round += 1) await use(round)
    for (let round = 0; round < 20 && collected < 95; round += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 50)) }
    console.log(collected >= 95 ? 'collected' : collected)`, { rulesPath: ruleFolder(t, [rule('one', command('true'))]) })
  assert.deepEqual(done, { code: 0, signal: null, output: 'collected\n' })
})
