/** The register of devices, filtered, page by page; worst first however many there are. */
import { computed } from 'vue'
import { get, list } from '@/api/client'
import type { Page } from '@/api/model'
import { place, turn } from '@/kernel/address'
import { keepAsking } from '@/kernel/poll'
import { useAnswer } from '@/kernel/query'
import type { Device, DeviceTemplate, Gateway } from '@/rooms/network/model'
import { stretches } from '@/rooms/network/tell'

export const PAGE = 20
/** As many as are put in order of age here; the server lists by state or by id. */
export const SORTED_MOST = 1000
const REFRESH_MS = 5000

export type Sort = 'state' | 'seen' | 'id'

export interface Question {
  filters: Record<string, string>
  state: string
  sort: Sort
  offset: number
}

/** One page of devices: of one state, or of all by id, or of all with those in trouble first. */
async function page({ filters, state, sort, offset }: Question, signal: AbortSignal): Promise<Page<Device>> {
  const ask = (more: Record<string, string | number>) => list<Device>('/devices', { ...filters, ...more }, signal)
  if (sort === 'seen') {
    const found = await ask({ state, limit: SORTED_MOST, offset: 0 })
    const silent = (one: Device): string => one.seen ?? ''
    found.items.sort((a, b) => silent(a).localeCompare(silent(b)) || a.id.localeCompare(b.id))
    return { ...found, items: found.items.slice(offset, offset + PAGE) }
  }
  const plain = await ask({ state, limit: PAGE, offset })
  const counts = plain.counts ?? {}
  if (sort === 'id' || state || counts.normal === plain.total) return plain
  const parts = await Promise.all(stretches(counts, offset, PAGE).map((part) => ask({ ...part })))
  return { items: parts.flatMap((part) => part.items), total: plain.total, counts }
}

export function useDevices() {
  const at = computed(() => Math.max(1, Number(place.value.query.page) || 1))
  const filters = computed(() => ({
    q: place.value.query.q ?? '',
    type: place.value.query.type ?? '',
    gateway: place.value.query.gateway ?? '',
  }))
  const state = computed(() => place.value.query.state ?? '')
  const sort = computed<Sort>(() => (['seen', 'id'].includes(place.value.query.sort ?? '') ? (place.value.query.sort as Sort) : 'state'))
  const answer = useAnswer<Question, Page<Device>>(
    () => ({ filters: filters.value, state: state.value, sort: sort.value, offset: (at.value - 1) * PAGE }),
    page,
  )
  keepAsking(answer.again, () => REFRESH_MS)
  return {
    ...answer,
    filters,
    state,
    sort,
    page: at,
    rows: computed(() => answer.data.value?.items ?? []),
    total: computed(() => answer.data.value?.total ?? 0),
    counts: computed(() => answer.data.value?.counts ?? {}),
    turnTo: (next: number) => turn({ page: next > 1 ? String(next) : '' }),
  }
}

export function useTemplates() {
  const { data, refusal, loading, again } = useAnswer(
    () => '/device-templates',
    (path, signal) => get<DeviceTemplate[]>(path, {}, signal),
  )
  return { templates: computed(() => data.value ?? []), refusal, loading, again }
}

export function useGateways() {
  const answer = useAnswer(
    () => '/gateways',
    (path, signal) => get<Gateway[]>(path, {}, signal),
  )
  keepAsking(answer.again, () => 2000)
  return answer
}
