/** A MapLibre map on our own ground. The only module that touches the library, so that it loads only with a map. */
import 'maplibre-gl/dist/maplibre-gl.css'
import { Map as MapLibre, setWorkerUrl, type PaddingOptions } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { boxOf } from './geometry'
import type { Ground } from './ground'
import { addMarks } from './marks'
import { styleOf, type Lettering, type MapInk } from './style'

setWorkerUrl(workerUrl)

export type { MapLibre }

export interface MapWish extends Lettering {
  container: HTMLElement
  ground: Ground
  ink: MapInk
  /** Colour behind label plates and around marks. */
  plate: string
  edge: string
  still?: boolean
  padding?: PaddingOptions
}

export function makeMap(wish: MapWish): Promise<MapLibre> {
  const box = boxOf(wish.ground.district) ?? [114.08, 30.47, 114.3, 30.61]
  const map = new MapLibre({
    container: wish.container,
    style: styleOf(wish.ground, wish.ink, wish),
    bounds: box,
    fitBoundsOptions: { padding: wish.padding ?? 24 },
    attributionControl: false,
    interactive: !wish.still,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 0,
    trackResize: true,
    // The picture must survive until it is read: screenshots of a wall are evidence.
    canvasContextAttributes: { preserveDrawingBuffer: true, antialias: true },
  })
  map.touchZoomRotate.disableRotation()
  return new Promise((resolve) => {
    map.once('style.load', () => {
      addMarks(map, wish.edge, wish.plate)
      resolve(map)
    })
  })
}
