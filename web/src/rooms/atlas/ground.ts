/** The district's own base map, fetched once per page. A part that fails is empty and asked for again later. */
import type { FeatureCollection } from 'geojson'
import { get } from '@/api/client'

export const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }

const PARTS = {
  water: ['/map/water', {}],
  roads: ['/map/roads', {}],
  labels: ['/map/labels', {}],
  district: ['/areas', { kind: 'district' }],
  streets: ['/areas', { kind: 'street' }],
  communities: ['/areas', { kind: 'community' }],
} as const satisfies Record<string, readonly [string, Record<string, string>]>

export type GroundPart = keyof typeof PARTS
export type Ground = Record<GroundPart, FeatureCollection>

/** Returns the ground and whether every part of it came. */
export async function fetchGround(): Promise<{ ground: Ground; whole: boolean }> {
  const names = Object.keys(PARTS) as GroundPart[]
  const answers = await Promise.allSettled(names.map((name) => get<FeatureCollection>(PARTS[name][0], PARTS[name][1])))
  const ground = Object.fromEntries(
    names.map((name, i) => {
      const answer = answers[i]
      return [name, answer?.status === 'fulfilled' ? answer.value : NOTHING]
    }),
  ) as Ground
  return { ground, whole: answers.every((answer) => answer.status === 'fulfilled') }
}
