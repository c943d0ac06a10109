"""一朵云:the ground: settings, database, bus, supervision, telemetry. Knows nothing of a city."""
