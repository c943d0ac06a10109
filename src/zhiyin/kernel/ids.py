"""Identifiers: sortable new ones, and fixed ones derived from what they name."""

import secrets
import time
import uuid

_NAMESPACE = uuid.UUID("6f4d5b1e-3c2a-5e8d-9b7f-420105000000")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_id() -> str:
    """Return 26 characters that sort by the time they were made (ULID layout)."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def fixed_id(*parts: object) -> str:
    """Return the same identifier for the same parts, on any machine (UUID version 5)."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(map(str, parts))))
