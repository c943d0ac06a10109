"""How far each pull has come and what became of it: its tables and their queries."""

from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, String, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from zhiyin.cloud import Row


class PullRow(Row):
    """A pull: its watermark, its last run, and who is at it."""

    __tablename__ = "network_pull"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    watermark: Mapped[Any] = mapped_column(JSON)
    validators: Mapped[Any] = mapped_column(JSON)
    asked_at: Mapped[int] = mapped_column(BigInteger)
    next_at: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[int] = mapped_column(BigInteger)
    good_at: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int]
    result: Mapped[Any] = mapped_column(JSON)
    fault: Mapped[Any] = mapped_column(JSON)
    holder: Mapped[str] = mapped_column(String(64))
    held_until: Mapped[int] = mapped_column(BigInteger)


class PullFileRow(Row):
    """A file that a pull has taken, by name and content."""

    __tablename__ = "network_pull_file"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(512), primary_key=True)
    mark: Mapped[str] = mapped_column(String(80))
    seen_at: Mapped[int] = mapped_column(BigInteger)


class PullState(msgspec.Struct):
    """What is known of a pull between its runs; times are UTC ms, 0 for never."""

    key: str
    state: str = "waiting"
    watermark: Any = None
    validators: dict[str, str] = {}
    asked_at: int = 0
    next_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    good_at: int = 0
    failures: int = 0
    result: dict[str, Any] = {}
    fault: dict[str, Any] = {}
    holder: str = ""
    held_until: int = 0


async def pull_states(session: AsyncSession) -> dict[str, PullState]:
    rows = await session.scalars(select(PullRow))
    return {row.key: _state(row) for row in rows}


async def pull_state(session: AsyncSession, key: str) -> PullState:
    row = await session.get(PullRow, key)
    return PullState(key) if row is None else _state(row)


def _state(row: PullRow) -> PullState:
    return PullState(**{name: getattr(row, name) for name in PullState.__struct_fields__})


async def know(session: AsyncSession, key: str) -> None:
    """See to it that the pull has its row."""
    if await session.get(PullRow, key) is None:
        session.add(PullRow(**msgspec.structs.asdict(PullState(key))))


async def hold(session: AsyncSession, key: str, holder: str, now: int, until: int) -> bool:
    """Take the pull for this runner until then; False while another has it.

    Past the session's events: who runs is nobody's history.
    """
    free = or_(PullRow.held_until < now, PullRow.holder == holder)
    taken = update(PullRow).where(PullRow.key == key, free).values(holder=holder, held_until=until)
    return bool((await session.execute(taken)).rowcount)  # type: ignore[attr-defined]


async def progress(session: AsyncSession, key: str, result: dict[str, Any], until: int) -> None:
    """Say how far a run is, and hold the pull longer; no event of it."""
    told = update(PullRow).where(PullRow.key == key).values(result=result, held_until=until)
    await session.execute(told)


async def change(session: AsyncSession, key: str, **values: Any) -> None:
    row = await session.get(PullRow, key)
    if row is not None:
        for name, value in values.items():
            setattr(row, name, value)


async def files_taken(session: AsyncSession, key: str) -> dict[str, str]:
    """Return the mark of each file taken, by name."""
    rows = await session.execute(
        select(PullFileRow.name, PullFileRow.mark).where(PullFileRow.key == key)
    )
    return {name: mark for name, mark in rows}  # noqa: C416


async def take_file(session: AsyncSession, key: str, name: str, mark: str, now: int) -> None:
    gone = delete(PullFileRow).where(PullFileRow.key == key, PullFileRow.name == name)
    await session.execute(gone)
    await session.execute(insert(PullFileRow).values(key=key, name=name, mark=mark, seen_at=now))


async def forget_files(session: AsyncSession, key: str, there: set[str]) -> None:
    """Forget files that are no longer there."""
    for name in set(await files_taken(session, key)) - there:
        await session.execute(
            delete(PullFileRow).where(PullFileRow.key == key, PullFileRow.name == name)
        )
