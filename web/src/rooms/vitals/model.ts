/** What a vital sign says about itself: its value, whether it is in its band, and whether it may be believed. */
import type { Vital } from '@/api/model'
import { freshness, usualGap, type Freshness } from '@/kernel/time'
import { dots } from '@/kernel/series'

const TEN_MINUTES = 600_000

export interface VitalState {
  age: number | null
  state: Freshness
  out: boolean
}

/** `now` in ms; `slack` is the age that the transport itself may add (ms). */
export function stateOf(vital: Vital, now: number, slack = 0): VitalState {
  const time = vital.time ? Date.parse(vital.time) : NaN
  const age = Number.isNaN(time) ? null : Math.max(0, now - time)
  const gap = vital.every_s ? vital.every_s * 1000 : usualGap(dots(vital.series).map((dot) => dot.time), TEN_MINUTES)
  const state = age === null || vital.value === null ? 'lost' : freshness(age, gap, slack)
  const [low, high] = vital.band ?? [null, null]
  const out = vital.value !== null && ((low !== null && vital.value < low) || (high !== null && vital.value > high))
  return { age, state, out }
}
