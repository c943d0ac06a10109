import '@/styles/tokens.css'
