/** Plane geometry of small areas in degrees: enough for labels and camera, not for survey. */
import type { Feature, FeatureCollection, Geometry, Position } from 'geojson'

export type Box = [west: number, south: number, east: number, north: number]

function* positions(coordinates: unknown): Generator<Position> {
  if (!Array.isArray(coordinates)) return
  if (typeof coordinates[0] === 'number') yield coordinates as Position
  else for (const inner of coordinates) yield* positions(inner)
}

export function boxOf(collection: FeatureCollection): Box | null {
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity]
  for (const feature of collection.features) {
    if (!feature.geometry || !('coordinates' in feature.geometry)) continue
    for (const [lon = 0, lat = 0] of positions(feature.geometry.coordinates)) {
      box[0] = Math.min(box[0], lon)
      box[1] = Math.min(box[1], lat)
      box[2] = Math.max(box[2], lon)
      box[3] = Math.max(box[3], lat)
    }
  }
  return Number.isFinite(box[0]) ? box : null
}

function ringCentre(ring: readonly Position[]): { centre: Position; area: number } {
  let [area, x, y] = [0, 0, 0]
  for (let i = 0; i + 1 < ring.length; i += 1) {
    const [x0 = 0, y0 = 0] = ring[i] ?? []
    const [x1 = 0, y1 = 0] = ring[i + 1] ?? []
    const cross = x0 * y1 - x1 * y0
    area += cross / 2
    x += (x0 + x1) * cross
    y += (y0 + y1) * cross
  }
  return area === 0 ? { centre: ring[0] ?? [0, 0], area } : { centre: [x / (6 * area), y / (6 * area)], area: Math.abs(area) }
}

/** Centre of the largest outer ring; a point stays where it is; lines have none. */
export function centreOf(geometry: Geometry | null): Position | null {
  if (!geometry) return null
  if (geometry.type === 'Point') return geometry.coordinates
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.type === 'MultiPolygon' ? geometry.coordinates : []
  let best: { centre: Position; area: number } | null = null
  for (const [outer] of polygons) {
    const found = outer ? ringCentre(outer) : null
    if (found && (!best || found.area > best.area)) best = found
  }
  return best?.centre ?? null
}

/** One label point per area, so that a name is never repeated at a tile's edge. */
export function labelPoints(collection: FeatureCollection, kind: string): Feature[] {
  return collection.features.flatMap((feature) => {
    const centre = centreOf(feature.geometry)
    if (!centre) return []
    return [{ type: 'Feature', geometry: { type: 'Point', coordinates: centre }, properties: { ...feature.properties, kind } } satisfies Feature]
  })
}

const EARTH_M = 6371008.8

/** Great-circle distance in metres. */
export function metresBetween([lon1 = 0, lat1 = 0]: Position, [lon2 = 0, lat2 = 0]: Position): number {
  const rad = Math.PI / 180
  const h =
    Math.sin(((lat2 - lat1) * rad) / 2) ** 2 +
    Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2
  return 2 * EARTH_M * Math.asin(Math.sqrt(h))
}
