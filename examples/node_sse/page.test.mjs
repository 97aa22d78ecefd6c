// The page in a real browser: results appear while the scan runs. Debian: apt-get install chromium

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { service } from './server.mjs'

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path))
const options = executablePath ? {} : { skip: 'no chromium is installed' }

const app = service()
let address = ''
let browser
const rules = mkdtempSync(join(tmpdir(), 'kensa-sse-'))

before(async () => {
  const rule = (id, check) => ({
    id, title: `Rule ${id}`, description: 'x', rationale: 'y', severity: 'low', category: 'test', implementations: [{ default: true, check }],
  })
  mkdirSync(join(rules, 'test'))
  for (const one of [
    rule('at-once', { method: 'file_exists', path: '/etc/passwd' }),
    rule('missing', { method: 'file_exists', path: '/nowhere/<b>at all</b>' }),
    rule('slow', { method: 'command', run: 'sleep 3', expected_exit: 0 }),
  ]) writeFileSync(join(rules, 'test', `${one.id}.yml`), JSON.stringify(one))
  process.env.KENSA_RULES_PATH = rules
  address = await app.listen({ port: 0 })
  if (executablePath) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
})

after(async () => {
  await browser?.close()
  await app.close()
  rmSync(rules, { recursive: true })
})

test('results appear one by one, the first long before the last', options, async () => {
  const page = await browser.newPage()
  await page.goto(address)
  const began = Date.now()
  await page.getByText('at-once', { exact: true }).waitFor()
  await page.getByText('missing', { exact: true }).waitFor()
  assert.ok(Date.now() - began < 2500)
  assert.equal(await page.getByText('slow', { exact: true }).count(), 0)
  assert.match(await page.getByRole('status').textContent(), /2 results so far/)
  await page.getByText('slow', { exact: true }).waitFor()
  await page.getByText('localhost: 2 of 3 rules pass').waitFor()
  assert.deepEqual(await page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.className).sort()), ['fail', 'pass', 'pass'])
  // What a host or a rule says is text, never markup.
  assert.equal(await page.locator('tbody b').count(), 0)
  await page.close()
})

test('a host that cannot be reached is said on the page', options, async (t) => {
  process.env.KENSA_HOST = '127.0.0.1:1'
  t.after(() => { delete process.env.KENSA_HOST })
  const page = await browser.newPage()
  await page.goto(address)
  await page.getByText(/127\.0\.0\.1.*\((refused|unreachable)\)/).waitFor()
  await page.close()
})
