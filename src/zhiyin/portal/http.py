"""一门户:the public's routes; nothing here needs a login or shows a person."""

from collections.abc import Sequence
from typing import Any, Protocol

from litestar import Response, Router, get
from litestar.params import FromQuery

from zhiyin.portal.model import public_warnings

_HEADERS = {"Cache-Control": "public, max-age=10"}


class OpenWarnings(Protocol):
    """The watch room, as far as the public needs it."""

    async def open(self) -> Sequence[dict[str, Any]]:
        """Return all open warnings as the JSON of `GET /warnings`."""
        ...


def router(warnings: OpenWarnings) -> Router:
    """Return the public's routes, to be mounted under the API's path."""

    @get("/public/warnings", summary="Open warnings from yellow up, with what to do")
    async def list_public(area: FromQuery[str] = "") -> Response[list[dict[str, Any]]]:
        return Response(public_warnings(await warnings.open(), area), headers=_HEADERS)

    return Router(path="/", tags=["portal 一门户"], route_handlers=[list_public])
