// Writes index.d.ts (all public types in one file, from lib/) and index.mjs (the names for `import`, from dist/).
// With --check it writes nothing and fails where a file is not what it would write.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateDtsBundle } from 'dts-bundle-generator'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)

const [types] = generateDtsBundle(
  [{ filePath: join(root, 'lib/index.ts'), output: { noBanner: true, exportReferencedTypes: false } }],
  { preferredConfigPath: join(root, 'tsconfig.json') },
)
const names = Object.keys(require('../dist/index.js')).sort()
const generated = '// Generated from lib/ by `npm run build:js`; not to be edited.'
const files = {
  'index.d.ts': `${generated}\n\n${types.trim()}\n`,
  'index.mjs': `${generated}\n\nimport kensa from './index.js'\n\nexport const {\n${names.map((name) => `  ${name},\n`).join('')}} = kensa\n`,
}

let stale = false
for (const [name, text] of Object.entries(files)) {
  const path = join(root, name)
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text)
  } else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${name} is stale: npm run build:js`)
    stale = true
  }
}
process.exitCode = stale ? 1 : 0
