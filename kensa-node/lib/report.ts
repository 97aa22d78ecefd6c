/** Reports as text. */

import { translated } from './cancelling'
import { ArgumentError } from './errors'
import { knownOptions, near } from './options'
import { ScanReport } from './results'
import { render, reportFormats } from '../native'

export type ReportFormat = 'text' | 'json' | 'jsonl' | 'csv' | 'junit' | 'sarif'

export interface RenderOptions {
  /** Columns of the terminal (`text`). */
  width?: number
  /** Colour by escape sequences (`text`). */
  color?: boolean
  /** Also what is usually left out. */
  verbose?: boolean
}

/** Names of the report formats. */
export function formats(): ReportFormat[] {
  return reportFormats() as ReportFormat[]
}

/** Writes a report in one of the {@link formats}; the same bytes as from the command line. */
export async function renderReport(report: ScanReport, format: ReportFormat, options: RenderOptions = {}): Promise<string> {
  knownOptions('renderReport', options, ['width', 'color', 'verbose'])
  if (!(report instanceof ScanReport)) throw new ArgumentError('renderReport: the report must be a ScanReport; ScanReport.parse() reads one')
  const known = reportFormats()
  if (!known.includes(format)) throw new ArgumentError(`renderReport: no report format ${JSON.stringify(format)}; ${near(String(format), known)}`)
  const { width, color = false, verbose = false } = options
  return translated(() => render(report.toString(), format, width, color, verbose))
}
