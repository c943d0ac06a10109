"""Fuzz entries: one module per protocol, with `one(data)`."""
