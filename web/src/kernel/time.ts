/** Times as people in the district read them. Inside: milliseconds since 1970 in UTC. */
import { language, t } from './words'

const ZONE = 'Asia/Shanghai'

const parts = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

const dayZh = new Intl.DateTimeFormat('zh-CN', { timeZone: ZONE, month: 'long', day: 'numeric', weekday: 'short' })
const dayEn = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, month: 'short', day: 'numeric', weekday: 'short' })

function fields(ms: number): Record<string, string> {
  return Object.fromEntries(parts.formatToParts(ms).map((part) => [part.type, part.value]))
}

/** `17:32` in district time. */
export function hourMinute(ms: number): string {
  const f = fields(ms)
  return `${f.hour}:${f.minute}`
}

/** `2026-11-23 17:32` in district time. */
export function stamp(ms: number): string {
  const f = fields(ms)
  return `${f.year}-${f.month}-${f.day} ${f.hour}:${f.minute}`
}

/** `11-23 17:32:05` in district time: for what happens several times a minute. */
export function stampSeconds(ms: number): string {
  const f = fields(ms)
  return `${f.month}-${f.day} ${f.hour}:${f.minute}:${f.second}`
}

/** `17:32` today, else `11-23 17:32`: the shortest that cannot be misread. */
export function briefly(ms: number, now: number): string {
  const whole = stamp(ms)
  return whole.slice(0, 10) === stamp(now).slice(0, 10) ? whole.slice(11) : whole.slice(5)
}

/** `11月23日 周一` or `Mon 23 Nov`. */
export function dayName(ms: number): string {
  return language.value === 'en' ? dayEn.format(ms).replace(',', '') : dayZh.format(ms).replace(/(日)(?=周)/, '$1 ')
}

/** Milliseconds since the district's midnight. */
export function sinceMidnight(ms: number): number {
  const f = fields(ms)
  return ((Number(f.hour) * 60 + Number(f.minute)) * 60 + Number(f.second)) * 1000 + (((ms % 1000) + 1000) % 1000)
}

/** A clock of a case: `0:42`, `26:05` (hours:minutes), never negative. */
export function clockSpan(seconds: number): string {
  const minutes = Math.floor(Math.abs(seconds) / 60)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

/** An age in words: `3 秒`, `12 分钟`, `5 小时`, `2 天`. */
export function ageWords(seconds: number): string {
  const n = Math.max(0, seconds)
  if (n < 60) return t('age.seconds', { n: Math.floor(n) })
  if (n < 3600) return t('age.minutes', { n: Math.floor(n / 60) })
  if (n < 86400) return t('age.hours', { n: Math.floor(n / 3600) })
  return t('age.days', { n: Math.floor(n / 86400) })
}

export type Freshness = 'fresh' | 'ageing' | 'lost'

/**
 * How far a value may be trusted by its age alone: ageing beyond twice its normal interval,
 * lost beyond six times. All in milliseconds; `slack` is what the transport itself may add.
 */
export function freshness(age: number, interval: number, slack = 0): Freshness {
  if (age > 6 * interval + slack) return 'lost'
  return age > 2 * interval + slack ? 'ageing' : 'fresh'
}

/** The usual gap between readings: the median, or `otherwise` when there are too few to tell. */
export function usualGap(times: readonly number[], otherwise: number): number {
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? time)).filter((gap) => gap > 0)
  if (gaps.length < 3) return otherwise
  gaps.sort((a, b) => a - b)
  return gaps[gaps.length >> 1] ?? otherwise
}
