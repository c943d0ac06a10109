/** Our own map style: ink at night on the wall, paper by day on the bench. No outside host of any kind. */
import ranges from '@fontsource-variable/noto-sans-sc/unicode.json'
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl'
import { labelPoints } from './geometry'
import type { Ground } from './ground'

export interface MapInk {
  outer: string
  land: string
  /** Washes over the streets, so that each is told from its neighbour. */
  wash: readonly [string, string, string]
  water: string
  shore: string
  road: string
  minor: string
  community: string
  street: string
  district: string
  glow: number
  text: string
  text2: string
  waterText: string
  halo: string
}

export const NIGHT: MapInk = {
  outer: '#0B1518',
  land: '#12242A',
  wash: ['#12242A', '#162E34', '#1B373E'],
  water: '#0E3339',
  shore: '#1D565C',
  road: '#4A686C',
  minor: '#2A4449',
  community: '#1A2F34',
  street: '#3D6067',
  district: '#9FBDBA',
  glow: 0.16,
  text: '#CEDDDA',
  text2: '#8FA9A8',
  waterText: '#5FA9A6',
  halo: '#0B1518',
}

export const DAY: MapInk = {
  outer: '#ECEFEC',
  land: '#F6F7F4',
  wash: ['#F6F7F4', '#F2F4F0', '#EFF2EE'],
  water: '#BFDDE0',
  shore: '#8FBFC4',
  road: '#D5DAD6',
  minor: '#E3E7E3',
  community: '#E0E4E0',
  street: '#B9C4C0',
  district: '#5F8A88',
  glow: 0,
  text: '#22383B',
  text2: '#5F7274',
  waterText: '#2F7478',
  halo: '#F6F7F4',
}

const FACE = 'Noto Sans SC Variable'

const files = import.meta.glob('/node_modules/@fontsource-variable/noto-sans-sc/files/*-wght-normal.woff2', {
  query: '?url',
  eager: true,
  import: 'default',
}) as Record<string, string>

/** Slices by unicode range, fetched on demand: Chinese labels without a glyph server or a system font. */
function faces(): StyleSpecification['font-faces'] {
  const slices = Object.entries(ranges as Record<string, string>).flatMap(([key, range]) => {
    const name = `/node_modules/@fontsource-variable/noto-sans-sc/files/noto-sans-sc-${key.replace(/[[\]]/g, '')}-wght-normal.woff2`
    const url = files[name]
    return url ? [{ url: new URL(url, location.href).href, 'unicode-range': range.split(',').map((part) => part.trim()) }] : []
  })
  return { [FACE]: slices }
}

/** `name` in the reader's language, the Chinese name where there is no other. */
function nameIn(english: boolean): ExpressionSpecification {
  return english ? ['coalesce', ['get', 'name_en'], ['get', 'name']] : ['coalesce', ['get', 'name'], ['get', 'name_en']]
}

const GREAT_ROADS = ['main', 'motorway', 'trunk', 'primary', 'expressway', 'arterial', 'major', 'ring', 'bridge', 'tunnel']

function isGreat(): ExpressionSpecification {
  const kind: ExpressionSpecification = ['coalesce', ['get', 'class'], ['get', 'kind'], ['get', 'type'], 'major']
  return ['in', kind, ['literal', GREAT_ROADS]]
}

export interface Lettering {
  english: boolean
  /** Label size in px of the page's own unit. */
  size: number
  /** Where our own layers go in below the names. */
}

