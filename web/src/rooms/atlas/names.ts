import type { WallNow } from '@/api/model'
import { said } from '@/kernel/words'

/** The district's name in the reader's language, however the server spells it. */
export function districtName(district: WallNow['district'] | undefined): string {
  if (district === undefined) return ''
  if (typeof district === 'string') return district
  return said(district, 'name') || said(district, 'title')
}
