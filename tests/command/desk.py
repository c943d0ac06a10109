"""A desk of cases on a real SQLite file, and the events of warnings as they come from the bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response
from litestar.testing import AsyncTestClient

from zhiyin import cloud
from zhiyin.command import Cases, CaseType, CaseTypes, Time
from zhiyin.command.http import router
from zhiyin.kernel import HOUR, Fault, ManualClock, Words, iso, parse_time

OPENED = parse_time("2026-11-23 14:00")
WATER, CITY = Words("区水务和湖泊局", "Water Bureau"), Words("区城管局", "City Management")
TYPES = CaseTypes(
    [
        CaseType("waterlogging", "flood_drainage", Words("道路积水", "Water on the road"), WATER,
                 4 * HOUR, assist=(Words("交管大队", "Traffic Police"),)),
        CaseType("manhole", "flood_drainage", Words("井盖", "Manhole"), CITY, 4 * HOUR, Time.HOURS),
    ]
)  # fmt: skip
OPENS = {"orange": "waterlogging", "red": "waterlogging"}


def warning(n: int = 1, **over: Any) -> dict[str, Any]:
    return {
        "id": f"w-{n}", "rule": "ponding_depth", "title": "积水", "title_en": "Ponding",
        "thing": f"pp-{n}", "thing_name": f"{n}号积水点", "place": [114.27, 30.55], "area": "yt",
        "area_name": "鹦鹉街道", "value": 0.31, "unit": "m", "says": "积水 0.31 m",
        "says_en": "Water 0.31 m", "evidence": {"rule": "ponding_depth", "version": "1"}, **over,
    }  # fmt: skip


def event(
    verb: str = "raised", level: str = "orange", n: int = 1, opens: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "id": f"{verb}-{level}-{n}", "type": f"watch.warning.{verb}", "subject": f"w-{n}",
        "time": iso(OPENED), "actor": "system:watch",
        "data": {"warning": warning(n), "level": level, "opens": OPENS if opens is None else opens},
    }  # fmt: skip


def problem(_request: Request[Any, Any, Any], fault: Exception) -> Response[dict[str, Any]]:
    assert isinstance(fault, Fault)
    return Response(fault.problem(), status_code=fault.status)


class Desk:
    """Cases, their clock, and an HTTP client."""

    def __init__(self, cases: Cases, clock: ManualClock, client: AsyncTestClient[Litestar]) -> None:
        self.cases, self.clock, self.client = cases, clock, client

    async def hear(self, *events: dict[str, Any]) -> None:
        for said in events:
            async with self.cases.database.write("system:command") as session:
                await self.cases.on_warning(session, said)

    async def list(self, query: str = "") -> list[dict[str, Any]]:
        answer = await self.client.get(f"/cases{query}")
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def only(self) -> dict[str, Any]:
        (case,) = await self.list()
        return dict((await self.client.get(f"/cases/{case['id']}")).json())

    async def go(self, steps: str, user: str = "wang") -> None:
        """Take several steps, with a note each."""
        for step in steps.split():
            await self.step(step, user, note="-")

    async def step(self, step: str, user: str = "li", expect: int = 201, **body: Any) -> Any:
        case = (await self.list())[0]
        answer = await self.client.post(
            f"/cases/{case['id']}/steps",
            json={"step": step, **body},
            headers={"X-Zhiyin-User": f"user:{user}"},
        )
        assert answer.status_code == expect, answer.text
        return answer.json()


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Desk]:
    clock = ManualClock(OPENED)
    database = cloud.Database(f"sqlite+aiosqlite:///{folder / 'operations.db'}", clock)
    async with database.engine.begin() as connection:
        await connection.run_sync(cloud.Row.metadata.create_all)
    cases = Cases(database, clock, TYPES)
    app = Litestar([router(cases)], exception_handlers={Fault: problem}, openapi_config=None)
    async with AsyncTestClient(app) as client:
        yield Desk(cases, clock, client)
    await database.close()
