"""A small brain on a real SQLite file, and the room's routes over HTTP."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar, Request, Response
from litestar.testing import TestClient

from zhiyin import atlas
from zhiyin.atlas.http import router
from zhiyin.atlas.model import Element
from zhiyin.atlas.ogc import ogc_router
from zhiyin.cloud import Database, Row
from zhiyin.kernel import Fault, ManualClock, Place

NOON = 1_795_406_400_000


def ponding(id: str = "pp-1", **more: Any) -> Element:  # noqa: A002
    told: dict[str, Any] = {
        "type": "ponding_point",
        "name": "国棉路口下穿",
        "name_en": "Guomian underpass",
        "place": Place(114.2400, 30.5650),
        "fields": {"road": "琴台大道", "capacity": 1.5},
        "owner": "区水务和湖泊局",
        "source": "test",
    }
    return Element(id=id, **(told | more))


@dataclass
class SmallBrain:
    database: Database
    clock: ManualClock
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)

    def latest_of(self, thing: str) -> dict[str, Any] | None:
        return self.values.get(thing)

    def level_of(self, thing: str) -> str | None:
        return self.levels.get(thing)


def _brain(folder: Path) -> SmallBrain:
    clock = ManualClock(NOON)
    return SmallBrain(Database(f"sqlite+aiosqlite:///{folder / 'atlas.db'}", clock), clock)


async def _create(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(Row.metadata.create_all)


@pytest.fixture
async def brain(tmp_path: Path) -> AsyncIterator[SmallBrain]:
    made = _brain(tmp_path)
    await _create(made.database)
    yield made
    await made.database.close()


@pytest.fixture
def served(tmp_path: Path) -> SmallBrain:
    """The brain behind `client`; only the application may use its database."""
    return _brain(tmp_path)


@pytest.fixture
def client(served: SmallBrain) -> Iterator[TestClient[Litestar]]:
    async def begin() -> None:
        await _create(served.database)
        canal = ponding(
            "canal-1",
            type="canal",
            name="总港",
            name_en="",
            place=Place(114.2, 30.51),
            geometry={"type": "LineString", "coordinates": [[114.19, 30.52], [114.21, 30.50]]},
            valid=(NOON, None),
        )
        points = [ponding(), ponding("pp-2", name="墨水湖北路", place=Place(114.2240, 30.5505))]
        async with served.database.write("system:test") as session:
            await atlas.seed(session, [*points, canal], at=NOON)

    def problem(_: Request[Any, Any, Any], fault: Fault) -> Response[dict[str, Any]]:
        return Response(
            fault.problem(), status_code=fault.status, media_type="application/problem+json"
        )

    app = Litestar(
        [router(served), ogc_router(served)],
        exception_handlers={Fault: problem},
        on_startup=[begin],
        on_shutdown=[served.database.close],
    )
    with TestClient(app) as client:
        yield client
