import { describe, expect, it } from 'vitest'
import { en } from '@/words/en'
import { zh } from '@/words/zh-CN'
import { said, speak, t } from './words'

const holes = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort()

describe('the two languages', () => {
  it('fill the same holes', () => {
    const odd = Object.keys(zh).filter((key) => {
      const [source, other] = [holes(zh[key as keyof typeof zh]), holes(en[key as keyof typeof zh])]
      return source.join() !== other.join()
    })
    expect(odd).toEqual([])
  })

  it('switch at once, with one and many', () => {
    speak('en')
    expect([t('portal.lead.some', { n: 1 }), t('portal.lead.some', { n: 4 })]).toEqual([
      'There is 1 public warning in the district now.',
      'There are 4 public warnings in the district now.',
    ])
    expect(said({ title: '积水', title_en: 'Water' }, 'title')).toBe('Water')
    speak('zh-CN')
    expect(said({ title: '积水', title_en: 'Water' }, 'title')).toBe('积水')
  })
})
