import '@/styles/faces'
import '@/styles/tokens.css'
import '@/styles/bench.css'
import '@/kernel/theme'
import { createApp } from 'vue'
import BenchApp from './BenchApp.vue'

createApp(BenchApp).mount('#app')
