"""The body of a request, whole, and never larger than it may be: for routes of plain ASGI."""

from typing import Any

from litestar.types import Receive

from zhiyin.kernel import CallerFault


async def read_body(receive: Receive, limit: int, too_large: type[CallerFault]) -> bytes:
    """Return the body; raise `too_large` (fields size and limit) above `limit` bytes.

    Of a caller who hung up it is what had come by then.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        event: dict[str, Any] = dict(await receive())
        if event["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise too_large("body", size=f"{size} bytes", limit=f"{limit} bytes")
        if not event.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
