"""场景包: scenario packs, one folder each; YAML, and rarely a small pure `hooks.py`."""
