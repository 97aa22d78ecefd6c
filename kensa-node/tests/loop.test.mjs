// The event loop stays free, whatever happens at once. The bench of the same shape is benches/node/event_loop.mjs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beside, manyRules, reports, streams } from '../../benches/node/event_loop.mjs'
import { ruleFolder } from './support.mjs'

for (const [name, work] of Object.entries({ streams, reports })) {
  test(`200 hosts are scanned (${name}) while a 10 ms timer is never late by more than 50 ms`, async (t) => {
    const rulesPath = ruleFolder(t, manyRules(60))
    // Other programs make timers late as well, so one quiet run of four will do. Where none is quiet, what counts is how
    // long Node's thread computed between two ticks. A loop that blocks fails either way.
    const runs = []
    for (let run = 0; run < 4; run += 1) {
      const { results, latest, worked, ticks } = await beside(() => work(200, rulesPath))
      assert.equal(results, 200 * 60)
      assert.ok(ticks > 20, `only ${ticks} ticks`)
      if (latest <= 50) return
      runs.push({ latest, worked })
    }
    assert.ok(Math.min(...runs.map((one) => one.worked)) <= 50, JSON.stringify(runs))
  })
}

test('no call keeps the loop for long, not even with all bundled rules', async () => {
  const { loadAllMappings, loadRules, plan, scan } = await import('../index.mjs')
  const silent = { run: async () => ({ exitCode: 0, stdout: 'x\n'.repeat(500) }) }
  const calls = { scan: () => scan(silent), plan: () => plan(silent), loadRules: () => loadRules(), loadAllMappings: () => loadAllMappings() }
  for (const [name, call] of Object.entries(calls)) {
    const runs = []
    for (let run = 0; run < 4 && !runs.some((one) => one <= 50); run += 1) {
      const { latest, worked } = await beside(async () => { await call(); return 0 })
      runs.push(Math.min(latest, worked))
    }
    assert.ok(Math.min(...runs) <= 50, `${name}: ${runs}`)
  }
})
