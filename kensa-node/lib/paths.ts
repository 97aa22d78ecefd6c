/** Where rules and mappings are. */

import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { engineVersion } from '../native'

const PACKAGE = dirname(__dirname)

/** The folder of the rules: `KENSA_RULES_PATH` where it is a folder, else the one in this package. */
export function getRulesPath(): string {
  return folder('KENSA_RULES_PATH') ?? join(PACKAGE, 'rules')
}

/** The folder of the mappings: `KENSA_MAPPINGS_PATH` where it is a folder, else `mappings` in or beside the rules. */
export function getMappingsPath(): string {
  const named = folder('KENSA_MAPPINGS_PATH')
  if (named !== undefined) return named
  const rules = getRulesPath()
  const candidates = [join(rules, 'mappings'), join(dirname(rules), 'mappings')]
  return candidates.find((path) => existsSync(path)) ?? join(PACKAGE, 'rules', 'mappings')
}

/** The version of the engine and of the rules in this package. */
export function getVersion(): string {
  return engineVersion()
}

/** The rules to take where a call names none; `undefined` for those inside the engine. */
export function rulesFromEnvironment(): string | undefined {
  return folder('KENSA_RULES_PATH')
}

function folder(variable: string): string | undefined {
  const path = process.env[variable]
  return path && statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : undefined
}
