"""知音 Zhiyin: an open city brain for one district."""
