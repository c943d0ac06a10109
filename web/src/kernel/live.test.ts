import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { fold, useLive, type Live } from './live'

class Line extends EventTarget {
  static opened: Line[] = []
  readyState = 1
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  closed = false
  constructor(readonly address: string) {
    super()
    Line.opened.push(this)
  }
  say(event: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }))
  }
  close(): void {
    this.closed = true
  }
}

const NOW = Date.parse('2026-11-23T09:32:00.000Z')
const CLOCK = { now: '2026-11-23T09:32:00.000Z', speed: 60, data_age_s: 3 }
let steady = 0
let scope = effectScope()
let live: Live

function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 500) {
    steady += Math.min(500, left)
    vi.advanceTimersByTime(Math.min(500, left))
  }
}

const line = (): Line => Line.opened.at(-1) as Line

beforeEach(() => {
  vi.useFakeTimers()
  Line.opened = []
  steady = 0
  scope = effectScope()
  live = scope.run(() =>
    useLive(['warnings', 'clock'], { open: (address) => new Line(address) as unknown as EventSource, steady: () => steady }),
  ) as Live
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

describe('the live line', () => {
  it('runs the district clock on at the speed of the server', () => {
    line().say('clock', CLOCK)
    pass(2000)
    expect(live.now.value).toBe(NOW + 120_000)
    expect(live.dataAge.value).toBe(3)
  })

  it('is lost after five silent seconds, and the clock stands still', () => {
    line().say('clock', CLOCK)
    pass(5000)
    const stood = live.now.value
    pass(3000)
    expect(live.state.value).toBe('lost')
    expect(live.silence.value).toBe(8)
    expect(live.now.value).toBe(stood)
  })

  it('opens a new line after twenty silent seconds and is well again with the first word', () => {
    line().say('clock', CLOCK)
    const before = line()
    pass(21_000)
    expect(before.closed).toBe(true)
    line().say('hello', CLOCK)
    expect(live.state.value).toBe('open')
  })

  it('opens a new line itself when the browser has given up', () => {
    line().readyState = 2
    line().onerror?.()
    pass(1000)
    expect(Line.opened).toHaveLength(2)
  })

  it('hands changes of a topic to its hearers', () => {
    const hear = vi.fn()
    live.on('warnings', hear)
    line().say('warnings', { kind: 'patch', items: [{ id: 'w1' }] })
    expect(hear).toHaveBeenCalledWith({ kind: 'patch', items: [{ id: 'w1' }] })
  })

  it('closes with its scope', () => {
    scope.stop()
    expect(line().closed).toBe(true)
  })
})

describe('folding', () => {
  const held = new Map([['a', { id: 'a', n: 1 }]])
  const idOf = (item: { id: string }): string => item.id

  it('overwrites by a patch and forgets by a snapshot', () => {
    const patched = fold(held, { kind: 'patch', items: [{ id: 'b', n: 2 }] }, idOf)
    expect([...patched.keys()]).toEqual(['a', 'b'])
    expect([...fold(patched, { kind: 'snapshot', items: [{ id: 'c', n: 3 }] }, idOf).keys()]).toEqual(['c'])
  })
})
