/** Ask again and again while somebody looks: what the live line does not carry. */
import { onScopeDispose } from 'vue'

/**
 * Run `act` every `wait` ms (asked anew each time) while the page is seen; never two at once.
 * What is returned begins the wait anew, for when something was done that changes it.
 */
export function keepAsking(act: () => Promise<void> | void, wait: () => number): () => void {
  let over = false
  let timer: ReturnType<typeof setTimeout> | undefined

  async function turn(): Promise<void> {
    if (document.visibilityState === 'visible') await act()
    restart()
  }

  function restart(): void {
    clearTimeout(timer)
    if (!over) timer = setTimeout(() => void turn(), wait())
  }

  restart()
  onScopeDispose(() => {
    over = true
    clearTimeout(timer)
  })
  return restart
}