export function styleOf(ground: Ground, ink: MapInk, { english, size }: Lettering): StyleSpecification {
  const placed = ground.labels.features.filter((feature) => feature.properties?.kind === 'street')
  // Where nobody placed a street's name, it stands in the middle of its area.
  const streets = placed.length > 0 ? placed : labelPoints(ground.streets, 'street')
  // A road's name runs along the road, so its label point is not needed.
  const labels = ground.labels.features.filter((feature) => !['street', 'road'].includes(String(feature.properties?.kind)))
  const label = (id: string, source: string, more: Partial<Extract<LayerSpecification, { type: 'symbol' }>>): LayerSpecification =>
    ({ id, type: 'symbol', source, ...more, layout: { 'text-field': nameIn(english), 'text-font': [FACE], ...more.layout } }) as LayerSpecification

  return {
    version: 8,
    'font-faces': faces(),
    transition: { duration: 0, delay: 0 },
    sources: {
      water: { type: 'geojson', data: ground.water },
      roads: { type: 'geojson', data: ground.roads },
      labels: { type: 'geojson', data: { type: 'FeatureCollection', features: labels } },
      district: { type: 'geojson', data: ground.district },
      streets: { type: 'geojson', data: ground.streets },
      'street-names': { type: 'geojson', data: { type: 'FeatureCollection', features: streets } },
      communities: { type: 'geojson', data: ground.communities },
    },
    layers: [
      { id: 'outer', type: 'background', paint: { 'background-color': ink.outer } },
      { id: 'land', type: 'fill', source: 'district', paint: { 'fill-color': ink.land } },
      {
        id: 'street-wash',
        type: 'fill',
        source: 'streets',
        paint: {
          'fill-color': ['match', ['%', ['to-number', ['coalesce', ['get', 'code'], ['get', 'id'], 0], 0], 3], 0, ink.wash[0], 1, ink.wash[1], ink.wash[2]],
          'fill-antialias': false,
        },
      },
      {
        id: 'community-lines',
        type: 'line',
        source: 'communities',
        paint: { 'line-color': ink.community, 'line-width': ['interpolate', ['linear'], ['zoom'], 11, 0.7, 15, 1.4] },
      },
      {
        id: 'roads-minor',
        type: 'line',
        source: 'roads',
        filter: ['!', isGreat()],
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': ink.minor, 'line-width': ['interpolate', ['exponential', 1.6], ['zoom'], 11, 0.8, 16, 6] },
      },
      {
        id: 'street-lines',
        type: 'line',
        source: 'streets',
        paint: { 'line-color': ink.street, 'line-width': 1, 'line-dasharray': [4, 3] },
      },
      { id: 'water', type: 'fill', source: 'water', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': ink.water } },
      {
        id: 'water-shore',
        type: 'line',
        source: 'water',
        filter: ['==', ['geometry-type'], 'Polygon'],
        paint: { 'line-color': ink.shore, 'line-width': 1.2 },
      },
      {
        id: 'water-lines',
        type: 'line',
        source: 'water',
        filter: ['==', ['geometry-type'], 'LineString'],
        paint: { 'line-color': ink.water, 'line-width': ['interpolate', ['exponential', 1.6], ['zoom'], 11, 2, 16, 14] },
      },
      {
        id: 'roads-great',
        type: 'line',
        source: 'roads',
        filter: isGreat(),
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': ink.road, 'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 11, size * 0.11, 16, size * 0.7] },
      },
      {
        id: 'district-glow',
        type: 'line',
        source: 'district',
        paint: { 'line-color': ink.district, 'line-width': 10, 'line-blur': 10, 'line-opacity': ink.glow },
      },
      { id: 'district-line', type: 'line', source: 'district', paint: { 'line-color': ink.district, 'line-width': 1.6 } },
      label('road-names', 'roads', {
        filter: isGreat(),
        layout: { 'symbol-placement': 'line', 'text-size': size * 0.82, 'text-letter-spacing': 0.08, 'symbol-spacing': 420, 'text-padding': 8 },
        paint: { 'text-color': ink.text2, 'text-halo-color': ink.halo, 'text-halo-width': 1.6 },
      }),
      label('water-names', 'water', {
        filter: ['==', ['geometry-type'], 'LineString'],
        layout: { 'symbol-placement': 'line', 'text-size': size, 'text-letter-spacing': 0.3, 'symbol-spacing': 600 },
        paint: { 'text-color': ink.waterText, 'text-halo-color': ink.halo, 'text-halo-width': 1 },
      }),
      label('place-names', 'labels', {
        layout: {
          'text-size': ['match', ['coalesce', ['get', 'kind'], ''], ['river', 'water', 'lake'], size, size * 0.88],
          'text-letter-spacing': ['match', ['coalesce', ['get', 'kind'], ''], ['river'], 0.3, ['water', 'lake'], 0.1, 0],
          'text-rotate': ['match', ['coalesce', ['get', 'kind'], ''], 'river', ['coalesce', ['get', 'angle'], 0], 0],
          'text-rotation-alignment': 'map',
          'text-padding': 6,
        },
        paint: {
          'text-color': ['match', ['coalesce', ['get', 'kind'], ''], ['river', 'water', 'lake'], ink.waterText, ink.text2],
          'text-halo-color': ink.halo,
          'text-halo-width': 1.2,
        },
      }),
      label('street-names', 'street-names', {
        layout: { 'text-size': size * 1.06, 'text-padding': 4 },
        paint: { 'text-color': ink.text, 'text-halo-color': ink.halo, 'text-halo-width': 2 },
      }),
    ],
  }
}
