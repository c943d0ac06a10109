/**
 * One stream of changes per page (server-sent events), which reconnects by itself and knows its age.
 *
 * The browser's EventSource already retries a broken connection, but gives up after an HTTP error and never
 * notices a line that is open and silent. Both are handled here: the server's clock ticks every second, so
 * silence itself is a message.
 */
import { computed, onScopeDispose, ref, shallowRef, type Ref } from 'vue'

export type LineState = 'connecting' | 'open' | 'lost'

export interface Change<T> {
  kind: 'snapshot' | 'patch'
  items: T[]
}

export interface Clock {
  now: string
  speed: number
  data_age_s?: number | null
  gateways?: unknown
}

export interface Live {
  /** `lost` after five silent seconds. */
  state: Readonly<Ref<LineState>>
  /** District time now, in ms; runs on between ticks at the server's speed, and stands still when the line is lost. */
  now: Readonly<Ref<number>>
  speed: Readonly<Ref<number>>
  /** Age in seconds of the newest reading, as last said by the server. */
  dataAge: Readonly<Ref<number | null>>
  /** Seconds since the server last said anything. */
  silence: Readonly<Ref<number>>
  /** Hear the changes of one topic. */
  on<T>(topic: string, hear: (change: Change<T>) => void): void
  close(): void
}

export const SILENT_AFTER_S = 5
const REOPEN_AFTER_S = 20
const LONGEST_WAIT_S = 15

export interface LiveParts {
  open: (address: string) => EventSource
  /** A steady clock in ms. */
  steady: () => number
}

const BROWSER: LiveParts = {
  open: (address) => new EventSource(address),
  steady: () => performance.now(),
}

export function useLive(topics: readonly string[], parts: LiveParts = BROWSER): Live {
  const state = ref<LineState>('connecting')
  const speed = ref(1)
  const dataAge = ref<number | null>(null)
  const now = ref(Date.now())
  const heard = shallowRef(parts.steady())
  const steadyNow = ref(heard.value)
  const hearers = new Map<string, Set<(change: Change<never>) => void>>()
  let said = now.value
  let source: EventSource | null = null
  let failures = 0
  let retry: ReturnType<typeof setTimeout> | undefined

  function listen(): void {
    heard.value = parts.steady()
    state.value = 'open'
    failures = 0
  }

  function setClock(clock: Clock): void {
    said = Date.parse(clock.now)
    now.value = said
    speed.value = clock.speed
    if (clock.data_age_s !== undefined) dataAge.value = clock.data_age_s
  }

  function connect(): void {
    clearTimeout(retry)
    source?.close()
    source = parts.open(`/api/v1/live?topics=${topics.join(',')}`)
    source.onopen = listen
    source.onerror = () => {
      state.value = 'lost'
      if (source?.readyState !== 2) return // 2: the browser gave up; any other state retries by itself
      failures += 1
      retry = setTimeout(connect, 1000 * Math.min(2 ** (failures - 1), LONGEST_WAIT_S))
    }
    for (const name of ['hello', 'clock']) {
      source.addEventListener(name, (event) => {
        listen()
        setClock(JSON.parse((event as MessageEvent<string>).data) as Clock)
      })
    }
    for (const topic of topics) {
      if (topic === 'clock') continue
      source.addEventListener(topic, (event) => {
        listen()
        const change = JSON.parse((event as MessageEvent<string>).data) as Change<never>
        for (const hear of hearers.get(topic) ?? []) hear(change)
      })
    }
  }

  function beat(): void {
    steadyNow.value = parts.steady()
    const silent = (steadyNow.value - heard.value) / 1000
    if (silent > SILENT_AFTER_S) state.value = 'lost'
    else if (state.value === 'open') now.value = said + (steadyNow.value - heard.value) * speed.value
    if (silent > REOPEN_AFTER_S && source && source.readyState !== 2) {
      heard.value = steadyNow.value - SILENT_AFTER_S * 1000 - 1
      connect()
    }
  }

  const beating = setInterval(beat, 500)
  connect()

  function close(): void {
    clearInterval(beating)
    clearTimeout(retry)
    source?.close()
  }
  onScopeDispose(close, true)

  return {
    state,
    now,
    speed,
    dataAge,
    silence: computed(() => Math.max(0, Math.floor((steadyNow.value - heard.value) / 1000))),
    on: (topic, hear) => {
      const set = hearers.get(topic) ?? new Set()
      set.add(hear as never)
      hearers.set(topic, set)
    },
    close,
  }
}

/** Fold a change into a list held by id: a snapshot replaces, a patch overwrites. */
export function fold<T>(held: Map<string, T>, change: Change<T>, idOf: (item: T) => string): Map<string, T> {
  const next = change.kind === 'snapshot' ? new Map<string, T>() : new Map(held)
  for (const item of change.items) next.set(idOf(item), item)
  return next
}
