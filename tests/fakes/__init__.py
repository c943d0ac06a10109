"""Fakes of the outside world: each runs as a process or a server of its own."""
