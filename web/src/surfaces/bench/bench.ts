/** What all screens of the bench share: the live line, the shift's clock, a word to the reader. */
import { inject, provide, ref, type InjectionKey, type Ref } from 'vue'
import { useLive, type Live } from '@/kernel/live'

export interface Bench {
  live: Live
  /** Told politely, for a few seconds, and to screen readers. */
  notice: Readonly<Ref<string>>
  tell: (text: string) => void
}

const KEY: InjectionKey<Bench> = Symbol('bench')
const NOTICE_MS = 6000

export function provideBench(): Bench {
  const live = useLive(['warnings', 'cases', 'vitals', 'clock'])
  const notice = ref('')
  let timer: ReturnType<typeof setTimeout> | undefined
  const bench: Bench = {
    live,
    notice,
    tell: (text) => {
      clearTimeout(timer)
      notice.value = text
      timer = setTimeout(() => (notice.value = ''), NOTICE_MS)
    },
  }
  provide(KEY, bench)
  return bench
}

export function useBench(): Bench {
  const bench = inject(KEY)
  if (!bench) throw new Error('useBench: no bench was provided above this part')
  return bench
}

/** Run once after the last of a burst of changes. */
export function debounced(act: () => void, wait = 400): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(act, wait)
  }
}
