import '@fontsource/barlow-semi-condensed/latin-600.css'
import 'virtual:serif.css'
import '@/styles/tokens.css'
import '@/styles/portal.css'
import '@/kernel/theme'
import { createApp } from 'vue'
import IndexApp from './IndexApp.vue'

createApp(IndexApp).mount('#app')
void import('@fontsource-variable/noto-sans-sc')
