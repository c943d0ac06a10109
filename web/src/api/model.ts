/** What the server says, in its own words (snake_case). Written by hand until it is generated from its OpenAPI. */
import type { Level } from '@/kernel/level'

export type Position = [lon: number, lat: number]
/** [RFC 3339 time or epoch ms, value] */
export type Sample = [string | number, number | null]

export interface Page<T> {
  items: T[]
  total: number
  /** How many there are of each kind, where the server tells it. */
  counts?: Record<string, number>
}

export interface Evidence {
  rule?: string
  version?: string
  floor?: number | null
  /** Floors of all levels, when the server tells them. */
  levels?: Partial<Record<Level, number>>
  unit?: string
  values?: Sample[]
  position?: number | null
  words?: string
  words_en?: string
}

export interface Warning {
  id: string
  rule: string
  pack?: string
  title: string
  title_en?: string
  level: Level
  peak_level?: Level
  state: 'open' | 'cleared'
  acknowledged_by?: string | null
  acknowledged_at?: string | null
  thing: string
  thing_name?: string
  thing_name_en?: string
  property?: string
  value?: number | null
  unit?: string
  place?: Position | null
  area?: string | null
  area_name?: string | null
  area_name_en?: string | null
  raised_at: string
  changed_at?: string | null
  cleared_at?: string | null
  data_time?: string | null
  case_id?: string | null
  says: string
  says_en?: string
  evidence?: Evidence
}

export const CASE_STATES = ['filed', 'accepted', 'dispatched', 'disposed', 'checked', 'closed', 'void'] as const
export type CaseState = (typeof CASE_STATES)[number]

export interface CaseStep {
  step: string
  at: string
  by: string
  note?: string | null
  hash?: string
}

export interface Case {
  id: string
  number: string
  type: string
  type_title?: string
  type_title_en?: string
  title: string
  title_en?: string
  state: CaseState
  level?: Level | null
  area?: string | null
  area_name?: string | null
  place?: Position | null
  unit?: string | null
  opened_at: string
  due_at?: string | null
  remaining_s?: number | null
  overdue: boolean
  warning_id?: string | null
  source?: string
  may: string[]
  /** For each step that is not open now, one sentence. */
  why_not?: Record<string, { zh: string; en: string }>
  steps?: CaseStep[]
}

export interface Vital {
  key: string
  title: string
  title_en?: string
  value: number | null
  unit?: string
  band?: [number | null, number | null] | null
  direction?: string
  time: string | null
  source?: string
  /** The normal interval between readings, in seconds. */
  every_s?: number | null
  series: Sample[]
}

export interface SevenString {
  key: string
  title: string
  title_en?: string
  minutes: number[]
  marks: { time: string; level: Level }[]
}

export interface LakeLevel {
  name: string
  name_en?: string
  value: number | null
  limit: number | null
  unit?: string
  time?: string | null
}

export interface WallNow {
  now: string
  speed: number
  demo: boolean
  district: string | { name?: string; name_en?: string; title?: string; title_en?: string }
  today: { received: number; closed: number; moving: number; overdue: number }
  hours: { hour: number; today: number | null; yesterday: number | null }[]
  /** `on_time`: how many of `count` are, or were, within their time. */
  by_type: { title: string; title_en?: string; count: number; on_time: number | null }[]
  levels: LakeLevel[]
  pumps?: { running: number; total: number; flow: number | null } | null
  vitals: Vital[]
  warnings: { open: number; by_level: Partial<Record<Level, number>>; worst: Warning[] }
  cases: Case[]
  strings: SevenString[]
  data_age_s: number | null
}

export interface Quarantined {
  id: string
  reason: string
  /** What was found wrong, in the server's words. */
  detail?: string
  source?: string
  received: string
  thing?: string
  property?: string
  /** The message as it came. */
  raw?: unknown
  state?: string
}

/** Told to the public: no operator, no device, no evidence. */
export interface PublicWarning {
  id: string
  level: Level
  title: string
  title_en?: string
  says: string
  says_en?: string
  place?: Position | null
  place_name?: string | null
  area?: string | null
  area_name?: string | null
  raised_at: string
  what_to_do: string
  what_to_do_en?: string
}

/** A row of the plan and the pack that makes it work. */
export interface PlanRow {
  row: string | number
  state: string
  pack: string
  title: string
  title_en?: string
  lead?: string
  lead_en?: string
  rules?: string[]
  indicators?: string[]
}
