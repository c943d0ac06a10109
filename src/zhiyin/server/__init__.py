"""server:assembly only: ASGI app, command line, start-up order."""
