"""What a fleet does before it speaks: it has its devices registered, and looks up the roads."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import structlog

from zhiyin.server.district.fleet.plan import Identity, Kind
from zhiyin.server.district.fleet.readings import Way

log = structlog.get_logger("zhiyin.fleet")
_AT_ONCE = 500  # devices in one request
_AGAIN = 1.0  # seconds before a request is made again
_USER = {"X-Zhiyin-User": "user:fleet"}


class Stopped(Exception):
    """The fleet was told to end before it began."""


class Office:
    """The brain's API, asked until it answers."""

    def __init__(self, address: str, stop: asyncio.Event) -> None:
        self._address, self._stop = f"{address.rstrip('/')}/api/v1", stop

    async def register(self, devices: Sequence[tuple[Kind, Identity]]) -> None:
        """Register devices; those that are there stay as they are."""
        rows = [
            {
                "id": who.id, "template": kind.template, "thing": who.thing,
                "address": who.address, "key": who.key,
            }
            for kind, who in devices
        ]  # fmt: skip
        async with httpx.AsyncClient(timeout=60, trust_env=False, headers=_USER) as client:
            for start in range(0, len(rows), _AT_ONCE):
                await self._asked(client, "POST", "/devices", rows[start : start + _AT_ONCE])

    async def ways(self) -> list[Way]:
        """Return the roads of the brain's base map."""
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            told = await self._asked(client, "GET", "/map/roads", None)
        lines = [one["geometry"] for one in told["features"]]
        return [
            Way([(lon, lat) for lon, lat, *_ in line["coordinates"]])
            for line in lines
            if line["type"] == "LineString" and len(line["coordinates"]) > 1
        ]

    async def _asked(self, client: httpx.AsyncClient, verb: str, path: str, body: Any) -> Any:
        while not self._stop.is_set():
            try:
                answer = await client.request(verb, f"{self._address}{path}", json=body)
            except httpx.TransportError as fault:
                log.info("fleet.waits", path=path, reason=type(fault).__name__)
            else:
                if answer.is_success:
                    return answer.json()
                log.warning("fleet.refused", path=path, status=answer.status_code,
                            said=answer.text[:300])  # fmt: skip
                if answer.status_code < 500 and answer.status_code != 429:
                    answer.raise_for_status()
            await asyncio.sleep(_AGAIN)
        raise Stopped
