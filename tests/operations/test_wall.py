"""The wall: one answer from every room, empty or full."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
from litestar import Litestar
from litestar.testing import AsyncTestClient

from zhiyin import command
from zhiyin.kernel import MINUTE, ManualClock, WarningLevel, Words, iso, parse_time
from zhiyin.operations import (
    District,
    Hub,
    LevelPanel,
    MachinePanel,
    Pulse,
    StringKind,
    Wall,
    WallScreen,
)
from zhiyin.operations.http import router
from zhiyin.vitals import Columns

NOW = parse_time("2026-11-23 08:05")
MIDNIGHT = parse_time("2026-11-23 00:00")
READINGS: dict[str, dict[str, float]] = {
    "lake.level": {"moshui": 18.9, "longyang": 19.6, "dry": float("nan")},
    "pump_station.pumps_running": {"a": 2, "b": 1},
    "pump_station.flow": {"a": 7.5, "b": 2.5},
}
FIELDS: dict[str, dict[str, float]] = {
    "limit": {"moshui": 19.2, "longyang": 19.5},
    "pumps": {"a": 4, "b": 6},
}
SCREEN = WallScreen(
    tuple(
        StringKind(key, Words(key, key), (kind,))
        for key, kind in (
            ("rain", "rain_gauge"), ("ponding", "ponding_point"), ("lakes", "lake"),
            ("pumps", "pump_station"), ("air", "air_station"),
        )
    ),
    LevelPanel("lake", "level", "limit"),
    MachinePanel("pump_station", "pumps_running", "pumps", "flow"),
)  # fmt: skip


class Rooms:
    """Every room the wall asks, with what a test puts into it."""

    def __init__(self, readings: dict[str, dict[str, float]] | None = None) -> None:
        self.readings = readings or {}
        self.warnings: list[dict[str, Any]] = []

    def of(self, type: str, property: str) -> Columns:  # noqa: A002
        values = self.readings.get(f"{type}.{property}", {})
        if type == "*":
            values = {k: v for each in self.readings.values() for k, v in each.items()}
        times = np.full(len(values), NOW - MINUTE, dtype=np.int64)
        every = np.full(len(values), MINUTE, dtype=np.int64)
        return Columns(list(values), times, np.array(list(values.values()), dtype=float), every)

    def since(self, type: str, property: str, since: int) -> Columns:  # noqa: A002
        return self.of(type, property)

    def names(self, type: str) -> dict[str, Words]:  # noqa: A002
        return {"longyang": Words("龙阳湖", "Longyang Lake")}

    def field(self, type: str, field: str) -> dict[str, float]:  # noqa: A002
        return FIELDS[field]

    async def open(self) -> Sequence[dict[str, Any]]:
        return self.warnings

    async def figures(self) -> dict[str, Any]:
        today = {"received": 0, "closed": 0, "moving": 0, "overdue": 0}
        return {"today": today, "hours": [], "by_type": []}

    async def page(
        self, wanted: command.CaseFilter, limit: int, offset: int = 0, by: str = ""
    ) -> tuple[list[dict[str, Any]], int]:
        return [], 0

    def wall(self, most: int = 5) -> list[dict[str, Any]]:
        return []


async def asked(rooms: Rooms, pulse: Pulse) -> dict[str, Any]:
    clock = ManualClock(NOW)
    wall = Wall(
        clock=clock, district=District("汉阳区", "Hanyang"), latest=rooms, elements=rooms,
        warnings=rooms, cases=rooms, vital_signs=rooms, pulse=pulse, screen=SCREEN,
    )  # fmt: skip
    app = Litestar([router(wall, Hub(clock))], openapi_config=None)
    async with AsyncTestClient(app) as client:
        answer = await client.get("/wall")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def test_the_live_stream_is_served_as_server_sent_events() -> None:
    clock, rooms = ManualClock(NOW), Rooms()
    hub = Hub(clock)
    wall = Wall(
        clock=clock, district=District("汉阳区", "Hanyang"), latest=rooms, elements=rooms,
        warnings=rooms, cases=rooms, vital_signs=rooms, pulse=Pulse(SCREEN.strings), screen=SCREEN,
    )  # fmt: skip
    app = Litestar([router(wall, hub)], openapi_config=None)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # in this loop, as in life
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        asking = asyncio.create_task(client.get("/live?topics=warnings, clock"))
        async with asyncio.timeout(5):
            while not hub.listeners:  # noqa: ASYNC110  (nobody announces a listener)
                await asyncio.sleep(0)
        hub.put("warnings", "w1", {"id": "w1"})
        hub.tick()
        hub.close()
        answer = await asking
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text.count("event: warnings\n") == 2


async def test_an_empty_city_has_a_calm_wall() -> None:
    wall = await asked(Rooms(), Pulse(SCREEN.strings))
    assert wall["warnings"] == {
        "open": 0, "by_level": {"red": 0, "orange": 0, "yellow": 0, "blue": 0}, "worst": []
    }  # fmt: skip
    assert wall["data_age_s"] is None
    assert [len(string["minutes"]) for string in wall["strings"]] == [49] * 7
    assert wall["pumps"] == {
        "running": 0, "total": 10, "flow": None, "unit": "m³/s", "time": None
    }  # fmt: skip


async def test_lakes_pumps_and_age_come_from_the_newest_readings() -> None:
    wall = await asked(Rooms(READINGS), Pulse(SCREEN.strings))
    assert [(lake["name"], lake["value"], lake["limit"]) for lake in wall["levels"]] == [
        ("龙阳湖", 19.6, 19.5), ("moshui", 18.9, 19.2), ("dry", None, None)
    ]  # fmt: skip
    assert (wall["pumps"]["running"], wall["pumps"]["total"], wall["pumps"]["flow"]) == (3, 10, 10)
    assert wall["data_age_s"] == 60


async def test_the_worst_are_the_highest_then_the_newest() -> None:
    rooms = Rooms()
    levels = ["blue", "red", "yellow", "red", "orange", "yellow"]
    rooms.warnings = [
        {"id": n, "level": level, "raised_at": iso(NOW - 60 * MINUTE + n * MINUTE)}
        for n, level in enumerate(levels)
    ]
    warnings = (await asked(rooms, Pulse(SCREEN.strings)))["warnings"]
    assert [warning["id"] for warning in warnings["worst"]] == [3, 1, 4, 5, 2]
    assert warnings["by_level"] == {"red": 2, "orange": 1, "yellow": 2, "blue": 1}


async def test_strings_swing_by_event_time_and_carry_marks_of_today() -> None:
    pulse = Pulse(SCREEN.strings)
    times = MIDNIGHT + np.array([-1, 0, 599, 600, 4 * 600]) * 1000
    pulse.observed("rain_gauge", times)
    pulse.observed("unknown_type", times)
    pulse.happened("warnings", NOW - MINUTE, WarningLevel.RED)
    pulse.happened("warnings", MIDNIGHT - MINUTE, WarningLevel.BLUE)
    strings = {string["key"]: string for string in (await asked(Rooms(), pulse))["strings"]}
    assert strings["rain"]["minutes"][:6] == [2, 1, 0, 0, 1, 0]
    assert strings["warnings"]["minutes"][-1] == 1
    assert strings["warnings"]["marks"] == [{"time": iso(NOW - MINUTE), "level": "red"}]
    assert strings["air"]["minutes"] == [0] * 49


def test_a_count_of_two_days_ago_is_not_todays() -> None:
    pulse = Pulse(SCREEN.strings)
    pulse.happened("cases", MIDNIGHT - 2 * 24 * 60 * MINUTE)
    assert sum(pulse.shown(NOW)[6]["minutes"]) == 0
    pulse.happened("cases", MIDNIGHT)
    pulse.happened("cases", MIDNIGHT - 2 * 24 * 60 * MINUTE)  # late: its slot is taken
    assert pulse.shown(NOW)[6]["minutes"][0] == 1
