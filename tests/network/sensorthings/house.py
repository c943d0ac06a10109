"""The service in this process: a real operations store and lake, and a bus that only remembers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
from litestar import Litestar

from zhiyin import cloud, lake, network
from zhiyin.cloud import Database, Row, Settings
from zhiyin.kernel import ManualClock, Words, parse_time
from zhiyin.network.sensorthings.adopt import Named
from zhiyin.network.sensorthings.http import BASE, router
from zhiyin.network.sensorthings.service import Sensing

NOW = parse_time("2026-11-23T06:00:00Z")
TYPES = {
    "ponding_point": {
        "depth": network.PropertyType("m", 0.0, 5.0, 60_000),
        "wet": network.PropertyType("1", 0.0, 1.0, 60_000, boolean=True),
    }
}


class Bus:
    """Keeps what is published; nobody takes it away until `House.commit`."""

    def __init__(self) -> None:
        self.messages: list[cloud.Message] = []
        self.quarantined: list[bytes] = []
        self.down = False

    async def publish(self, subject: str, payload: bytes, **_more: Any) -> int:
        if self.down:
            raise cloud.BusDown("nats", reason="no answer")
        if subject != "observations.batch":
            self.quarantined.append(payload)
            return 0
        seq = len(self.messages) + 1
        self.messages.append(cloud.Message(seq, subject, {}, payload, 0))
        return seq

    async def notify(self, subject: str, payload: bytes = b"") -> None: ...

    async def listen(self, subject: str, hear: Any) -> None: ...

    async def identity(self, _stream: str) -> str:
        return "observations-1"

    async def state(self, _stream: str) -> dict[str, int]:
        return {"last_seq": len(self.messages)}

    async def last(self, _stream: str, _subject: str) -> cloud.Message | None:
        return self.messages[-1] if self.messages else None

    async def read_from(
        self, _stream: str, start: int, _subject: str = ">"
    ) -> AsyncIterator[list[cloud.Message]]:
        yield self.messages[start - 1 :]


class House:
    """One house with one service; `reborn` is the service after its process was started anew."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_folder=str(folder))
        self.clock = ManualClock(NOW)
        self.bus = Bus()
        self.database = Database(f"sqlite+aiosqlite:///{folder / 'operations.db'}", self.clock)
        self.table = lake.ObservationsTable(folder / "lake", "observations-1")
        self.committed = 0
        self.named: dict[str, Named] = {}

    async def open(self) -> "House":
        async with self.database.engine.begin() as connection:
            await connection.run_sync(Row.metadata.create_all)
        await self.reborn()
        return self

    async def reborn(self) -> None:
        bus: Any = self.bus
        self.door = network.Door(self.settings, self.clock, bus, self.database)
        await self.door.open()

        async def names(things: Any) -> dict[str, Named]:
            return {one: self.named[one] for one in things if one in self.named}

        self.sensing = Sensing(self.settings, self.clock, bus, self.database, self.door, names)
        app: Any = Litestar([router(self.sensing)], debug=True)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://house.test"
        )

    async def commit(self, upto: int | None = None) -> None:
        """Put into the lake what has been published, as the sensing worker would."""
        for message in self.bus.messages[self.committed : upto]:
            columns, received, _ = lake.decode(message.data)
            self.table.append(
                columns, np.full(len(columns), received), np.full(len(columns), message.seq),
                self.door.register, message.seq,
            )  # fmt: skip
            self.committed = message.seq

    async def device(
        self, name: str, title: str = "", at: tuple[float, float] | None = None
    ) -> None:
        bus: Any = self.bus
        if title:
            self.named[name] = Named(Words(title, title), at)
        await network.register_devices(
            self.database, bus, TYPES, {name: "ponding_point"}, source="test",
            actor="system:test", now=self.clock.now(),
        )  # fmt: skip
        await self.door.refresh()

    async def call(
        self, method: str, path: str, body: Any = None, status: int = 200, **more: Any
    ) -> Any:
        kind = {"content-type": more.pop("kind", "application/json")}
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        answer = await self.http.request(
            method, f"{BASE}/{path}", content=content if body is not None else None,
            headers=kind, **more,
        )  # fmt: skip
        assert answer.status_code == status, (answer.status_code, answer.text)
        self.last = answer
        if not answer.content or not answer.headers["content-type"].startswith("application"):
            return answer.text
        return answer.json()

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        asked = {f"${key}": str(value) for key, value in query.items()}
        return await self.call("GET", path, status=status, params=asked or None)

    async def values(self, path: str, **query: Any) -> list[Any]:
        return list((await self.get(path, **query))["value"])

    async def pages(self, path: str, **query: Any) -> list[list[Any]]:
        page = await self.get(path, **query)
        pages = [page["value"]]
        while "@iot.nextLink" in page:
            answer = await self.http.get(page["@iot.nextLink"])
            assert answer.status_code == 200, answer.text
            page = answer.json()
            pages.append(page["value"])
        return pages

    async def make(self, path: str, body: Any) -> Any:
        return (await self.call("POST", path, body, 201))["@iot.id"]

    async def close(self) -> None:
        await self.http.aclose()
        await self.database.close()


@asynccontextmanager
async def house_in(folder: Path) -> AsyncIterator[House]:
    house = await House(folder).open()
    try:
        yield house
    finally:
        await house.close()
