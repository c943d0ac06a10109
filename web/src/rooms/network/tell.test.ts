import { describe, expect, it } from 'vitest'
import type { Quarantined } from '@/api/model'
import type { Device, DeviceTemplate, Gateway } from './model'
import { again, becomes, frameRate, headerOf, idFrom, parameter, spanText, stretches, strangersOf, unsaid, wayIn } from './tell'

const gateway = (more: Partial<Gateway>): Gateway => ({
  gateway: 'hj212', title: 'HJ 212', instance: 'a', host: '127.0.0.1', port: 9212, at: '2026-07-01T00:00:00.000Z',
  connections: 1, devices: 1, heard: 1, frames: 100, bad: 0, last: null, waiting: 0, state: 'normal', ...more,
})
const template = { gateway: 'hj212', port: 9000 } as DeviceTemplate

describe('a page of devices, worst first', () => {
  const counts = { lost: 3, late: 0, never_seen: 30, under_repair: 1, normal: 100 }
  it('goes over from one state to the next', () => {
    expect(stretches(counts, 0, 20)).toEqual([
      { state: 'lost', offset: 0, limit: 3 },
      { state: 'never_seen', offset: 0, limit: 17 },
    ])
    expect(stretches(counts, 20, 20)).toEqual([
      { state: 'never_seen', offset: 17, limit: 13 },
      { state: 'under_repair', offset: 0, limit: 1 },
      { state: 'normal', offset: 0, limit: 6 },
    ])
  })
  it('ends where the devices end', () => {
    expect(stretches(counts, 120, 20)).toEqual([{ state: 'normal', offset: 86, limit: 14 }])
    expect(stretches({}, 0, 20)).toEqual([])
  })
})

it('counts frames by the gateway’s own clock, and not across a restart', () => {
  const now = gateway({ at: '2026-07-01T00:00:30.000Z', frames: 160 })
  expect(frameRate(gateway({ at: '2026-07-01T00:00:28.000Z' }), now)).toBeNull()
  expect(frameRate(gateway({}), now)).toBe(120)
  expect(frameRate(gateway({ instance: 'b' }), now)).toBeNull()
  expect(frameRate(undefined, now)).toBeNull()
})

it('finds what a field becomes, first by the report that brings it', () => {
  const reads = { 'a34004-Rtd': 'pm25', '2061.a34004-Avg': { property: 'pm25_1h', unit: 'mg/m³' } }
  expect(becomes(reads, '2011', 'a34004-Rtd')).toBe('pm25')
  expect(becomes(reads, '2061', 'a34004-Avg')).toBe('pm25_1h')
  expect(becomes(reads, '2051', 'a34004-Avg')).toBeNull()
})

it('tells strangers by protocol and address, each once', () => {
  const kept = (address: string, received: string): Quarantined => ({
    id: received, reason: 'unknown_device', received, raw: { protocol: 'hj212', address, peer: '10.0.0.7:1', frame: '##', bytes: 2 },
  })
  const found = strangersOf([kept('B7', '2026-07-01T00:00:01Z'), kept('A1', '2026-07-01T00:00:09Z'), kept('B7', '2026-07-01T00:00:05Z')])
  expect(found.map(({ address, count }) => [address, count])).toEqual([['A1', 1], ['B7', 2]])
  expect(strangersOf([kept('B7', '2026-07-01T00:00:01Z')], 'jt808')).toEqual([])
  expect(strangersOf([{ id: '1', reason: 'unknown_device', received: '', thing: 'x', raw: { thing: 'x', value: 1 } }])).toEqual([])
})

it('says where to connect, and whether that is heard from afar', () => {
  expect(wayIn(template, [gateway({})])).toMatchObject({ host: '127.0.0.1', port: 9212, near: true, up: true })
  expect(wayIn(template, [gateway({ host: '0.0.0.0' })])).toMatchObject({ host: location.hostname, near: false })
  expect(wayIn(template, [])).toMatchObject({ port: 9000, up: false })
})

it('registers a removed device as it was', () => {
  const device = { id: 'd', type: 't', thing: 'x', template: 'k', address: 'A', key: true, settings: { a: 1 }, every: 90_000, model: 'm', firmware: 'f' } as unknown as Device
  expect(again(device)).toEqual({ id: 'd', type: 't', thing: 'x', template: 'k', address: 'A', settings: { a: 1 }, every: '90s', model: 'm', firmware: 'f' })
})

it('does not say the password that is in every frame', () => {
  expect(unsaid('##0087QN=1;PW=123456;MN=A1;CP=&&NewPW=654321&&60C0')).toBe('##0087QN=1;PW=••••••;MN=A1;CP=&&NewPW=••••••&&60C0')
  expect(headerOf({ CN: '2011', PW: '123456', CP: 'a=1' })).toEqual([['CN', '2011']])
})

it('writes spans and parameters as the server reads them', () => {
  expect([0, 1500, 90_000, 300_000, 3_600_000, 86_400_000].map(spanText)).toEqual(['', '1500ms', '90s', '5min', '1h', '1d'])
  expect(['30', '-2.5', '0', '0700', '123456', '20260701080000', 'w01018'].map(parameter)).toEqual([30, -2.5, 0, '0700', '123456', '20260701080000', 'w01018'])
  expect(idFrom('4201/05 中')).toBe('4201-05-')
})
