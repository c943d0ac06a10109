/** Light or dark: what was chosen, else what the system wishes. */
import { ref } from 'vue'

export type Theme = 'light' | 'dark'
const STORED = 'zhiyin.theme'

function first(): Theme {
  const asked = new URLSearchParams(location.search).get('theme') ?? localStorage.getItem(STORED)
  if (asked === 'dark' || asked === 'light') return asked
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

export const theme = ref<Theme>(first())
document.documentElement.dataset.theme = theme.value

export function wear(next: Theme): void {
  theme.value = next
  localStorage.setItem(STORED, next)
  document.documentElement.dataset.theme = next
}
