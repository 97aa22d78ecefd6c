#!/usr/bin/env node
// How late a 10 ms timer gets in a Node program while the engine works in it.
//
//   benches/node/event_loop.mjs [--runs 3] [--hosts 200] [--only NAME,...] [-o benches/results/node.json]
//
// Needs the built package: `npm install` in kensa-node/ (release). Takes under two minutes with three runs.
// `latest` is how late a tick was at most, whatever the reason; `blocked` is the same without the time Node's thread
// waited for a processor, which other programs cause as well; `worked` is the most that thread computed between two
// ticks. `nothing` is the machine alone, beside the others.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Session, checkRulesFromPath, loadAllMappings, loadRules, plan, renderReport, scan } from '../../kensa-node/index.mjs'

/** Rules with a command each, whose answers make results of a usual size. */
export function manyRules(count) {
  return Array.from({ length: count }, (_, index) => ({
    id: `rule-${index}`,
    title: `Setting ${index} has its value`,
    description: 'What must be true.',
    rationale: 'Why it matters.',
    severity: ['low', 'medium', 'high', 'critical'][index % 4],
    category: 'bench',
    references: { nist_800_53: ['AC-6', 'CM-6'], cis: { rhel9_v2: { section: `1.${index}`, level: 'L1', type: 'Automated' } } },
    implementations: [{ default: true, check: { method: 'command', run: `cat /etc/setting-${index}`, expected_exit: index % 3 === 0 ? 1 : 0 } }],
  }))
}

/** A host that answers every command within a few milliseconds with a kilobyte. */
function simulated(name) {
  const stdout = Buffer.from(`setting = value of ${name}\n`.repeat(40))
  return {
    hostname: name,
    run: async () => {
      await new Promise((resolve) => setTimeout(resolve, 2 + Math.random() * 8))
      return { exitCode: 0, stdout, stderr: '' }
    },
  }
}

/** Milliseconds Node's thread has worked and has waited for a processor so far, as Linux counts them; 0 elsewhere. */
function spent() {
  try {
    return readFileSync('/proc/self/schedstat', 'utf8').split(' ').slice(0, 2).map((time) => Number(time) / 1e6)
  } catch {
    return [0, 0]
  }
}

/** Does `work` beside a timer of `period` milliseconds; how late that was. Times in milliseconds. */
export async function beside(work, period = 10) {
  const lateness = []
  let [blocked, worked] = [0, 0]
  let due = performance.now() + period
  let before = spent()
  const tick = () => {
    const [now, then] = [performance.now(), spent()]
    lateness.push(now - due)
    worked = Math.max(worked, then[0] - before[0])
    blocked = Math.max(blocked, now - due - (then[1] - before[1]))
    before = then
    due = performance.now() + period
    timer = setTimeout(tick, period)
  }
  let timer = setTimeout(tick, period)
  const began = performance.now()
  const results = await work()
  const elapsed = performance.now() - began
  clearTimeout(timer)
  // What kept the loop until now has made no tick late yet.
  lateness.push(Math.max(0, performance.now() - due))
  lateness.sort((a, b) => a - b)
  const at = (share) => lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * share))]
  return { results, elapsed, ticks: lateness.length, median: at(0.5), p99: at(0.99), latest: at(1), blocked, worked }
}

async function together(count, one) {
  const results = await Promise.all(Array.from({ length: count }, (_, index) => one(simulated(`host-${index}`))))
  return results.reduce((sum, own) => sum + own, 0)
}

/** Scans `hosts` simulated hosts at once and takes every result as it comes. */
export function streams(hosts, rulesPath) {
  return together(hosts, async (host) => {
    const session = Session.from(host)
    let results = 0
    for await (const _ of session.scan({ rulesPath })) results += 1
    await session.close()
    return results
  })
}

/** The same, waiting for whole reports. */
export function reports(hosts, rulesPath) {
  return together(hosts, async (host) => (await checkRulesFromPath(host, rulesPath)).length)
}

function works(hosts, rulesPath) {
  return {
    nothing: async () => {
      await new Promise((resolve) => setTimeout(resolve, 2000))
      return 0
    },
    streams: () => streams(hosts, rulesPath),
    reports: () => reports(hosts, rulesPath),
    'bundled-rules': () => reports(Math.ceil(hosts / 10)),
    'single-calls': async () => {
      const report = await scan(simulated('one'))
      await renderReport(report, 'json')
      await plan(simulated('two'))
      await loadAllMappings()
      return report.results.length + (await loadRules()).length
    },
  }
}

async function main() {
  const { values } = parseArgs({ options: {
    runs: { type: 'string', default: '3' }, hosts: { type: 'string', default: '200' }, rules: { type: 'string', default: '100' },
    only: { type: 'string' }, output: { type: 'string', short: 'o' },
  } })
  const rulesPath = mkdtempSync(join(tmpdir(), 'kensa-bench-'))
  mkdirSync(join(rulesPath, 'bench'))
  for (const rule of manyRules(Number(values.rules))) writeFileSync(join(rulesPath, 'bench', `${rule.id}.yml`), JSON.stringify(rule))
  const all = works(Number(values.hosts), rulesPath)
  const names = values.only?.split(',') ?? Object.keys(all)
  const runs = Object.fromEntries(names.map((name) => [name, []]))
  const load = []
  try {
    // By turns, so that whatever else the machine does concerns all alike.
    for (let run = 0; run < Number(values.runs); run += 1) {
      for (const name of names) {
        const found = await beside(all[name])
        for (const key of Object.keys(found)) found[key] = Math.round(found[key] * 10) / 10
        runs[name].push(found)
        load.push(Math.round(loadavg()[0] * 10) / 10)
        console.log(name.padEnd(14), JSON.stringify(found))
      }
    }
  } finally {
    rmSync(rulesPath, { recursive: true })
  }
  if (values.output) {
    const about = {
      date: new Date().toISOString().slice(0, 10), node: process.versions.node, processors: availableParallelism?.() ?? cpus().length, load,
      hosts: Number(values.hosts), rules: Number(values.rules),
    }
    writeFileSync(values.output, `${JSON.stringify({ ...about, runs }, null, 1)}\n`)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
