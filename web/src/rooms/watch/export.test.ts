import { expect, it } from 'vitest'
import { field } from './export'

it('keeps what a spreadsheet would run as a formula as text, and quotes what would break a row', () => {
  expect([field('=1+1'), field('a,"b"'), field(-3), field(null)]).toEqual(["'=1+1", '"a,""b"""', '-3', ''])
})
