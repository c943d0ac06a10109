/** What the network room says, in its own words (snake_case). */

/** Worst first: the order in which people have to look. */
export const DEVICE_STATES = ['lost', 'late', 'never_seen', 'under_repair', 'normal'] as const
export type DeviceState = (typeof DEVICE_STATES)[number]

export interface Latest {
  value: number | boolean | null
  time: string
  unit?: string
}

export interface Gateway {
  gateway: string
  title: string
  title_en?: string
  instance: string
  host: string
  port: number
  at: string
  connections: number
  devices: number
  heard: number
  /** Since it was started. */
  frames: number
  bad: number
  last: string | null
  /** Frames read and not yet kept. */
  waiting: number
  state: 'normal' | 'lost' | 'shut'
}

export interface Device {
  id: string
  type: string
  thing: string
  template: string
  template_title?: string
  template_title_en?: string
  gateway: string
  address: string
  /** Whether it has a key; the key itself is never told. */
  key: boolean
  certificate: string
  settings: Record<string, unknown>
  /** As set on the device, ms; 0 is as the template says. */
  every: number
  repair: boolean
  model: string
  firmware: string
  source?: string
  created_at?: number
  state: DeviceState
  seen: string | null
  /** What it is judged by, ms. */
  every_ms: number
  every_by: 'set' | 'template' | 'learned' | 'unknown'
  learned_ms: number
  frames: number
  bad: number
  peer: string
  connected: boolean
  battery: Latest | null
  signal: Latest | null
}

export interface Calibration {
  id: string
  at: string
  by: string
  result: string
  certificate: string
  due: string | null
  note: string
}

export interface WholeDevice extends Device {
  latest: Record<string, Latest>
  calibrations: Calibration[]
  /** The commands of its protocol and their parameters. */
  orders: Record<string, string[]>
  orders_on: boolean
}

export interface FrameField {
  name: string
  value: unknown
  unit?: string
  title?: string
  part?: string
}

export interface Frame {
  at: string
  frame: string
  /** Empty when it was good. */
  reason: string
  detail: string
  decoded: { protocol: string; address: string; kind: string; header: Record<string, unknown>; fields: FrameField[] } | null
}

export type Read = string | { property: string; unit?: string; scale?: number }

export interface DeviceTemplate {
  template: string
  type: string
  gateway: string
  every: string
  title: string
  title_en?: string
  properties: string[]
  reads: Record<string, Read>
  settings: Record<string, unknown>
  port: number | null
}

export interface DeviceIn {
  id: string
  type?: string
  template?: string
  thing?: string
  address?: string
  key?: string
  settings?: Record<string, unknown>
  every?: string
  model?: string
  firmware?: string
}

export const ORDER_STATES = ['asked', 'sent', 'running', 'done', 'failed', 'refused', 'timed_out'] as const
export const ORDER_OPEN: readonly string[] = ['asked', 'sent', 'running']

export interface Order {
  id: string
  verb: string
  parameters: Record<string, unknown>
  state: (typeof ORDER_STATES)[number]
  by: string
  asked_at: string
  deadline: string
  sent_at: string | null
  answered_at: string | null
  detail: string
  answer: Record<string, unknown>
}

export interface ImportTold {
  added: number
  known: number
  refused: { line: number; id: string; problem: { zh: string; en: string; code: string } }[]
  dry: boolean
  unknown_columns: string[]
}
