/** HTTP to our own server. A refusal is a value with words for the reader, never a bare number. */
import { ref } from 'vue'
import { language } from '@/kernel/words'
import type { Page } from './model'

const ROOT = '/api/v1'
const USER_KEY = 'zhiyin.user'

/** What RFC 9457 carries, and whatever way out the server adds. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly code: string,
  ) {
    super(title)
  }
}

/** In whose name this browser asks and acts. */
export const who = ref(localStorage.getItem(USER_KEY) ?? 'user:duty')

/** Who may act until people and rights are kept by the house: whoever disposes may not check. */
export const ACTORS = ['user:duty', 'user:dispatcher', 'user:handler', 'user:inspector'] as const

export function become(name: string): void {
  localStorage.setItem(USER_KEY, name)
  who.value = name
}

export type Query = Record<string, string | number | boolean | null | undefined>

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, String(value))
  }
  const tail = search.toString()
  return `${ROOT}${path}${tail ? `?${tail}` : ''}`
}

async function refusalOf(response: Response): Promise<Refusal> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>
  const text = (key: string): string => (typeof body[key] === 'string' ? body[key] : '')
  const said = (key: string): string => (language.value === 'en' && text(`${key}_en`)) || text(key)
  return new Refusal(response.status, said('title') || response.statusText, said('detail'), text('code') || text('type'))
}

async function answer(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, { ...init, headers: { 'X-Zhiyin-User': who.value, ...init.headers } })
  } catch (fault) {
    if (fault instanceof DOMException && fault.name === 'AbortError') throw fault
    throw new Refusal(0, '', '', 'unreachable')
  }
  if (!response.ok) throw await refusalOf(response)
  return response
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const response = await answer(path, init)
  return (response.status === 204 ? undefined : await response.json()) as T
}

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return ask<T>(address(path, query), { signal: signal ?? null })
}

function send<T>(method: string, path: string, body: unknown): Promise<T> {
  return ask<T>(address(path), { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}

export const post = <T>(path: string, body: unknown): Promise<T> => send<T>('POST', path, body)
export const patch = <T>(path: string, body: unknown): Promise<T> => send<T>('PATCH', path, body)
export const remove = (path: string): Promise<void> => ask<void>(address(path), { method: 'DELETE' })

/** A file as it is; the server looks at its content, not at its name. */
export function upload<T>(path: string, file: Blob, query: Query = {}): Promise<T> {
  return ask<T>(address(path, query), { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: file })
}

/** `lost=3,late=0` as numbers by name. */
function countsOf(text: string | null): Record<string, number> | undefined {
  if (!text) return undefined
  return Object.fromEntries(text.split(',').map((part) => part.split('=')).map(([name = '', number = '0']) => [name, Number(number)]))
}

/**
 * A page of a list: the rows, with the total of all pages in `X-Total-Count` (or both wrapped as `items`, `total`);
 * how many there are of each kind in `X-State-Counts` (or `counts`).
 */
export async function list<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Page<T>> {
  const response = await answer(address(path, query), { signal: signal ?? null })
  const body = (await response.json()) as T[] | (Partial<Page<T>> & { items: T[] })
  const items = Array.isArray(body) ? body : body.items
  const said = Number(response.headers.get('X-Total-Count') ?? NaN)
  const total = Number.isFinite(said) ? said : Array.isArray(body) ? items.length : (body.total ?? items.length)
  return { items, total, counts: Array.isArray(body) ? countsOf(response.headers.get('X-State-Counts')) : body.counts }
}
