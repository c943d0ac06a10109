"""态势:the routes of vital signs."""

from typing import Any

from litestar import Router, get

from zhiyin.vitals.service import Vitals


def router(vitals: Vitals) -> Router:
    """Return the routes of vital signs, to be mounted under the API's path."""

    @get("/vitals", summary="Indicators now, with band, age, source and their last 24 hours")
    async def list_vitals() -> list[dict[str, Any]]:
        return vitals.shown()

    return Router(path="/", tags=["vitals 态势"], route_handlers=[list_vitals])
