import '@/styles/faces'
import '@/styles/tokens.css'
import '@/styles/portal.css'
import '@/kernel/theme'
import { createApp } from 'vue'
import IndexApp from './IndexApp.vue'

createApp(IndexApp).mount('#app')
