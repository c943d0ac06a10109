"""How a source's address is shown, and on which subject a pull is asked for."""

from urllib.parse import urlsplit

ASKED = "network.pull.asked"


def shown(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    if not parts.scheme:
        return parts.path
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
