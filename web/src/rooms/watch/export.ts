/** The filtered warnings as CSV, for Excel in Chinese (byte order mark, CRLF). */
import { list, type Query } from '@/api/client'
import type { Warning } from '@/api/model'
import { said, t } from '@/kernel/words'

const MOST = 1000
const FORMULA = /^[=+\-@\t\r]/

/** One field: quoted when needed; text that a spreadsheet would run as a formula is kept as text. */
export function field(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csvOf(warnings: readonly Warning[]): string {
  const head = ['id', t('bench.level'), t('bench.state'), t('warning.what'), t('warning.thing'), t('warning.area'), t('warning.reading.now'), t('warning.raised'), t('warning.acknowledged'), t('warning.cleared')]
  const rows = warnings.map((each) => [each.id, t(`level.${each.level}`), each.state, said(each, 'says') || said(each, 'title'), each.thing, each.area_name, each.value, each.raised_at, each.acknowledged_at, each.cleared_at])
  return `\ufeff${[head, ...rows].map((row) => row.map(field).join(',')).join('\r\n')}\r\n`
}

export async function exportCsv(query: Query): Promise<void> {
  const { items } = await list<Warning>('/warnings', { ...query, limit: MOST })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([csvOf(items)], { type: 'text/csv' }))
  link.download = 'warnings.csv'
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
