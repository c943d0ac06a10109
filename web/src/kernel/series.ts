/** Lines for the eye: from samples to the path of an SVG. */
import type { Sample } from '@/api/model'

export interface Dot {
  time: number
  value: number | null
}

export function dots(samples: readonly Sample[]): Dot[] {
  return samples.map(([time, value]) => ({ time: typeof time === 'number' ? time : Date.parse(time), value }))
}

export interface Frame {
  from: number
  to: number
  low: number
  high: number
  width: number
  height: number
}

export function across(frame: Frame, time: number): number {
  return frame.to === frame.from ? 0 : ((time - frame.from) / (frame.to - frame.from)) * frame.width
}

export function up(frame: Frame, value: number): number {
  return frame.high === frame.low ? frame.height / 2 : frame.height * (1 - (value - frame.low) / (frame.high - frame.low))
}

/** A path that is broken where a value is missing or the gap is longer than `longest` ms: no line through silence. */
export function linePath(line: readonly Dot[], frame: Frame, longest = Infinity): string {
  let path = ''
  let last: number | null = null
  for (const { time, value } of line) {
    if (value === null) {
      last = null
      continue
    }
    const joined = last !== null && time - last <= longest
    path += `${joined ? 'L' : 'M'}${across(frame, time).toFixed(1)} ${up(frame, value).toFixed(1)}`
    last = time
  }
  return path
}

/** Least and greatest of values and extra marks, widened by a share of the span so that no line lies on the edge. */
export function spanOf(values: readonly (number | null | undefined)[], margin = 0.08): { low: number; high: number } {
  const known = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  if (known.length === 0) return { low: 0, high: 1 }
  const low = Math.min(...known)
  const high = Math.max(...known)
  const pad = (high - low || Math.abs(high) || 1) * margin
  return { low: low - pad, high: high + pad }
}
