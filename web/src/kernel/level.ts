/** The four warning levels: colour, shape and numeral always together (colour alone fails one man in twelve). */

export const LEVELS = ['red', 'orange', 'yellow', 'blue'] as const
export type Level = (typeof LEVELS)[number]

export interface LevelMark {
  /** 4 is the highest. */
  rank: number
  numeral: 'Ⅰ' | 'Ⅱ' | 'Ⅲ' | 'Ⅳ'
  /** Outline in a 24 × 24 box. */
  shape: string
  /** The numeral as strokes in the same box: drawn, so that it needs no font on the map. */
  strokes: string
  /** Colour of the mark on dark ground. */
  colour: string
}

export const MARK_INK = '#10181A'

export const MARKS: Readonly<Record<Level, LevelMark>> = {
  red: {
    rank: 4,
    numeral: 'Ⅰ',
    shape: 'M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4Z',
    strokes: 'M12 7.5v9M9.8 7.5h4.4M9.8 16.5h4.4',
    colour: '#FF6259',
  },
  orange: {
    rank: 3,
    numeral: 'Ⅱ',
    shape: 'M12 1.2 23.4 21.8H.6Z',
    strokes: 'M10.3 10.8v8M13.7 10.8v8M8.6 10.8h6.8M8.6 18.8h6.8',
    colour: '#FF9A3D',
  },
  yellow: {
    rank: 2,
    numeral: 'Ⅲ',
    shape: 'M12 .4 23.6 12 12 23.6.4 12Z',
    strokes: 'M9 8v8M12 8v8M15 8v8M7.4 8h9.2M7.4 16h9.2',
    colour: '#FFD64A',
  },
  blue: {
    rank: 1,
    numeral: 'Ⅳ',
    shape: 'M12 1a11 11 0 1 1 0 22 11 11 0 0 1 0-22Z',
    strokes: 'M8.2 8v8M6.8 8h2.8M6.8 16h2.8M11.4 8l2.9 8 2.9-8M10.4 8h2.2M16.1 8h2.2',
    colour: '#62AEFF',
  },
}

/** Rank of anything that may or may not be a level: 0 when it is none. */
export function rankOf(level: string | null | undefined): number {
  return level && level in MARKS ? MARKS[level as Level].rank : 0
}

/** Worst first; among equals the newest first. */
export function worstFirst<T extends { level: string; raised_at: string }>(a: T, b: T): number {
  return rankOf(b.level) - rankOf(a.level) || b.raised_at.localeCompare(a.raised_at)
}
