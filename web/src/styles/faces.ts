/** The faces of the house, all from our own server. */
import '@fontsource-variable/noto-sans-sc'
import '@fontsource/barlow-semi-condensed/latin-500.css'
import '@fontsource/barlow-semi-condensed/latin-600.css'
import 'virtual:serif.css'
