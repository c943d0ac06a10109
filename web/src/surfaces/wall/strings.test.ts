import { describe, expect, it } from 'vitest'
import { BUCKETS, stringPath } from './strings'

const WAVE = { width: 1440, swing: 10, pitch: 8 }

/** Greatest swing of a path between two places on the string. */
function swing(path: string, from: number, to: number): number {
  const points = [...path.matchAll(/L([\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Math.abs(Number(y))] as const)
  return Math.max(0, ...points.filter(([x]) => x >= from && x <= to).map(([, y]) => y))
}

describe('a string', () => {
  const counts = Array.from({ length: BUCKETS }, (_, i) => (i === 60 ? 16 : 0))

  it('swings where its source was loud and rests elsewhere', () => {
    const path = stringPath(counts, 16, 1, WAVE)
    expect(swing(path, 600, 610)).toBeGreaterThan(9)
    expect(swing(path, 0, 580)).toBe(0)
  })

  it('ends at now', () => {
    expect(stringPath(counts, 16, 0.25, WAVE).endsWith('L360.0 0')).toBe(true)
  })

  it('is measured against the loudest of all seven', () => {
    expect(swing(stringPath(counts, 64, 1, WAVE), 600, 610)).toBeLessThan(4.5)
  })
})
