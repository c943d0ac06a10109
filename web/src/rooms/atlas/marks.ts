/** Level marks and label plates as map images, drawn from the same shapes as everywhere else. */
import type { Map as MapLibre } from 'maplibre-gl'
import { LEVELS, MARK_INK, MARKS, type Level } from '@/kernel/level'

const BOX = 24
const RATIO = 3

function canvas(width: number, height: number): CanvasRenderingContext2D {
  const context = new OffscreenCanvas(width * RATIO, height * RATIO).getContext('2d') as unknown as CanvasRenderingContext2D
  context.scale(RATIO, RATIO)
  return context
}

function pixels(context: CanvasRenderingContext2D, width: number, height: number): ImageData {
  return context.getImageData(0, 0, width * RATIO, height * RATIO)
}

function mark(level: Level, edge: string): ImageData {
  const size = BOX + 4
  const context = canvas(size, size)
  const { shape, strokes, colour } = MARKS[level]
  context.translate(2, 2)
  context.lineJoin = 'round'
  context.strokeStyle = edge
  context.lineWidth = 3
  context.stroke(new Path2D(shape))
  context.fillStyle = colour
  context.fill(new Path2D(shape))
  context.strokeStyle = MARK_INK
  context.lineWidth = 1.5
  context.stroke(new Path2D(strokes))
  return pixels(context, size, size)
}

function plate(fill: string): ImageData {
  const context = canvas(BOX, BOX)
  context.fillStyle = fill
  context.beginPath()
  context.roundRect(0, 0, BOX, BOX, 4)
  context.fill()
  return pixels(context, BOX, BOX)
}

/** Adds `mark-red` … `mark-blue` and `plate`. */
export function addMarks(map: MapLibre, edge: string, plateFill: string): void {
  for (const level of LEVELS) map.addImage(`mark-${level}`, mark(level, edge), { pixelRatio: RATIO })
  map.addImage('plate', plate(plateFill), {
    pixelRatio: RATIO,
    stretchX: [[6 * RATIO, 18 * RATIO]],
    stretchY: [[6 * RATIO, 18 * RATIO]],
    content: [5 * RATIO, 3 * RATIO, 19 * RATIO, 21 * RATIO],
  })
}
