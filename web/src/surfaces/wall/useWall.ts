/** The wall's one store: GET /wall at the start, patches from the live stream, and a full look every ten seconds. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { get, list } from '@/api/client'
import type { Case, Vital, WallNow, Warning } from '@/api/model'
import { worstFirst } from '@/kernel/level'
import { fold, useLive, type Change } from '@/kernel/live'

const LOOK_EVERY_MS = 10_000
const LOOK_SOON_MS = 400
const WORST = 5

/** What a server that has only begun may leave out. */
const NOTHING: Pick<WallNow, 'today' | 'hours' | 'by_type' | 'levels' | 'vitals' | 'warnings' | 'cases' | 'strings'> = {
  today: { received: 0, closed: 0, moving: 0, overdue: 0 },
  hours: [],
  by_type: [],
  levels: [],
  vitals: [],
  warnings: { open: 0, by_level: {}, worst: [] },
  cases: [],
  strings: [],
}

export function useWall() {
  const live = useLive(['warnings', 'cases', 'vitals', 'clock'])
  const wall = shallowRef<WallNow | null>(null)
  const open = shallowRef<ReadonlyMap<string, Warning>>(new Map())
  const refused = ref(false)
  let soon: ReturnType<typeof setTimeout> | undefined
  let asked = 0

  async function look(): Promise<void> {
    const turn = ++asked
    try {
      const [now, warnings] = await Promise.all([
        get<WallNow>('/wall'),
        list<Warning>('/warnings', { open: true, limit: 200 }).catch(() => null),
      ])
      if (turn !== asked) return // a later question has its answer already under way
      wall.value = { ...NOTHING, ...now }
      open.value = new Map((warnings?.items ?? now.warnings.worst).map((warning) => [warning.id, warning]))
      refused.value = false
    } catch {
      refused.value = true
    }
  }

  function lookSoon(): void {
    clearTimeout(soon)
    soon = setTimeout(look, LOOK_SOON_MS)
  }

  live.on<Warning>('warnings', (change) => {
    const merged = fold(new Map(open.value), { ...change, kind: 'patch' }, (warning) => warning.id)
    for (const [id, warning] of merged) if (warning.state !== 'open') merged.delete(id)
    open.value = merged
    lookSoon()
  })
  live.on<Case>('cases', lookSoon)
  live.on<Vital>('vitals', (change: Change<Vital>) => {
    if (!wall.value) return
    const fresh = new Map(change.items.map((vital) => [vital.key, vital]))
    // A patch may carry the value alone; what it leaves out stays.
    const vitals = wall.value.vitals.map((vital) => ({ ...vital, ...fresh.get(vital.key) }))
    wall.value = { ...wall.value, vitals }
  })

  const every = setInterval(look, LOOK_EVERY_MS)
  onScopeDispose(() => {
    clearInterval(every)
    clearTimeout(soon)
  })
  void look()

  const warnings = computed(() => [...open.value.values()].sort(worstFirst))
  const dataAge = computed(() => live.dataAge.value ?? wall.value?.data_age_s ?? null)
  return { live, wall, warnings, worst: computed(() => warnings.value.slice(0, WORST)), dataAge, refused }
}
