import '@/styles/faces'
import '@/styles/tokens.css'
import '@/styles/wall.css'
import { createApp } from 'vue'
import WallApp from './WallApp.vue'

document.documentElement.dataset.theme = 'dark'
const wished = Number(new URLSearchParams(location.search).get('u'))
if (wished >= 8 && wished <= 120) document.documentElement.style.setProperty('--u', `${wished}px`)
createApp(WallApp).mount('#app')
