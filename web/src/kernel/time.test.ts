import { describe, expect, it } from 'vitest'
import { ageWords, briefly, clockSpan, freshness, hourMinute, sinceMidnight, stamp, usualGap } from './time'

const AT = Date.parse('2026-11-23T16:05:30.250Z')

describe('time of the district', () => {
  it('is eight hours ahead of UTC, over midnight too', () => {
    expect(hourMinute(AT)).toBe('00:05')
    expect(stamp(AT)).toBe('2026-11-24 00:05')
    expect(sinceMidnight(AT)).toBe(330_250)
  })

  it('is written as short as it can be without being misread', () => {
    expect(briefly(AT, AT + 3_600_000)).toBe('00:05')
    expect(briefly(AT - 3_600_000, AT)).toBe('11-23 23:05')
  })

  it('counts the clock of a case in hours and minutes, late or early', () => {
    expect(clockSpan(2520)).toBe('0:42')
    expect(clockSpan(-7680)).toBe('2:08')
    expect(clockSpan(94_000)).toBe('26:06')
  })

  it('says an age in its largest whole unit and never below zero', () => {
    expect([-4, 59, 60, 7200, 180_000].map(ageWords)).toEqual(['0 秒', '59 秒', '1 分钟', '2 小时', '2 天'])
  })
})

describe('freshness', () => {
  it('turns at twice and at six times the normal interval', () => {
    expect([119, 121, 361].map((age) => freshness(age, 60))).toEqual(['fresh', 'ageing', 'lost'])
    expect(freshness(130, 60, 15)).toBe('fresh')
  })

  it('takes the median gap as normal, so that one outage does not make silence normal', () => {
    expect(usualGap([0, 10, 20, 30, 900, 910], 5)).toBe(10)
    expect(usualGap([0, 10], 5)).toBe(5)
  })
})
