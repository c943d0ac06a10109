/** The seven strings: a source's events per ten minutes as the swing of a string. */

export const BUCKETS = 144

export interface Wave {
  /** Length of the day in px, and the string's greatest swing to either side. */
  width: number
  swing: number
  /** Wave length in px. */
  pitch: number
}

/**
 * The path of one string from midnight to `until` (share of the day). The swing grows a little slower
 * than the count, so that a quiet source is seen beside a loud one; `loudest` is shared by all seven.
 */
export function stringPath(counts: readonly number[], loudest: number, until: number, { width, swing, pitch }: Wave): string {
  const end = Math.min(1, Math.max(0, until)) * width
  const step = pitch / 8
  let path = 'M0 0'
  for (let x = step; x < end; x += step) {
    const at = (x / width) * BUCKETS - 0.5
    const left = Math.max(0, Math.floor(at))
    const share = Math.min(1, Math.max(0, at - left))
    const before = counts[left] ?? 0
    const after = counts[left + 1] ?? before
    const ease = share * share * (3 - 2 * share)
    const loudness = ((before + (after - before) * ease) / Math.max(1, loudest)) ** 0.75
    path += `L${x.toFixed(1)} ${(loudness * swing * Math.sin((x / pitch) * 2 * Math.PI)).toFixed(2)}`
  }
  return `${path}L${end.toFixed(1)} 0`
}
