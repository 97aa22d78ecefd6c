// Scans many simulated hosts at once and measures how late a 10 ms timer gets.
//   node bench/many_hosts.mjs [HOSTS] [RULES]

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Session } from '../index.mjs'

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

/** Milliseconds Node's thread has waited for a processor so far, as Linux counts them; 0 elsewhere. */
function waited() {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

/**
 * Scans `hosts` simulated hosts at once. Times in milliseconds. `latest` is how late a tick was at most, whatever the
 * reason; `blocked` is the same without the time the thread waited for a processor, which other programs cause as well.
 */
export async function scanMany({ hosts, rulesPath, period = 10 }) {
  const lateness = []
  let blocked = 0
  let due = performance.now() + period
  let before = waited()
  const tick = () => {
    const [now, then] = [performance.now(), waited()]
    lateness.push(now - due)
    blocked = Math.max(blocked, now - due - (then - before))
    before = then
    due = performance.now() + period
    timer = setTimeout(tick, period)
  }
  let timer = setTimeout(tick, period)
  const began = performance.now()
  let results = 0
  const one = async (index) => {
    const session = Session.from(simulated(`host-${index}`))
    for await (const _ of session.scan({ rulesPath })) results += 1
    await session.close()
  }
  await Promise.all(Array.from({ length: hosts }, (_, index) => one(index)))
  const elapsed = performance.now() - began
  clearTimeout(timer)
  lateness.sort((a, b) => a - b)
  const at = (share) => lateness[Math.min(lateness.length - 1, Math.floor(lateness.length * share))] ?? 0
  return { hosts, results, elapsed, ticks: lateness.length, median: at(0.5), p99: at(0.99), latest: at(1), blocked }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [hosts = 200, rules = 100] = process.argv.slice(2).map(Number)
  const rulesPath = mkdtempSync(join(tmpdir(), 'kensa-bench-'))
  mkdirSync(join(rulesPath, 'bench'))
  for (const rule of manyRules(rules)) writeFileSync(join(rulesPath, 'bench', `${rule.id}.yml`), JSON.stringify(rule))
  try {
    const { elapsed, median, p99, latest, blocked, ...rest } = await scanMany({ hosts, rulesPath })
    const round = (value) => Math.round(value * 10) / 10
    console.log(JSON.stringify({ ...rest, elapsed: round(elapsed), median: round(median), p99: round(p99), latest: round(latest), blocked: round(blocked) }))
  } finally {
    rmSync(rulesPath, { recursive: true })
  }
}
