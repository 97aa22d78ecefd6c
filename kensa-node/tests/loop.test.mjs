// The event loop stays free, whatever happens at once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanMany } from '../bench/many_hosts.mjs'
import { ruleFolder } from './support.mjs'
import { manyRules } from '../bench/many_hosts.mjs'

test('200 hosts are scanned while a 10 ms timer is never late by more than 50 ms', async (t) => {
  const rulesPath = ruleFolder(t, manyRules(60))
  const { hosts, results, latest, ticks } = await scanMany({ hosts: 200, rulesPath })
  assert.equal(hosts, 200)
  assert.equal(results, 200 * 60)
  assert.ok(ticks > 20, `only ${ticks} ticks`)
  assert.ok(latest <= 50, `a tick was late by ${latest.toFixed(1)} ms`)
})
