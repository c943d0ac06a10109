import { expect, it } from 'vitest'
import { linePath } from './series'

const FRAME = { from: 0, to: 100, low: 0, high: 10, width: 100, height: 10 }

it('draws no line through silence or a missing value', () => {
  const line = [
    { time: 0, value: 0 },
    { time: 10, value: 5 },
    { time: 20, value: null },
    { time: 30, value: 5 },
    { time: 90, value: 10 },
  ]
  expect(linePath(line, FRAME, 20)).toBe('M0.0 10.0L10.0 5.0M30.0 5.0M90.0 0.0')
})
