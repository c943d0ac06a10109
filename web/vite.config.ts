import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The only characters ever set in the ceremonial serif: our name, the titles, the names of Wuhan's districts. */
const CEREMONIAL =
  '知音汉阳区城市运行一网统管工作台武汉江岸江汉硚口武昌青山洪山东西湖汉南蔡甸江夏黄陂新洲街道社区市民服务预警安全提示'

/**
 * `virtual:serif.css`: the @font-face rules of those slices of Noto Serif SC that hold CEREMONIAL.
 * The whole face is 6 MB; the headings need a tenth of it.
 */
function serifSlices(): Plugin {
  const id = 'virtual:serif.css'
  const folder = here('./node_modules/@fontsource-variable/noto-serif-sc/')
  return {
    name: 'zhiyin-serif-slices',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load(source) {
      if (source !== `\0${id}`) return undefined
      const ranges = JSON.parse(readFileSync(`${folder}unicode.json`, 'utf8')) as Record<string, string>
      const points = [...CEREMONIAL].map((letter) => letter.codePointAt(0) ?? 0)
      const holds = (range: string): boolean =>
        range.split(',').some((part) => {
          const [from = '', to = from] = part.trim().replace(/^U\+/i, '').split('-')
          return points.some((point) => point >= parseInt(from, 16) && point <= parseInt(to, 16))
        })
      return Object.entries(ranges)
        .filter(([key, range]) => key === 'latin' || holds(range))
        .map(([key, range]) => {
          const file = `${folder}files/noto-serif-sc-${key.replace(/[[\]]/g, '')}-wght-normal.woff2`
          return `@font-face{font-family:'Noto Serif SC Variable';font-weight:200 900;font-display:swap;src:url(${file}) format('woff2');unicode-range:${range}}`
        })
        .join('\n')
    },
  }
}

export default defineConfig({
  plugins: [vue(), serifSlices()],
  base: '/',
  resolve: { alias: { '@': here('./src') } },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // a strict Content-Security-Policy: no data: addresses
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: ['index', 'wall', 'bench', 'portal'].map((name) => here(`./${name}.html`)),
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8780' } },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
})
