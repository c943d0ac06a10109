"""知音 Zhiyin: an open city brain for one district."""

__version__ = "0.1.0"
