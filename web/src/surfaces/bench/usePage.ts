/** A filtered, paged list whose question is the address. */
import { computed, shallowRef } from 'vue'
import { list, get } from '@/api/client'
import type { FeatureCollection } from 'geojson'
import { place, turn } from '@/kernel/address'
import { useAnswer } from '@/kernel/query'

export const PAGE = 20

export function usePage<T>(path: string, extra: () => Record<string, string>) {
  const page = computed(() => Math.max(1, Number(place.value.query.page) || 1))
  const question = (): Record<string, string> => ({
    ...extra(),
    q: place.value.query.q ?? '',
    limit: String(PAGE),
    offset: String((page.value - 1) * PAGE),
  })
  const answer = useAnswer(question, (query, signal) => list<T>(path, query, signal))
  return {
    ...answer,
    page,
    rows: computed(() => answer.data.value?.items ?? []),
    total: computed(() => answer.data.value?.total ?? 0),
    turnTo: (next: number) => turn({ page: next > 1 ? String(next) : '' }),
  }
}

export interface AreaName {
  value: string
  title: string
}

const areas = shallowRef<{ id: string; name: string; name_en?: string }[] | null>(null)

/** The district's streets, asked for once. */
export function useAreas() {
  if (areas.value === null) {
    areas.value = []
    void get<FeatureCollection>('/areas', { kind: 'street' })
      .then(({ features }) => {
        areas.value = features.map(({ id, properties }) => ({
          id: String(properties?.id ?? properties?.code ?? id ?? properties?.name),
          name: String(properties?.name ?? ''),
          name_en: properties?.name_en as string | undefined,
        }))
      })
      .catch(() => (areas.value = null))
  }
  return areas
}
