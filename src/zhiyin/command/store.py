"""联动指挥:the tables of cases and their logs, and every query on them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Select,
    SmallInteger,
    String,
    UniqueConstraint,
    case,
    event,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from zhiyin import cloud
from zhiyin.command.model import State, Step, StepRecord
from zhiyin.kernel import OurFault, Words

ENDED = (State.CLOSED, State.VOID)


class LogIsFixed(OurFault):
    """Some code tried to change a line of a case's log."""

    code = "command-020"
    what = Words(
        "案件记录的一行将被改动;只可追加。",
        "A line of a case's log was to change; lines are added only.",
    )
    do = Words("再记一步来更正。", "Correct it by another step.")


class Case(cloud.Row):
    """A case as it stands; its log says how it came to be so."""

    __tablename__ = "command_case"
    __table_args__ = (
        UniqueConstraint("warning_id", "type", name="command_case_warning"),
        UniqueConstraint("day", "number", name="command_case_number"),
        Index("command_case_due", "state", "due_at"),
    )
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[str] = mapped_column(String(40), index=True)
    day: Mapped[str] = mapped_column(String(10))  # the district's day; numbers come again each year
    type: Mapped[str] = mapped_column(String(64), index=True)
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    level: Mapped[int] = mapped_column(SmallInteger)
    thing: Mapped[str] = mapped_column(String(64), default="")
    thing_name: Mapped[str] = mapped_column(String(200), default="")
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    area: Mapped[str] = mapped_column(String(40), default="", index=True)
    area_name: Mapped[str] = mapped_column(String(200), default="")
    unit: Mapped[str] = mapped_column(String(120))
    warning_id: Mapped[str | None] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[int] = mapped_column(BigInteger, index=True)
    due_at: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    rework: Mapped[int] = mapped_column(Integer, default=0)
    disposed_by: Mapped[list[str]] = mapped_column(JSON, default=list)
    steps: Mapped[int] = mapped_column(Integer, default=1)
    head: Mapped[str] = mapped_column(String(64))  # the hash of the log's last line
    version: Mapped[int] = mapped_column(Integer)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  (SQLAlchemy's own form)


class CaseStep(cloud.Row):
    """One line of a case's log; never changed, never removed."""

    __tablename__ = "command_step"
    case_id: Mapped[str] = mapped_column(ForeignKey("command_case.id"), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[str] = mapped_column(String(20))
    at: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column(String(120))
    unit: Mapped[str] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(String(2000))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class CaseNumber(cloud.Row):
    """How far the numbers of one day have counted."""

    __tablename__ = "command_number"
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


@event.listens_for(CaseStep, "before_update")
@event.listens_for(CaseStep, "before_delete")
def _refuse(_mapper: object, _connection: object, line: CaseStep) -> None:
    raise LogIsFixed(f"{line.case_id}/{line.n}")


class CaseFilter(msgspec.Struct, frozen=True):
    """Which cases a list holds; an empty field filters nothing."""

    states: tuple[str, ...] = ()
    area: str = ""
    type: str = ""
    unit: str = ""
    level: int = 0
    overdue: bool | None = None
    q: str = ""


async def take_number(session: AsyncSession, day: str) -> int:
    """Return the next number of a day; the row is locked until the transaction ends."""
    count = (
        update(CaseNumber)
        .where(CaseNumber.day == day)
        .values(last=CaseNumber.last + 1)
        .returning(CaseNumber.last)
    )
    number = await session.scalar(count)
    if number is None:
        try:
            async with session.begin_nested():
                session.add(CaseNumber(day=day, last=1))
        except IntegrityError:  # another transaction began the day in between
            number = await session.scalar(count)
        else:
            number = 1
    assert number is not None
    return number


async def get_case(session: AsyncSession, id: str) -> Case | None:  # noqa: A002
    return await session.get(Case, id)


async def of_warning(session: AsyncSession, warning_id: str) -> Sequence[Case]:
    found = await session.scalars(
        select(Case).where(Case.warning_id == warning_id).order_by(Case.opened_at, Case.id)
    )
    return found.all()


def append_step(session: AsyncSession, record: StepRecord) -> None:
    session.add(CaseStep(**msgspec.structs.asdict(record)))


async def log_of(session: AsyncSession, case_id: str) -> list[StepRecord]:
    rows = await session.scalars(
        select(CaseStep).where(CaseStep.case_id == case_id).order_by(CaseStep.n)
    )
    return [
        StepRecord(
            case_id=row.case_id, n=row.n, step=Step(row.step), at=row.at, by=row.by, unit=row.unit,
            note=row.note, data=row.data, previous_hash=row.previous_hash, hash=row.hash,
        )
        for row in rows
    ]  # fmt: skip


def _late(now: int) -> ColumnElement[bool]:
    return func.coalesce(Case.closed_at, now) > Case.due_at


def _where(wanted: CaseFilter, now: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(Case.state.in_(wanted.states))
    if wanted.area:
        conditions.append(or_(Case.area == wanted.area, Case.area_name == wanted.area))
    if wanted.type:
        conditions.append(Case.type == wanted.type)
    if wanted.unit:
        conditions.append(Case.unit == wanted.unit)
    if wanted.level:
        conditions.append(Case.level >= wanted.level)
    if wanted.overdue is not None:
        late = _late(now) & (Case.state != State.VOID)
        conditions.append(late if wanted.overdue else ~late)
    if wanted.q:
        searched = (
            Case.number,
            Case.title,
            Case.title_en,
            Case.area_name,
            Case.thing_name,
            Case.unit,
        )
        conditions.append(
            or_(*(column.icontains(wanted.q, autoescape=True) for column in searched))
        )
    return conditions


def _by_remaining(query: Select[Any]) -> Select[Any]:
    """Open cases by how soon they are due, then ended ones, the last ended first."""
    ended = case((Case.closed_at.is_(None), 0), else_=1)
    due = case((Case.closed_at.is_(None), Case.due_at), else_=-Case.closed_at)
    return query.order_by(ended, due, Case.opened_at, Case.number)


async def list_cases(
    session: AsyncSession, wanted: CaseFilter, now: int, limit: int, offset: int = 0
) -> tuple[Sequence[Case], int]:
    """Return a page of cases by remaining time, and how many there are in all."""
    conditions = _where(wanted, now)
    total = await session.scalar(select(func.count()).select_from(Case).where(*conditions))
    page = _by_remaining(select(Case).where(*conditions)).limit(limit).offset(offset)
    return (await session.scalars(page)).all(), total or 0


class Day(msgspec.Struct, frozen=True):
    """The cases of one day in figures."""

    received: int  # opened since the day began
    closed: int  # closed since the day began, whenever opened
    moving: int  # open now
    overdue: int  # open now and past due


async def day_figures(session: AsyncSession, since: int, now: int) -> Day:
    ended, closed = Case.state.in_(ENDED), Case.state == State.CLOSED
    row = (
        await session.execute(
            select(
                _how_many((Case.opened_at >= since) & (Case.opened_at <= now)),
                _how_many(closed & (Case.closed_at >= since)),
                _how_many(~ended),
                _how_many(~ended & (Case.due_at < now)),
            )
        )
    ).one()
    return Day(*(int(count) for count in row))


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


async def opened_between(session: AsyncSession, start: int, end: int) -> Sequence[int]:
    """Return the opening moments in [start, end), in order."""
    moments = select(Case.opened_at).where(Case.opened_at >= start, Case.opened_at < end)
    return (await session.scalars(moments.order_by(Case.opened_at))).all()


async def type_figures(session: AsyncSession, since: int, now: int) -> list[tuple[str, int, int]]:
    """Return (type, opened since, of these not late by now) by number, void ones left out."""
    on_time = _how_many(~_late(now))
    count = func.count()
    rows = await session.execute(
        select(Case.type, count, on_time)
        .where(Case.opened_at >= since, Case.state != State.VOID)
        .group_by(Case.type)
        .order_by(count.desc(), Case.type)
    )
    return [(kind, int(n), int(good)) for kind, n, good in rows]
