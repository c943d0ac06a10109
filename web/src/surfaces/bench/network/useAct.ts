/** Something done to the register: one at a time, its refusal shown where it was asked for. */
import { ref, shallowRef } from 'vue'
import { Refusal } from '@/api/client'

export function useAct() {
  const busy = ref(false)
  const failed = shallowRef<Refusal | null>(null)

  /** Return what `act` returns, or undefined when it was refused. */
  async function run<T>(act: () => Promise<T>): Promise<{ done: T } | undefined> {
    if (busy.value) return undefined
    busy.value = true
    try {
      const done = await act()
      failed.value = null
      return { done }
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault
      failed.value = fault
      return undefined
    } finally {
      busy.value = false
    }
  }

  return { busy, failed, run }
}
