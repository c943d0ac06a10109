"""GA/T 1400: a receiver of vision events by REST. Scenes and vehicles; people only when allowed."""

KEY = "gat1400"

__all__ = ["KEY"]
