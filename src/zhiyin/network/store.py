"""Every query of the network room: devices, series and what was kept apart."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    Index,
    Integer,
    String,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from zhiyin.cloud import Row, announce
from zhiyin.network.model import Device, Rejected, Series

AT_ONCE = 500  # series in one event


MANY = 1_000  # values in one question; SQLite takes 32,766


class DeviceRow(Row):
    """A device that may send."""

    __tablename__ = "network_device"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(64), index=True)
    source: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(BigInteger)
    thing: Mapped[str] = mapped_column(String(64), index=True)
    template: Mapped[str] = mapped_column(String(64), default="")
    gateway: Mapped[str] = mapped_column(String(32), default="")
    address: Mapped[str] = mapped_column(String(128), default="")
    key: Mapped[str] = mapped_column(String(128), default="", info={"secret": True})
    certificate: Mapped[str] = mapped_column(String(400), default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    every: Mapped[int] = mapped_column(BigInteger, default=0)
    repair: Mapped[bool] = mapped_column(default=False)
    model: Mapped[str] = mapped_column(String(100), default="")
    firmware: Mapped[str] = mapped_column(String(100), default="")
    __table_args__ = (Index("network_device_by_address", "gateway", "address"),)


class CalibrationRow(Row):
    """One calibration or check of a device, as it was written down; never changed."""

    __tablename__ = "network_calibration"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    device: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column(String(120))
    result: Mapped[str] = mapped_column(String(16))
    certificate: Mapped[str] = mapped_column(String(120), default="")
    due: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(String(400), default="")


class OrderRow(Row):
    """A command to a device: who asked, when it went, what came back."""

    __tablename__ = "network_order"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    device: Mapped[str] = mapped_column(String(64), index=True)
    gateway: Mapped[str] = mapped_column(String(32))
    verb: Mapped[str] = mapped_column(String(64))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16), index=True)
    by: Mapped[str] = mapped_column(String(120))
    asked_at: Mapped[int] = mapped_column(BigInteger, index=True)
    deadline: Mapped[int] = mapped_column(BigInteger)
    sent_at: Mapped[int | None] = mapped_column(BigInteger)
    answered_at: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[str] = mapped_column(String(400), default="")
    answer: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class HappeningRow(Row):
    """Something a device said once: an alarm, an operation, a vision event; a candidate report."""

    __tablename__ = "network_happening"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    gateway: Mapped[str] = mapped_column(String(32))
    device: Mapped[str] = mapped_column(String(64), index=True)
    thing: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(64), index=True)
    part: Mapped[str] = mapped_column(String(64), default="")
    time: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, index=True)
    lon: Mapped[float | None] = mapped_column(Float(53))
    lat: Mapped[float | None] = mapped_column(Float(53))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    picture: Mapped[str] = mapped_column(String(200), default="")


class SeriesRow(Row):
    """A property of a thing; the index is dense and stays."""

    __tablename__ = "network_series"
    index: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    thing: Mapped[str] = mapped_column(String(64), index=True)
    property: Mapped[str] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(String(64), index=True)
    unit: Mapped[str] = mapped_column(String(32))
    floor: Mapped[float] = mapped_column(Float(53))
    ceiling: Mapped[float] = mapped_column(Float(53))
    every: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[int] = mapped_column(BigInteger)
    lateness: Mapped[int] = mapped_column(BigInteger)
    boolean: Mapped[bool]
    derived: Mapped[bool]


class RejectedRow(Row):
    """An observation kept apart."""

    __tablename__ = "network_quarantine"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), index=True)
    detail: Mapped[str] = mapped_column(String(400))
    source: Mapped[str] = mapped_column(String(64))
    received: Mapped[int] = mapped_column(BigInteger, index=True)
    thing: Mapped[str] = mapped_column(String(256), index=True)
    property: Mapped[str] = mapped_column(String(256))
    raw: Mapped[Any] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16), index=True)


async def load_series(session: AsyncSession, start: int = 0) -> list[Series]:
    """Return the series from index `start` on, in order."""
    table = SeriesRow.__table__
    found = await session.execute(
        select(table).where(SeriesRow.index >= start).order_by(SeriesRow.index)
    )
    return [msgspec.convert(dict(row), Series) for row in found.mappings()]


async def load_devices(session: AsyncSession) -> dict[str, str]:
    found = await session.execute(select(DeviceRow.id, DeviceRow.type))
    return {row.id: row.type for row in found}


async def all_devices(session: AsyncSession) -> list[Device]:
    """Return every device with all that is known of it, by id."""
    # Plain rows: the register is read whole on every change, by every gateway.
    columns = (DeviceRow.__table__.c[name] for name in Device.__struct_fields__)
    found = await session.execute(select(*columns).order_by(DeviceRow.id))
    return [Device(**row) for row in found.mappings()]


async def addresses(session: AsyncSession) -> dict[tuple[str, str], str]:
    """Return the id of every device that has an address, by gateway and address."""
    found = await session.execute(
        select(DeviceRow.gateway, DeviceRow.address, DeviceRow.id).where(DeviceRow.address != "")
    )
    return {(row.gateway, row.address): row.id for row in found}


async def things(session: AsyncSession) -> set[str]:
    """Return the things that have series."""
    return set(await session.scalars(select(SeriesRow.thing).distinct()))


def device_of(row: DeviceRow) -> Device:
    return Device(**{name: getattr(row, name) for name in Device.__struct_fields__})


async def add_devices(
    session: AsyncSession, devices: Sequence[DeviceRow], series: Sequence[dict[str, Any]]
) -> int:
    """Add devices and their series (without `index`); indices follow the last one.

    Returns how many series there are now. Whoever adds at the same time waits.
    """
    if session.bind is not None and session.bind.dialect.name == "postgresql":
        await session.execute(text("LOCK TABLE network_series IN EXCLUSIVE MODE"))
    last = (await session.execute(select(func.max(SeriesRow.index)))).scalar()
    following = 0 if last is None else last + 1
    session.add_all(devices)
    await session.flush()
    if series:
        rows = [{"index": following + n, **row} for n, row in enumerate(series)]
        await session.execute(insert(SeriesRow), rows)
        # Inserted at once, past the session, so the events are said here: one for many rows.
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            announce(session, "network.series.added", str(part[0]["index"]), {"series": part})
    return following + len(series)


async def keep(session: AsyncSession, items: Iterable[Rejected]) -> int:
    """Keep items apart; one that is kept already stays as it is. Returns how many were new."""
    wanted = {item.id: item for item in items}
    known: set[str] = set()
    ids = list(wanted)
    for at in range(0, len(ids), MANY):
        among = RejectedRow.id.in_(ids[at : at + MANY])
        known.update(await session.scalars(select(RejectedRow.id).where(among)))
    fresh = [item for key, item in wanted.items() if key not in known]
    session.add_all([RejectedRow(**_storable(item)) for item in fresh])
    return len(fresh)


def _storable(item: Rejected) -> dict[str, Any]:
    """Return the item's fields without NUL, which PostgreSQL's text cannot hold."""
    fields = msgspec.structs.asdict(item)
    for name in ("thing", "property", "detail"):
        fields[name] = fields[name].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return fields


def _wanted(reason: str | None, thing: str | None, state: str | None) -> Any:
    question = select(RejectedRow)
    if reason:
        question = question.where(RejectedRow.reason == reason)
    if thing:
        question = question.where(RejectedRow.thing == thing)
    if state:
        question = question.where(RejectedRow.state == state)
    return question


async def list_kept(
    session: AsyncSession, reason: str | None, thing: str | None, state: str | None,
    limit: int, offset: int,
) -> tuple[list[Rejected], int]:  # fmt: skip
    """Return one page, newest first, and how many there are in all."""
    question = _wanted(reason, thing, state)
    total = (await session.execute(select(func.count()).select_from(question.subquery()))).scalar()
    page = question.order_by(RejectedRow.received.desc(), RejectedRow.id).limit(limit)
    rows = await session.scalars(page.offset(offset))
    return [_rejected(row) for row in rows], total or 0


async def kept_by_id(session: AsyncSession, ids: Sequence[str]) -> list[Rejected]:
    rows = await session.scalars(select(RejectedRow).where(RejectedRow.id.in_(ids)))
    return [_rejected(row) for row in rows]


async def count_kept(session: AsyncSession) -> dict[str, int]:
    found = await session.execute(
        select(RejectedRow.reason, func.count())
        .where(RejectedRow.state == "kept")
        .group_by(RejectedRow.reason)
    )
    return {reason: count for reason, count in found}  # noqa: C416


async def mark(session: AsyncSession, ids: Sequence[str], state: str) -> None:
    for row in await session.scalars(select(RejectedRow).where(RejectedRow.id.in_(ids))):
        row.state = state


def _rejected(row: RejectedRow) -> Rejected:
    return Rejected(**{name: getattr(row, name) for name in Rejected.__struct_fields__})
