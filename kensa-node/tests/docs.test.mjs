// Every JavaScript snippet of docs/node.md and README.md runs as it stands; web-1.example.com is a host of the test bed.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { folder, host, root } from './support.mjs'

const pages = ['../docs/node.md', 'README.md']
const snippets = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^(#+ .*)$|^```js\n([\s\S]*?)^```$/gm)].reduce(
    ({ title, found }, [, heading, code]) => (heading ? { title: heading, found } : { title, found: [...found, { page, title, code }] }),
    { title: '', found: [] },
  ).found
})

let machine
let why
const web = () => {
  machine ??= host({ skip: (reason) => { why = reason } })
  return machine
}

describe('snippets', () => {
  after(() => machine?.down())
  for (const { page, title, code } of snippets) {
    test(`${page} ${title}`, async (t) => {
      let text = code
      if (text.includes('web-1.example.com')) {
        const real = web()
        if (!real) return t.skip(why)
        text = text
          .replace("'web-1.example.com', user: 'audit'", `${JSON.stringify(real.addr)}, user: 'scan', knownHosts: []`)
          .replace("'/keys/audit'", JSON.stringify(real.key))
        assert.doesNotMatch(text, /web-1|\/keys/)
      }
      const place = folder(t)
      mkdirSync(join(place, 'node_modules'))
      symlinkSync(root, join(place, 'node_modules/kensa'))
      writeFileSync(join(place, 'snippet.mjs'), text)
      const child = spawn(process.execPath, ['snippet.mjs'], { cwd: place })
      let [out, err] = ['', '']
      child.stdout.on('data', (chunk) => { out += chunk })
      child.stderr.on('data', (chunk) => { err += chunk })
      const code_ = await new Promise((resolve) => child.on('close', resolve))
      assert.equal(code_, 0, err)
      assert.equal(err, '')
      assert.notEqual(out, '')
      // What a snippet says it prints, at the end of the line that prints it, it prints.
      for (const [, said] of code.matchAll(/console\.log\(.*\) \/\/ ([^;\n]*)$/gm)) assert.ok(out.includes(said), `${said}\n${out}`)
    })
  }
  test('there are snippets', () => assert.ok(snippets.length >= 8))
})
