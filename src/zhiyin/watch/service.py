"""The verbs of the watch room: record what the engine judged, acknowledge, clear by hand."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import prometheus_client
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import announce
from zhiyin.kernel import CallerFault, Clock, WarningLevel, Words
from zhiyin.watch import store
from zhiyin.watch.model import Rule, Transition

changes = prometheus_client.Counter("zhiyin_warning_changes", "Changes of warnings", ["kind"])


class NoWarning(CallerFault):
    """An id that no warning has."""

    code = "watch-020"
    status = 404
    what = Words("没有编号为 {id} 的预警。", "There is no warning {id}.")
    do = Words("从预警列表打开它。", "Open it from the list of warnings.")


class AlreadyCleared(CallerFault):
    """A warning that is over."""

    code = "watch-021"
    status = 409
    what = Words("预警 {id} 已解除。", "Warning {id} is cleared already.")
    do = Words("刷新列表。", "Look at the list again.")


class NoteMissing(CallerFault):
    """Clearing by hand without saying why."""

    code = "watch-022"
    what = Words("备注是空的,应写明解除的原因。", "The note is empty; it should say why.")
    do = Words("写一句原因再解除。", "Write the reason, then clear.")


class ThingFacts(NamedTuple):
    """What a warning tells of the thing it is about."""

    name: str
    name_en: str
    lon: float | None
    lat: float | None
    area: str
    area_name: str
    outside: bool = False  # shown for comparison; opens no case here


class Things(Protocol):
    """Whoever knows the names and places of things, and what a series is of."""

    def facts(self, thing: str) -> ThingFacts: ...
    def series(self, index: int) -> tuple[str, str, str]:
        """Return (thing, property, unit)."""
        ...


async def record(
    session: AsyncSession, transitions: Sequence[Transition], rules: Mapping[str, Rule],
    things: Things, now: int,
) -> int:  # fmt: skip
    """Write down changes of warnings; those that are there already are left alone.

    `rules` is by `pack/key`. Returns how many were new. Each new one is announced as
    `watch.warning.raised`, `.level` or `.cleared` with the whole warning.
    """
    keys = [(t.warning, t.time, t.kind, t.level) for t in transitions]
    known = await store.known_changes(session, keys)
    rows = await store.load(session, (t.warning for t in transitions))
    fresh = 0
    for key, transition in zip(keys, transitions, strict=True):
        if key in known:
            continue
        known.add(key)
        fresh += 1
        row = rows.get(transition.warning)
        if row is None:
            row = _new(transition, rules.get(f"{transition.pack}/{transition.rule}"), things)
            rows[row.id] = row
            session.add(row)
        else:
            _change(row, transition, rules.get(f"{transition.pack}/{transition.rule}"), things)
        change = store.ChangeRow(
            warning=transition.warning,
            time=transition.time,
            kind=transition.kind,
            level=transition.level,
            value=_number(transition.value),
            recorded_at=now,
        )
        session.add(change)
        announce(session, f"watch.warning.{transition.kind}", row.id, store.shown(row))
        changes.labels(transition.kind).inc()
    return fresh


def _number(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124  (NaN has no place in JSON)


def _new(transition: Transition, rule: Rule | None, things: Things) -> store.WarningRow:
    thing, prop, unit = things.series(transition.series)
    facts = things.facts(thing)
    row = store.WarningRow(
        id=transition.warning, rule=transition.rule, pack=transition.pack,
        version=transition.version, level=transition.level, peak_level=transition.level,
        open=True, thing=thing, thing_name=facts.name, thing_name_en=facts.name_en,
        property=prop, unit=unit, value=_number(transition.value), lon=facts.lon, lat=facts.lat,
        area=facts.area, area_name=facts.area_name, title="", title_en="",
        raised_at=transition.time, changed_at=transition.time, cleared_at=None, cleared_by=None,
        acknowledged_at=None, acknowledged_by=None, note="", case_id=None,
        opens={} if facts.outside else _opens(rule), evidence=transition.evidence,
    )  # fmt: skip
    _word(row, rule)
    return row


def _opens(rule: Rule | None) -> dict[str, str]:
    return {level.key: case for level, case in rule.opens.items()} if rule else {}


def _change(
    row: store.WarningRow, transition: Transition, rule: Rule | None, things: Things
) -> None:
    row.changed_at = transition.time
    row.evidence = transition.evidence
    if transition.kind == "cleared":
        row.open = False
        row.cleared_at = row.cleared_at or transition.time
        return
    row.value = _number(transition.value)
    if transition.level > row.peak_level and not row.open:
        # Worse than when somebody cleared it by hand: that decision no longer holds.
        row.open, row.cleared_at, row.cleared_by = True, None, None
    row.level = transition.level
    row.peak_level = max(row.peak_level, transition.level)
    if not row.thing_name:
        row.thing_name = things.facts(row.thing).name
    _word(row, rule)


def _word(row: store.WarningRow, rule: Rule | None) -> None:
    value = "" if row.value is None else f"{row.value:.4g} {row.unit}".replace(" 1", "")
    if rule is not None and rule.kind == "silent":  # its value is a duration in seconds
        row.unit = "s"
        value = f"{(row.value or 0) / 60:.4g} min"
    says = rule.says if rule else Words("{thing}", "{thing}")
    fields = {"value": value, "property": row.property, "level": WarningLevel(row.level).key}
    row.title = says.zh.format(thing=row.thing_name, **fields)[:300]
    row.title_en = says.en.format(thing=row.thing_name_en or row.thing_name, **fields)[:300]


async def require(session: AsyncSession, warning: str) -> store.WarningRow:
    row = await store.get(session, warning)
    if row is None:
        raise NoWarning(warning, id=warning)
    return row


async def acknowledge(
    session: AsyncSession, warning: str, by: str, note: str, clock: Clock
) -> dict[str, Any]:
    """Note that `by` has seen it; the first to say so stays."""
    row = await require(session, warning)
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = clock.now(), by
        row.note = note[:1000] or row.note
        announce(session, "watch.warning.acknowledged", row.id, store.shown(row))
    return store.shown(row)


async def clear(
    session: AsyncSession, warning: str, by: str, note: str, clock: Clock
) -> dict[str, Any]:
    """Clear by hand, with a reason; it opens again if it gets worse than it was."""
    row = await require(session, warning)
    if not row.open:
        raise AlreadyCleared(warning, id=warning)
    if not note.strip():
        raise NoteMissing("note")
    row.open, row.cleared_at, row.cleared_by, row.note = False, clock.now(), by, note[:1000]
    announce(session, "watch.warning.cleared", row.id, store.shown(row))
    return store.shown(row)


async def attach_case(session: AsyncSession, warning: str, case: str) -> None:
    """Note which case was opened for a warning."""
    row = await store.get(session, warning)
    if row is not None and row.case_id is None:
        row.case_id = case
        announce(session, "watch.warning.case", row.id, store.shown(row))
