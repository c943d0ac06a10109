import { expect, it } from 'vitest'
import { readPlace, writePlace } from './address'

it('reads back what it wrote, and drops what is empty', () => {
  const written = writePlace({ screen: 'warnings', query: { q: '鹦鹉 大道', level: 'red', area: '' } })
  expect(readPlace(written)).toEqual({ screen: 'warnings', query: { q: '鹦鹉 大道', level: 'red' } })
})
