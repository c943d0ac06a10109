"""Every query of the watch room: warnings and each of their changes."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import JSON, BigInteger, Float, Integer, String, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from zhiyin.cloud import Row
from zhiyin.kernel import WarningLevel, iso


class WarningRow(Row):
    """A warning: one episode of one rule at one thing."""

    __tablename__ = "watch_warning"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    rule: Mapped[str] = mapped_column(String(128), index=True)
    pack: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    level: Mapped[int] = mapped_column(Integer)
    peak_level: Mapped[int] = mapped_column(Integer)
    open: Mapped[bool] = mapped_column(index=True)
    thing: Mapped[str] = mapped_column(String(64), index=True)
    thing_name: Mapped[str] = mapped_column(String(200))
    thing_name_en: Mapped[str] = mapped_column(String(200))
    property: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str] = mapped_column(String(32))
    value: Mapped[float | None] = mapped_column(Float(53))
    lon: Mapped[float | None] = mapped_column(Float(53))
    lat: Mapped[float | None] = mapped_column(Float(53))
    area: Mapped[str] = mapped_column(String(12), index=True)
    area_name: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(300))
    title_en: Mapped[str] = mapped_column(String(300))
    raised_at: Mapped[int] = mapped_column(BigInteger, index=True)
    changed_at: Mapped[int] = mapped_column(BigInteger)
    cleared_at: Mapped[int | None] = mapped_column(BigInteger)
    cleared_by: Mapped[str | None] = mapped_column(String(120))
    acknowledged_at: Mapped[int | None] = mapped_column(BigInteger)
    acknowledged_by: Mapped[str | None] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(String(1000))
    case_id: Mapped[str | None] = mapped_column(String(64))
    opens: Mapped[dict[str, str]] = mapped_column(JSON)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)


class ChangeRow(Row):
    """One change of a warning; its key makes a repetition recognisable."""

    __tablename__ = "watch_change"
    warning: Mapped[str] = mapped_column(String(64), primary_key=True)
    time: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    level: Mapped[int] = mapped_column(Integer, primary_key=True)
    value: Mapped[float | None] = mapped_column(Float(53))
    recorded_at: Mapped[int] = mapped_column(BigInteger)


class Wanted(NamedTuple):
    """A filter of warnings; None is any."""

    open: bool | None = None
    level: WarningLevel | None = None
    area: str | None = None
    thing: str | None = None
    q: str | None = None


Key = tuple[str, int, str, int]


async def known_changes(session: AsyncSession, keys: Sequence[Key]) -> set[Key]:
    columns = (ChangeRow.warning, ChangeRow.time, ChangeRow.kind, ChangeRow.level)
    found = await session.execute(select(*columns).where(tuple_(*columns).in_(keys)))
    return {(row[0], row[1], row[2], row[3]) for row in found}


async def load(session: AsyncSession, ids: Iterable[str]) -> dict[str, WarningRow]:
    rows = await session.scalars(select(WarningRow).where(WarningRow.id.in_(set(ids))))
    return {row.id: row for row in rows}


async def get(session: AsyncSession, warning: str) -> WarningRow | None:
    return await session.get(WarningRow, warning)


async def changes_of(session: AsyncSession, warning: str) -> list[ChangeRow]:
    rows = await session.scalars(
        select(ChangeRow).where(ChangeRow.warning == warning).order_by(ChangeRow.time)
    )
    return list(rows)


async def page(
    session: AsyncSession, wanted: Wanted, limit: int, offset: int
) -> tuple[list[WarningRow], int]:
    """Return one page, highest level first, then newest, and how many there are in all."""
    question = select(WarningRow)
    if wanted.open is not None:
        question = question.where(WarningRow.open.is_(wanted.open))
    if wanted.level is not None:
        question = question.where(WarningRow.level == int(wanted.level))
    if wanted.area:
        question = question.where(WarningRow.area.startswith(wanted.area, autoescape=True))
    if wanted.thing:
        question = question.where(WarningRow.thing == wanted.thing)
    if wanted.q:
        texts = (WarningRow.title, WarningRow.title_en, WarningRow.thing, WarningRow.area_name)
        question = question.where(
            or_(*(text.icontains(wanted.q, autoescape=True) for text in texts))
        )
    total = (await session.execute(select(func.count()).select_from(question.subquery()))).scalar()
    order = (WarningRow.open.desc(), WarningRow.level.desc(), WarningRow.raised_at.desc())
    rows = await session.scalars(
        question.order_by(*order, WarningRow.id).limit(limit).offset(offset)
    )
    return list(rows), total or 0


async def open_levels(session: AsyncSession) -> dict[str, int]:
    """Return how many warnings are open per level, `red` to `blue`."""
    found = await session.execute(
        select(WarningRow.level, func.count()).where(WarningRow.open).group_by(WarningRow.level)
    )
    counts = {level.key: 0 for level in reversed(WarningLevel) if level}
    counts.update({WarningLevel(level).key: count for level, count in found})
    return counts


def shown(row: WarningRow) -> dict[str, Any]:
    """Return the warning as it is told to the outside."""

    def when(millis: int | None) -> str | None:
        return iso(millis) if millis is not None else None

    return {
        "id": row.id, "rule": row.rule, "pack": row.pack, "version": row.version,
        "title": row.title, "title_en": row.title_en,
        "says": row.title, "says_en": row.title_en,
        "level": WarningLevel(row.level).key, "peak_level": WarningLevel(row.peak_level).key,
        "state": "open" if row.open else "cleared",
        "acknowledged_by": row.acknowledged_by, "acknowledged_at": when(row.acknowledged_at),
        "thing": row.thing, "thing_name": row.thing_name, "thing_name_en": row.thing_name_en,
        "property": row.property, "value": row.value, "unit": row.unit,
        "place": [row.lon, row.lat] if row.lon is not None else None,
        "area": row.area, "area_name": row.area_name,
        "raised_at": when(row.raised_at), "changed_at": when(row.changed_at),
        "cleared_at": when(row.cleared_at), "cleared_by": row.cleared_by,
        "data_time": when(row.changed_at), "note": row.note, "case_id": row.case_id,
        "opens": row.opens, "evidence": row.evidence,
    }  # fmt: skip
