/** A question to the server whose answer may be late, refused or overtaken by a newer question. */
import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { Refusal } from '@/api/client'

export interface Answer<T> {
  data: Readonly<Ref<T | null>>
  /** Only the first time or after a change of the question: a refresh keeps the old answer on screen. */
  loading: Readonly<Ref<boolean>>
  refusal: Readonly<Ref<Refusal | null>>
  again: () => Promise<void>
}

/** Ask whenever `question` changes; `null` asks nothing. */
export function useAnswer<Q, T>(question: () => Q | null, ask: (question: Q, signal: AbortSignal) => Promise<T>): Answer<T> {
  const data = shallowRef<T | null>(null)
  const loading = ref(false)
  const refusal = shallowRef<Refusal | null>(null)
  let under: AbortController | null = null

  async function run(fresh: boolean): Promise<void> {
    under?.abort()
    const wanted = question()
    if (wanted === null) {
      data.value = null
      refusal.value = null
      loading.value = false
      return
    }
    const mine = (under = new AbortController())
    if (fresh) loading.value = true
    try {
      const answer = await ask(wanted, mine.signal)
      if (mine.signal.aborted) return
      data.value = answer
      refusal.value = null
    } catch (fault) {
      if (mine.signal.aborted) return
      refusal.value = fault instanceof Refusal ? fault : new Refusal(0, String(fault), '', '')
      if (fresh) data.value = null
    } finally {
      if (under === mine) loading.value = false
    }
  }

  watch(() => JSON.stringify(question()), () => void run(true), { immediate: true })
  onScopeDispose(() => under?.abort())
  return { data, loading, refusal, again: () => run(data.value === null) }
}
