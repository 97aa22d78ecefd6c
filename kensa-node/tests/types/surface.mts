// The public surface as a program sees it. It is compiled, never run.

import {
  AbortError, CheckResult, KensaError, SSHConnectionError, ScanReport, Session, checkCoverage, checkRulesFromPath, detect, detectCapabilities,
  detectPlatform, evaluateRule, loadAllMappings, loadConfig, loadRules, plan, renderReport, resolveVariables, type Transport,
} from 'kensa'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<T extends true>(): T | undefined { return undefined }

export async function everything(signal: AbortSignal): Promise<void> {
  await using local = await Session.local({ sudo: true, commandTimeout: 5000 })
  const session: Session = await Session.connect({
    hostname: 'web-1', port: 22, user: 'audit', password: 'x', keyPath: ['/k', new URL('file:///k')], sudo: true, hostKeyPolicy: 'strict',
    knownHosts: [], sshConfig: false, proxyJump: 'bastion', timeout: 1000, signal,
  })
  const ran = await session.run('id', { timeout: 1000, signal })
  same<Same<typeof ran.exitCode, number>>()

  const results: CheckResult[] = await checkRulesFromPath(session, '/rules', {
    severity: ['high', 'critical'], category: 'access-control', framework: 'cis', ruleIds: ['a'], variables: { limit: 5, on: true, name: 'x' },
    signal, onResult: (result) => { same<Same<typeof result, CheckResult>>() },
  })
  for await (const result of local.scan({ severity: 'high' })) {
    same<Same<typeof result.status, 'pass' | 'fail' | 'skipped' | 'error'>>()
    same<Same<typeof result.evidence[number]['timestamp'], Date>>()
    same<Same<typeof result.frameworkRefs, Record<string, string[]>>>()
  }
  const report: ScanReport = await session.scan().report()
  same<Same<Awaited<ReturnType<typeof renderReport>>, string>>()
  await renderReport(report, 'sarif', { verbose: true })

  const platform = await detectPlatform(session)
  same<Same<NonNullable<typeof platform>['version'], number>>()
  const capabilities: Record<string, boolean> = await detectCapabilities(session, { overrides: { selinux: true } })
  const facts = await detect(session)

  const rules = await loadRules(undefined, { strict: true })
  const config = await loadConfig()
  const [first] = rules
  if (first) await evaluateRule(session, resolveVariables(first, config, { framework: 'cis' }), { capabilities, signal })
  const mappings = await loadAllMappings()
  for (const mapping of Object.values(mappings)) checkCoverage(mapping, rules.map((rule) => rule.id)).coveragePercent.toFixed(1)
  const { commands } = await plan(session, { severity: 'low' })
  commands.join(facts.undetermined['systemd'])

  const transport: Transport = { hostname: 'x', run: async (command, { timeout, signal }) => ({ exitCode: command.length + timeout + Number(signal.aborted) }) }
  await checkRulesFromPath(transport, undefined)

  // @ts-expect-error: no such option
  await Session.connect({ host: 'web-1' })
  // @ts-expect-error: no such severity
  await checkRulesFromPath(session, '/rules', { severity: 'urgent' })
  // @ts-expect-error: no such format
  await renderReport(report, 'pdf')
  // @ts-expect-error: results are what was found
  results[0].status = 'pass'
  // @ts-expect-error: a session is connected, not made
  new Session()
}

export function classify(error: unknown): string {
  if (error instanceof AbortError) return String(error.cause)
  if (error instanceof SSHConnectionError) return `${error.host}: ${error.reason}`
  if (error instanceof KensaError) return `${error.code} ${JSON.stringify(error.details)}`
  return 'unknown'
}
