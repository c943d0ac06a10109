"""一张图:areas and elements on the map. Does not know what is measured there."""
