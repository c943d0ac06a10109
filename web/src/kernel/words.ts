/** The two languages of the house. zh-CN is the source; en has the same keys or does not compile. */
import { computed, ref } from 'vue'
import { zh } from '@/words/zh-CN'
import { en } from '@/words/en'

export type WordKey = keyof typeof zh
export type Language = 'zh-CN' | 'en'

const STORED = 'zhiyin.language'
const BOOKS: Record<Language, Record<WordKey, string>> = { 'zh-CN': zh, en }

function asLanguage(text: string | null): Language | null {
  if (text === null) return null
  return text.toLowerCase().startsWith('en') ? 'en' : text.toLowerCase().startsWith('zh') ? 'zh-CN' : null
}

function firstLanguage(): Language {
  const asked = asLanguage(new URLSearchParams(location.search).get('lang'))
  if (asked) localStorage.setItem(STORED, asked)
  return asked ?? asLanguage(localStorage.getItem(STORED)) ?? 'zh-CN'
}

const current = ref<Language>(firstLanguage())
document.documentElement.lang = current.value

export const language = computed(() => current.value)

/** Switch, remember, and keep an address with `?lang=` honest. */
export function speak(next: Language): void {
  current.value = next
  localStorage.setItem(STORED, next)
  document.documentElement.lang = next
  const address = new URL(location.href)
  if (address.searchParams.has('lang')) {
    address.searchParams.set('lang', next)
    history.replaceState(null, '', address)
  }
}

/**
 * The word for `key`. `{name}` is filled from `fills`; a text with `|` has two forms,
 * the first when `fills.n` is exactly 1.
 */
export function t(key: WordKey, fills: Record<string, string | number> = {}): string {
  const [one = '', other = one] = BOOKS[current.value][key].split('|')
  const form = fills.n === 1 ? one : other
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => String(fills[name] ?? whole))
}

/** The word for a key made at run time (a state, a reason), or the key's own tail if the book has none. */
export function tOr(key: string, otherwise: string): string {
  return key in zh ? t(key as WordKey) : otherwise
}

/** A text that the server sends in both languages: `title` and `title_en`. */
export function said<K extends string>(
  thing: { [P in K | `${K}_en`]?: string | null },
  key: K,
): string {
  const english = thing[`${key}_en`]
  return (current.value === 'en' && english ? english : thing[key]) ?? ''
}
