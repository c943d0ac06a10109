/// <reference types="vite/client" />

declare module 'virtual:serif.css'
declare module '@fontsource-variable/noto-sans-sc'
declare module '@fontsource/barlow-semi-condensed/*'

interface Window {
  /** Set for tests and screenshots: the map has drawn once and every font is there. */
  __ready?: boolean
}
