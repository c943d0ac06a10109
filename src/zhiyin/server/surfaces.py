"""The live side of the web server: the wall's sources, and the stream of what changes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import structlog
from litestar import Router

from zhiyin import atlas, cloud, command, lake, operations, portal, vitals, watch
from zhiyin.kernel import HOUR, WarningLevel, Words, parse_time
from zhiyin.operations.http import router as operations_router
from zhiyin.server.brain import Brain
from zhiyin.server.mirror import Mirror

log = structlog.get_logger()
REFRESH = 1.0  # real seconds between tellings of vitals and clock


class ElementFields:
    """Names and numeric fields of elements, as the wall and the indicators want them."""

    def __init__(self, database: cloud.Database) -> None:
        self._database = database
        self._elements: list[atlas.Element] = []

    async def refresh(self) -> None:
        async with self._database.read() as session:
            self._elements = await atlas.elements(session)

    def field(self, type: str, field: str) -> dict[str, float]:  # noqa: A002
        return {
            one.id: float(one.fields[field])
            for one in self._elements
            if one.type == type and isinstance(one.fields.get(field), int | float)
        }

    def of_type(self, type: str) -> list[atlas.Element]:  # noqa: A002
        return [one for one in self._elements if one.type == type]

    def names(self, type: str) -> dict[str, Words]:  # noqa: A002
        return {
            one.id: Words(one.name, one.name_en or one.name)
            for one in self._elements
            if one.type == type
        }


class OpenWarnings:
    """All open warnings, kept up by the events of the watch room."""

    def __init__(self, database: cloud.Database) -> None:
        self._database = database
        self.by_id: dict[str, dict[str, Any]] = {}
        self._level_of: dict[str, str] = {}

    async def refresh(self) -> None:
        async with self._database.read() as session:
            rows, _ = await watch.page(session, watch.Wanted(open=True), 10_000, 0)
        self.by_id = {row.id: watch.shown(row) for row in rows}
        self._rate()

    def take(self, warning: dict[str, Any]) -> bool:
        """Take over a changed warning; return whether it is open."""
        is_open = bool(warning["state"] == "open")
        if is_open:
            self.by_id[warning["id"]] = warning
        else:
            self.by_id.pop(warning["id"], None)
        self._rate()
        return is_open

    def _rate(self) -> None:
        worst: dict[str, WarningLevel] = {}
        for warning in self.by_id.values():
            level = WarningLevel.of(warning["level"])
            worst[warning["thing"]] = max(level, worst.get(warning["thing"], level))
        self._level_of = {thing: level.key for thing, level in worst.items()}

    def level_of(self, thing: str) -> str | None:
        return self._level_of.get(thing)

    async def open(self) -> Sequence[dict[str, Any]]:
        return list(self.by_id.values())


class Surfaces:
    """Wall, live stream and public page of one web process."""

    def __init__(
        self, brain: Brain, bus: cloud.Bus, database: cloud.Database, mirror: Mirror,
        history: lake.Observations, cases: command.Cases, signs: vitals.Vitals,
        fields: ElementFields,
    ) -> None:  # fmt: skip
        self._brain, self._bus, self._database = brain, bus, database
        self._mirror, self._history, self._cases, self._signs = mirror, history, cases, signs
        self._fields, self._clock = fields, brain.clock
        self.warnings = OpenWarnings(database)
        screen = operations.screen_of(
            one.sections["screens"] for one in brain.packs if "screens" in one.sections
        )
        self._pulse = operations.Pulse(screen.strings)
        self.hub = operations.Hub(brain.clock)
        named = brain.settings.district
        demo = brain.clock.speed != 1 or brain.settings.clock != "system"
        self._wall = operations.Wall(
            clock=brain.clock,
            district=operations.District(named.name, named.name_en, demo),
            latest=mirror,
            elements=fields,
            warnings=self.warnings,
            cases=cases,
            vital_signs=signs,
            pulse=self._pulse,
            screen=screen,
        )

    def level_of(self, thing: str) -> str | None:
        return self.warnings.level_of(thing)

    def routers(self) -> list[Router]:
        return [operations_router(self._wall, self.hub), portal.router(self.warnings)]

    async def open(self) -> None:
        await self._fields.refresh()
        await self.warnings.refresh()
        self.hub.fill("warnings", self.warnings.by_id)
        await self._fill_cases()
        await self._count_today()
        self._mirror.on_counts = self._counted
        await self._bus.listen("events.watch.warning.*", self._warning)
        await self._bus.listen("events.command.case.*", self._case)
        await self._bus.listen("events.row.atlas.>", self._element)

    async def _element(self, _message: cloud.Message) -> None:
        await self._fields.refresh()

    async def _fill_cases(self) -> None:
        states = tuple(state.value for state in command.State if not state.ended)
        page, _ = await self._cases.page(command.CaseFilter(states=states), 1000)
        self.hub.fill("cases", {case["id"]: case for case in page})

    async def _warning(self, message: cloud.Message) -> None:
        event = msgspec.json.decode(message.data)
        warning = event["data"]
        kept = self.warnings.take(warning)
        self.hub.put("warnings", warning["id"], warning, keep=kept)
        if event["type"].endswith(("raised", "level")):
            at = parse_time(warning["changed_at"])
            level = WarningLevel.of(warning["level"])
            self._pulse.happened(operations.WARNINGS, at, level)
            source = self._brain.rule_book.get(f"{warning['pack']}/{warning['rule']}")
            key = self._pulse.key_of(source.type) if source else None
            if key:
                self._pulse.mark(key, at, level)

    async def _case(self, message: cloud.Message) -> None:
        event = msgspec.json.decode(message.data)
        case = await self._cases.detail(event["subject"])
        self.hub.put("cases", case["id"], case, keep=not command.State(case["state"]).ended)
        self._pulse.happened(operations.CASES, parse_time(event["time"]))

    def _counted(self, counts: Mapping[str, int]) -> None:
        for kind, count in counts.items():
            self._pulse.observed(kind, np.full(count, self._clock.now(), np.int64))

    async def _count_today(self) -> None:
        now = self._clock.now()
        since = now - (now + 8 * HOUR) % (24 * HOUR)
        for kind, properties in self._brain.types.items():
            things = [one.id for one in self._brain.elements if one.type == kind]
            for prop in properties:
                rows = await asyncio.to_thread(self._history.of_things, things, prop, since, now)
                self._pulse.observed(kind, np.array([row[1] for row in rows], np.int64))

    async def run(self) -> None:
        """Tell vitals and the clock once a second, and everything else as it changes."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.hub.run())
            tasks.create_task(self._tell())

    async def _tell(self) -> None:
        told: dict[str, Any] = {}
        while True:
            started = time.monotonic()
            try:
                for vital in self._signs.shown():
                    # The age grows by itself wherever it is shown; only news is told.
                    news = {key: value for key, value in vital.items() if key != "age_s"}
                    if told.get(vital["key"]) != news:
                        told[vital["key"]] = news
                        self.hub.put("vitals", vital["key"], vital)
                self.hub.tell_clock({"data_age_s": self._wall.data_age_s(), "gateways": {}})
            except Exception:
                log.exception("telling vitals")
            await asyncio.sleep(max(0.0, REFRESH - (time.monotonic() - started)))
