// Our faces are declared, but a phone that brings a Chinese font fetches only the few ceremonial characters.
import '@/styles/faces'
import '@/styles/tokens.css'
import '@/styles/portal.css'
import '@/kernel/theme'
import { createApp } from 'vue'
import PortalApp from './PortalApp.vue'

createApp(PortalApp).mount('#app')
