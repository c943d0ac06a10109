"""场景包:what a scenario pack is, and how it is loaded and checked. Reads no room."""
