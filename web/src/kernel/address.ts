/** The address is the state: `#/warnings?level=red&id=…`. A screen can be sent to a colleague as a link. */
import { computed, ref } from 'vue'

export interface Place {
  screen: string
  query: Record<string, string>
}

export function readPlace(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  return { screen: path, query: Object.fromEntries(new URLSearchParams(search)) }
}

export function writePlace({ screen, query }: Place): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
  return `#/${screen}${search ? `?${search}` : ''}`
}

const hash = ref(location.hash)
addEventListener('hashchange', () => (hash.value = location.hash))

export const place = computed(() => readPlace(hash.value))

/** Go to a screen; the old address stays in the history. */
export function go(screen: string, query: Record<string, string> = {}): void {
  location.hash = writePlace({ screen, query })
}

/** Change parts of the query in place; an empty text removes one. */
export function turn(changes: Record<string, string>): void {
  const { screen, query } = place.value
  history.replaceState(null, '', writePlace({ screen, query: { ...query, ...changes } }))
  hash.value = location.hash
}
