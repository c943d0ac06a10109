"""联动指挥:open cases for warnings, take steps, answer what may be done next and what is due."""

from typing import Any, Final

import msgspec
import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from zhiyin import cloud
from zhiyin.command import store
from zhiyin.command.clock import (
    WorkingCalendar,
    district_day,
    due_at,
    load_calendar,
    midnight,
    remaining,
    running,
)
from zhiyin.command.model import (
    STATE_WORDS,
    CaseMoved,
    CaseType,
    CaseTypes,
    Progress,
    State,
    Step,
    StepRecord,
    UnknownCase,
)
from zhiyin.command.steps import (
    applied,
    begun,
    may,
    refusal,
    require_note,
    sealed,
    verify_chain,
    why_not,
)
from zhiyin.command.store import Case, CaseFilter
from zhiyin.kernel import (
    HOUR,
    Clock,
    WarningLevel,
    fixed_id,
    iso,
    new_id,
)

log = structlog.get_logger()
RULE: Final = "system:command"


class NewCase(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a case is opened."""

    type: str
    level: WarningLevel
    title: str
    title_en: str
    source: str
    warning_id: str | None = None
    thing: str = ""
    thing_name: str = ""
    place: tuple[float, float] | None = None
    area: str = ""
    area_name: str = ""
    note: str = ""
    data: dict[str, Any] = {}


class Cases:
    """The desk of cases: every verb of the room, over the types and the calendar of a district."""

    def __init__(
        self,
        database: cloud.Database,
        clock: Clock,
        types: CaseTypes,
        calendar: WorkingCalendar | None = None,
        prefix: str = "HY",
    ) -> None:
        self.database, self.clock, self.types = database, clock, types
        self.calendar = calendar or load_calendar()
        self._prefix = prefix

    async def on_warning(self, session: AsyncSession, event: dict[str, Any]) -> Case | None:
        """Do what an event of a warning asks for; the same event again changes nothing.

        `event` is the CloudEvent `watch.warning.raised|level|cleared`, its data with `warning` (the
        warning's JSON), `level` (key or number) and `opens` ({level key: case type}). Returns the
        case opened or touched, None when the warning has none at this level.
        """
        if event["type"].endswith(".cleared"):
            return await self._warning_cleared(session, event)
        data = event["data"]
        level = level_of(data["level"])
        kind = type_at(data.get("opens") or {}, level)
        warning = data["warning"]
        cases = await store.of_warning(session, warning["id"])
        for case in cases:
            await self._raise_level(session, case, level, event)
        if kind is None or any(case.type == kind for case in cases):
            return cases[-1] if cases else None
        return await self._open_for(session, kind, level, event)

    async def _open_for(
        self, session: AsyncSession, kind: str, level: WarningLevel, event: dict[str, Any]
    ) -> Case | None:
        warning = event["data"]["warning"]
        if not self.types.knows(kind):
            # Its pack was switched off: one event that cannot be must not hold up those behind it.
            log.error("no such case type", case_type=kind, warning=warning["id"])
            said = {"type": kind, "warning_id": warning["id"], "level": level.key}
            cloud.announce(session, "command.case.refused", warning["id"], said)
            return None
        new = _from_warning(kind, level, warning, event)
        try:
            async with session.begin_nested():
                return await self.open(session, new, by=RULE)
        except IntegrityError:  # another process has opened it in between
            cases = await store.of_warning(session, warning["id"])
            return next((case for case in cases if case.type == kind), None)

    async def open(self, session: AsyncSession, new: NewCase, by: str) -> Case:
        """Open a case with number, due time and first line; announces command.case.opened."""
        now = self.clock.now()
        kind = self.types.require(new.type, now)
        due = due_at(now, kind.limit, kind.calendar, self.calendar)
        day = district_day(now)
        count = await store.take_number(session, day.isoformat())
        id = fixed_id("case", new.warning_id, kind.key) if new.warning_id else new_id()  # noqa: A001
        data = {**new.data, "type": kind.key, "level": int(new.level), "due_at": due}
        first = sealed(
            StepRecord(id, 1, Step.FILE, now, by, kind.unit.zh, new.note, data), previous_hash=""
        )
        case = Case(
            id=id, number=f"{self._prefix}-{day:%m%d}-{count:04d}", day=day.isoformat(),
            type=kind.key, title=new.title, title_en=new.title_en, thing=new.thing,
            thing_name=new.thing_name, lon=new.place[0] if new.place else None,
            lat=new.place[1] if new.place else None, area=new.area, area_name=new.area_name,
            warning_id=new.warning_id, source=new.source, opened_at=now,
        )  # fmt: skip
        self._settle(case, begun(first), first)
        session.add(case)
        await session.flush()  # the case before its first line: one refers to the other
        store.append_step(session, first)
        await session.flush()
        cloud.announce(session, "command.case.opened", case.id, self.shown(case, by))
        return case

    async def take(
        self,
        session: AsyncSession,
        id: str,  # noqa: A002
        step: Step,
        by: str,
        note: str = "",
        unit: str = "",
        seen: int | None = None,
    ) -> Case:
        """Take one step, or raise why not; announces command.case.stepped or .closed."""
        case = await self.require(session, id)
        if seen is not None and seen != case.version:
            raise CaseMoved(id, number=case.number, version=case.version, seen=seen)
        number = case.number
        fault = refusal(self._kind(case), number, progress_of(case), step, by)
        if fault is not None:
            raise fault
        require_note(step, note)
        version = case.version
        try:
            await self._append(session, case, step, by, note=note, unit=unit)
        except StaleDataError as stale:  # another process took a step between reading and writing
            raise CaseMoved(id, number=number, version=version + 1, seen=version) from stale
        return case

    async def _append(
        self, session: AsyncSession, case: Case, step: Step, by: str,
        note: str = "", unit: str = "", data: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        record = sealed(
            StepRecord(
                case.id,
                case.steps + 1,
                step,
                self.clock.now(),
                by,
                unit or case.unit,
                note.strip(),
                data or {},
            ),
            previous_hash=case.head,
        )
        self._settle(case, applied(progress_of(case), record), record)
        store.append_step(session, record)
        await session.flush()
        verb = "closed" if State(case.state).ended else "stepped"
        said = {**self.shown(case, by), "step": step.value, "by": by, "note": record.note}
        cloud.announce(session, f"command.case.{verb}", case.id, said)

    def _settle(self, case: Case, progress: Progress, record: StepRecord) -> None:
        case.state, case.level = progress.state.value, int(progress.level)
        case.unit, case.due_at, case.rework = progress.unit, progress.due_at, progress.rework
        case.disposed_by, case.closed_at = list(progress.disposed_by), progress.closed_at
        case.steps, case.head = progress.n, record.hash

    async def _raise_level(
        self, session: AsyncSession, case: Case, level: WarningLevel, event: dict[str, Any]
    ) -> None:
        if State(case.state).ended or level <= case.level:
            return
        note = f"预警升至{_LEVEL_ZH[level]}色"
        english = f"The warning rose to {level.key}"
        data = {"level": int(level), "event": event["id"], "note_en": english}
        await self._append(session, case, Step.NOTE, RULE, note=note, data=data)

    async def _warning_cleared(self, session: AsyncSession, event: dict[str, Any]) -> Case | None:
        cases = await store.of_warning(session, event["data"]["warning"]["id"])
        for case in cases:
            log = await store.log_of(session, case.id)
            told = any(record.data.get("cleared") for record in log)
            if not told and not State(case.state).ended:
                english = "The warning is cleared"
                data = {"cleared": True, "event": event["id"], "note_en": english}
                await self._append(session, case, Step.NOTE, RULE, note="预警已解除", data=data)
        return cases[-1] if cases else None

    async def require(self, session: AsyncSession, id: str) -> Case:  # noqa: A002
        case = await store.get_case(session, id)
        if case is None:
            raise UnknownCase(id, id=id)
        return case

    async def page(
        self, wanted: CaseFilter, limit: int, offset: int = 0, by: str = ""
    ) -> tuple[list[dict[str, Any]], int]:
        """Return cases as JSON by remaining time, and how many there are in all."""
        async with self.database.read() as session:
            cases, total = await store.list_cases(session, wanted, self.clock.now(), limit, offset)
            return [self.shown(case, by) for case in cases], total

    async def detail(self, id: str, by: str = "") -> dict[str, Any]:  # noqa: A002
        """Return one case as JSON with its log and with why each other step is not open."""
        async with self.database.read() as session:
            case = await self.require(session, id)
            log = await store.log_of(session, id)
        kind, progress = self._kind(case), progress_of(case)
        refused = why_not(kind, case.number, progress, by)
        return {
            **self.shown(case, by),
            "why_not": {step.value: words._asdict() for step, words in refused.items()},
            "steps": [_line(record) for record in log],
        }

    async def verify(self, id: str) -> dict[str, Any]:  # noqa: A002
        """Return whether the case's log is whole: {holds, steps, head, breaks_at}."""
        async with self.database.read() as session:
            case = await self.require(session, id)
            log = await store.log_of(session, id)
        breaks_at = verify_chain(log, case.head)
        return {
            "holds": breaks_at is None, "steps": len(log), "head": case.head, "breaks_at": breaks_at
        }  # fmt: skip

    async def figures(self) -> dict[str, Any]:
        """Return today's cases as the wall shows them: `today`, `hours` and `by_type`."""
        now = self.clock.now()
        start = midnight(district_day(now))
        async with self.database.read() as session:
            day = await store.day_figures(session, start, now)
            opened = await store.opened_between(session, start - 24 * HOUR, now + 1)
            kinds = await store.type_figures(session, start, now)
        return {
            "today": msgspec.structs.asdict(day),
            "hours": _hours(list(opened), start, now),
            "by_type": [
                {"type": key, **self._titles(key), "count": n, "on_time": good}
                for key, n, good in kinds
            ],
        }

    def shown(self, case: Case, by: str = "") -> dict[str, Any]:
        """Return a case as the JSON of a list; `may` holds the steps open to `by`."""
        now, kind = self.clock.now(), self._kind(case)
        progress, at = progress_of(case), case.closed_at or now
        left = remaining(case.due_at, at, kind.calendar, self.calendar)
        words = STATE_WORDS[progress.state]
        return {
            "id": case.id, "number": case.number, "type": case.type, "pack": kind.pack,
            "type_title": kind.title.zh, "type_title_en": kind.title.en,
            "title": case.title, "title_en": case.title_en,
            "state": case.state, "state_title": words.zh, "state_title_en": words.en,
            "level": progress.level.key, "thing": case.thing, "thing_name": case.thing_name,
            "area": case.area, "area_name": case.area_name,
            "place": None if case.lon is None else [case.lon, case.lat],
            "unit": case.unit,
            "unit_en": kind.unit.en if case.unit == kind.unit.zh else case.unit,
            "assist": [unit.zh for unit in kind.assist],
            "assist_en": [unit.en for unit in kind.assist],
            "closes": kind.closes.zh, "closes_en": kind.closes.en,
            "opened_at": iso(case.opened_at), "due_at": iso(case.due_at),
            "closed_at": None if case.closed_at is None else iso(case.closed_at),
            "limit_s": kind.limit // 1000, "calendar": kind.calendar.value,
            "remaining_s": left // 1000, "overdue": at > case.due_at,
            "clock_running": not progress.state.ended
            and running(now, kind.calendar, self.calendar),
            "due_provisional": not self.calendar.knows(district_day(case.due_at)),
            "rework": case.rework, "disposed_by": list(case.disposed_by),
            "warning_id": case.warning_id, "source": case.source, "version": case.version,
            "hash": case.head,
            "may": [step.value for step in may(kind, case.number, progress, by)],
        }  # fmt: skip

    def _kind(self, case: Case) -> CaseType:
        return self.types.require(case.type, case.opened_at)

    def _titles(self, key: str) -> dict[str, str]:
        kind = self.types.require(key, self.clock.now())
        return {"title": kind.title.zh, "title_en": kind.title.en}


_LEVEL_ZH: Final = {
    WarningLevel.NONE: "无", WarningLevel.BLUE: "蓝", WarningLevel.YELLOW: "黄",
    WarningLevel.ORANGE: "橙", WarningLevel.RED: "红",
}  # fmt: skip


def level_of(level: str | int) -> WarningLevel:
    return WarningLevel.of(level) if isinstance(level, str) else WarningLevel(level)


def type_at(opens: dict[str, str], level: WarningLevel) -> str | None:
    """Return the case type of the highest level reached that opens one, None if none does.

    A warning that jumps from nothing to red has reached orange on the way.
    """
    reached = [key for key in opens if WarningLevel.of(key) <= level]
    return opens[max(reached, key=WarningLevel.of)] if reached else None


def progress_of(case: Case) -> Progress:
    """Return what the row says; `steps.replay` of the log says the same."""
    return Progress(
        state=State(case.state), level=WarningLevel(case.level), unit=case.unit, due_at=case.due_at,
        rework=case.rework, disposed_by=tuple(case.disposed_by), closed_at=case.closed_at,
        n=case.steps,
    )  # fmt: skip


def _from_warning(
    kind: str, level: WarningLevel, warning: dict[str, Any], event: dict[str, Any]
) -> NewCase:
    place = warning.get("place")
    title = str(warning.get("says") or warning.get("title") or "")
    return NewCase(
        type=kind, level=level, title=title,
        title_en=str(warning.get("says_en") or warning.get("title_en") or title),
        source="warning", warning_id=warning["id"],
        thing=warning.get("thing") or "", thing_name=warning.get("thing_name") or "",
        place=(place[0], place[1]) if place else None,
        area=warning.get("area") or "", area_name=warning.get("area_name") or "",
        data={
            "event": event["id"],
            "rule": warning.get("rule"),
            "value": warning.get("value"),
            "unit": warning.get("unit"),
            "warned_at": event.get("time"),
            "evidence": warning.get("evidence"),
        },
    )  # fmt: skip


def _line(record: StepRecord) -> dict[str, Any]:
    line = msgspec.structs.asdict(record)
    english = record.data.get("note_en", record.note)
    return {**line, "step": record.step.value, "at": iso(record.at), "note_en": english}


def _hours(opened: list[int], start: int, now: int) -> list[dict[str, int | None]]:
    """Count openings by hour of today and yesterday; an hour yet to come is None, not 0."""
    counts = {-1: [0] * 24, 0: [0] * 24}
    for at in opened:
        hour = (at - start) // HOUR
        counts[-1 if hour < 0 else 0][hour % 24] += 1
    this = (now - start) // HOUR
    return [
        {"hour": h, "today": counts[0][h] if h <= this else None, "yesterday": counts[-1][h]}
        for h in range(24)
    ]
