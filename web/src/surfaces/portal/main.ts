// Phones bring their own Chinese font: only digits and the few ceremonial characters are sent.
import '@fontsource/barlow-semi-condensed/latin-600.css'
import 'virtual:serif.css'
import '@/styles/tokens.css'
import '@/styles/portal.css'
import '@/kernel/theme'
import { createApp } from 'vue'
import PortalApp from './PortalApp.vue'

createApp(PortalApp).mount('#app')
void import('@fontsource-variable/noto-sans-sc')
