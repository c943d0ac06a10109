/** The faces of the house, all from our own server. */
import '@fontsource-variable/noto-sans-sc'
import '@fontsource/barlow-semi-condensed/latin-500.css'
import '@fontsource/barlow-semi-condensed/latin-600.css'
import 'virtual:serif.css'

// A slice is fetched only where the machine lacks the sign. Some browsers keep the empty boxes they drew meanwhile;
// naming our face first makes them draw again.
document.fonts.addEventListener('loadingdone', ({ fontfaces }) => {
  if (fontfaces.some((face) => face.family.includes('Noto Sans SC'))) document.documentElement.dataset.faces = 'ours'
})
