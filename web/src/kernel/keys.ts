/** Single keys, which can be switched off (WCAG 2.1.4) and never fire while somebody types. */
import { onScopeDispose, ref } from 'vue'

const STORED = 'zhiyin.keys'
export const keysOn = ref(localStorage.getItem(STORED) !== 'off')

export function switchKeys(on: boolean): void {
  keysOn.value = on
  localStorage.setItem(STORED, on ? 'on' : 'off')
}

const AFTER_G_MS = 900
let afterG = 0

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'SELECT', 'TEXTAREA'].includes(target.tagName))
}

/** Bind keys while the scope lives. `g w` is written as such; `Escape` works everywhere, also while typing. */
export function useKeys(bindings: Record<string, (event: KeyboardEvent) => void>): void {
  function hear(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key !== 'Escape' && (typing(event.target) || !keysOn.value)) return
    const led = event.timeStamp - afterG < AFTER_G_MS
    const act = (led && bindings[`g ${event.key}`]) || bindings[event.key]
    // Several parts may listen: each sees the same lead, which ends by itself.
    if (act) {
      event.preventDefault()
      act(event)
    }
    if (event.key === 'g') afterG = event.timeStamp
  }
  addEventListener('keydown', hear)
  onScopeDispose(() => removeEventListener('keydown', hear))
}
