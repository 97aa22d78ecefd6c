// Puts the rules and mappings of the repository into the package.

import { cpSync, existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const repository = join(root, '..')

rmSync(join(root, 'rules'), { recursive: true, force: true })
cpSync(join(repository, 'rules'), join(root, 'rules'), { recursive: true })
// Where the mappings stand beside the rules, the package has them in the rules' folder.
if (existsSync(join(repository, 'mappings'))) cpSync(join(repository, 'mappings'), join(root, 'rules/mappings'), { recursive: true })
cpSync(join(repository, 'LICENSE'), join(root, 'LICENSE'))
