/** Figures: as many digits as the eye can use, units as the field writes them. */
import { language } from './words'

/** A measured value: about three significant digits, never an exponent. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '—'
  const size = Math.abs(value)
  const digits = Number.isInteger(value) ? 0 : size >= 100 ? 0 : size >= 20 ? 1 : 2
  return value.toFixed(digits).replace('-', '\u2212')
}

/** A unit for the reader: the unit of a pure number is not written. */
export function unitText(unit: string | null | undefined): string {
  return !unit || unit === '1' ? '' : unit
}

/** A count with thousands apart. */
export function count(value: number): string {
  return new Intl.NumberFormat(language.value).format(value)
}

/** A share between 0 and 1 as `98.3%`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}
