// Builds the package in a checkout: on `npm install` there, and before it is packed. Does not run where the packed
// package is installed, so that needs neither Rust nor a compiler.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

function npm(script) {
  const done = spawnSync('npm', ['run', '--silent', script], { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

// Set where another step builds: in tests/ and where packages are made.
if (process.env.KENSA_SKIP_BUILD) process.exit(0)
if (!existsSync(join(root, '../Cargo.toml'))) process.exit(0)

const cargo = spawnSync('cargo', ['--version'], { encoding: 'utf8' })
if (cargo.status === 0) {
  npm('build:native')
} else {
  console.error('kensa: Rust is not installed (https://rustup.rs), so the native part is not built; `npm run build` does it later')
}
npm('build:rules')
npm('build:js')
