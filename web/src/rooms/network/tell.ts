/** How the network is told to people: rhythms, rates, and what a field of a frame becomes. */
import type { Quarantined } from '@/api/model'
import { t, tOr } from '@/kernel/words'
import { DEVICE_STATES, type Device, type DeviceIn, type DeviceState, type DeviceTemplate, type Gateway, type Read } from './model'

/** The protocols whose gateways listen on a port of their own. */
export const FIELD_PROTOCOLS: readonly string[] = ['hj212', 'sl651', 'jt808', 'gb26875']

const UNITS = [
  ['d', 86_400_000, 'age.days'],
  ['h', 3_600_000, 'age.hours'],
  ['min', 60_000, 'age.minutes'],
  ['s', 1000, 'age.seconds'],
] as const

/** A span exactly: `90 秒`, not `1 分钟`; a learned one, which is never round, to the second. */
export function spanWords(ms: number): string {
  const whole = Math.max(1000, Math.round(ms / 1000) * 1000)
  const [, size, key] = UNITS.find(([, each]) => whole % each === 0) ?? UNITS[3]
  return t(key, { n: whole / size })
}

/** A template's `5min` in words; as it is when it is no span. */
export function everyWords(text: string): string {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|min|h|d)$/.exec(text) ?? []
  const size = unit === 'ms' ? 1 : UNITS.find(([name]) => name === unit)?.[1]
  return size ? spanWords(Number(number) * size) : text
}

/** The same as the server reads it: `5min`; empty for none. */
export function spanText(ms: number): string {
  if (!ms) return ''
  const found = UNITS.find(([, size]) => ms % size === 0)
  return found ? `${ms / found[1]}${found[0]}` : `${ms}ms`
}

/** `60 秒`, `每 5 分钟(模板)`: what the state of a device is judged by. */
export function judgedBy(device: Device): string {
  if (device.every_by === 'unknown') return t('network.judged.unknown')
  return t(`network.judged.${device.every_by}`, { every: spanWords(device.every_ms) })
}

/** Below this a rate says more of the moment than of the gateway. */
const RATE_FROM_MS = 10_000

/** Frames a minute of the gateway's own clock between two tellings; null while they are too near to tell. */
export function frameRate(before: Gateway | undefined, now: Gateway): number | null {
  if (!before || before.instance !== now.instance) return null
  const span = Date.parse(now.at) - Date.parse(before.at)
  return span >= RATE_FROM_MS ? ((now.frames - before.frames) * 60_000) / span : null
}

/** The property that a field becomes by the device's template, with the reading it was named by. */
export function becomes(reads: Record<string, Read> | undefined, kind: string, name: string): string | null {
  const read = reads?.[`${kind}.${name}`] ?? reads?.[name]
  if (read === undefined) return null
  return typeof read === 'string' ? read : read.property
}

/** What has to be said to register a removed device again. Its key is not among it: nobody is told that. */
export function again(device: Device): DeviceIn {
  const { id, type, thing, template, address, settings, model, firmware } = device
  return { id, type, thing, template, address, settings, model, firmware, every: spanText(device.every) }
}

export interface Stranger {
  protocol: string
  address: string
  peer: string
  last: string
  count: number
}

/** Senders that no device has the address of, the newest first. */
export function strangersOf(kept: readonly Quarantined[], protocol?: string): Stranger[] {
  const found = new Map<string, Stranger>()
  for (const each of kept) {
    const raw = frameOf(each)
    if (!raw?.address || (protocol && raw.protocol !== protocol)) continue
    const key = `${raw.protocol} ${raw.address}`
    const there = found.get(key)
    if (there) there.count += 1
    else found.set(key, { protocol: raw.protocol, address: raw.address, peer: raw.peer, last: each.received, count: 1 })
  }
  return [...found.values()].sort((a, b) => b.last.localeCompare(a.last))
}

export interface KeptFrame {
  protocol: string
  address: string
  peer: string
  frame: string
  bytes: number
}

/** What was kept, when it was a frame of a field protocol. */
export function frameOf(kept: Quarantined): KeptFrame | null {
  const raw = kept.raw as Partial<KeptFrame> | null
  if (!raw || typeof raw !== 'object' || typeof raw.frame !== 'string') return null
  return { protocol: raw.protocol ?? '', address: raw.address ?? '', peer: raw.peer ?? '', frame: raw.frame, bytes: raw.bytes ?? 0 }
}

/** An id that may be registered, out of how the sender names itself. */
export function idFrom(address: string): string {
  return address.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 64)
}

export const ID = /^[A-Za-z0-9_-]{1,64}$/

/** Where a device has to connect. A gateway on the loop-back address hears only its own machine. */
export function wayIn(template: DeviceTemplate, gateways: readonly Gateway[]): { host: string; port: number | null; near: boolean; up: boolean } {
  const gateway = gateways.find((each) => each.gateway === template.gateway)
  const host = gateway?.host ?? ''
  const everywhere = ['', '0.0.0.0', '::'].includes(host)
  return {
    host: everywhere ? location.hostname : host,
    port: gateway?.port || template.port || null,
    near: ['127.0.0.1', '::1', 'localhost'].includes(host),
    up: gateway?.state === 'normal',
  }
}

/** Which stretches of which states make up a page, when states are listed worst first. */
export function stretches(counts: Record<string, number>, offset: number, limit: number): { state: DeviceState; offset: number; limit: number }[] {
  const parts = []
  let start = 0
  for (const state of DEVICE_STATES) {
    const size = counts[state] ?? 0
    const from = Math.max(offset, start)
    const to = Math.min(offset + limit, start + size)
    if (to > from) parts.push({ state, offset: from - start, limit: to - from })
    start += size
  }
  return parts
}

export function gatewayName(key: string): string {
  return tOr(`network.by.${key}`, key || '—')
}

export function reasonName(key: string): string {
  return tOr(`quarantine.reason.${key}`, key)
}

const SECRET = /\b(PW|NewPW|NewSK)=[^;,&]*/g

/** A frame as it came, but for the password that some protocols put into each one. */
export function unsaid(frame: string): string {
  return frame.replace(SECRET, '$1=••••••')
}

/** What of a frame's header is worth a line: no secret, and nothing that is the frame once more. */
export function headerOf(header: Record<string, unknown>): [string, string][] {
  return Object.entries(header)
    .filter(([name]) => !/^(PW|CP|key|password)$/i.test(name))
    .map(([name, value]): [string, string] => [name, valueText(value)])
    .filter(([, text]) => text.length <= 60)
}

/** Any value of a decoded field, as an engineer would write it. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '—'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** A parameter as typed: a number where it is one without doubt, never `0700` or a password of digits. */
export function parameter(text: string): string | number {
  return /^(0|-?[1-9]\d{0,4})(\.\d+)?$/.test(text) ? Number(text) : text
}
