"""Observations of both stores in the order of time, in parts, as long as somebody wants more.

Three sources are merged: the lake (window by window, so that a long series is never read whole),
the rows of the operations store, which hide what they stand for, and the tail the lake lacks yet.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin import lake
from zhiyin.kernel import DAY
from zhiyin.network.sensorthings.model import Entity
from zhiyin.network.sensorthings.store import ObservationRow
from zhiyin.network.sensorthings.streams import (
    Key,
    Stream,
    behind,
    entity_of_number,
    entity_of_row,
)

ROWS = 1_000  # of the operations store at once
MOST = 10_000  # of the lake at once


class Found(NamedTuple):
    """An observation and where it was found; None stands for one that is gone."""

    key: Key
    entity: Entity | None
    judged: bool  # the lake has looked at the whole condition already


class Plan(NamedTuple):
    """What to merge: the datastreams, what the lake is asked, and in which direction of time."""

    streams: Mapping[int, Stream]
    named: Sequence[lake.Named]
    asked: lake.Question
    exact: bool  # what the lake is asked is all that is wanted
    tail: Sequence[tuple[int, int, float]]
    span: tuple[int, int] | None  # the first and last time that the lake has of them
    rows: Select[Any] | None
    descending: bool = False
    behind: Key | None = None
    first: int = 200  # rows of the lake to begin with


def _place(key: Key, *, descending: bool) -> tuple[int, int, int]:
    return (-key.time if descending else key.time, key.datastream, key.turn)


async def of_lake(recorded: lake.Recorded, plan: Plan) -> AsyncIterator[list[Found]]:
    """Yield what the lake has, window by window; windows grow, and so do the parts."""
    if plan.span is None or not plan.named:
        return
    start = max(plan.asked.start, plan.span[0])
    end = min(plan.asked.end, plan.span[1] + 1)
    if plan.behind is not None:
        if plan.descending:
            end = min(end, plan.behind.time + 1)
        else:
            start = max(start, plan.behind.time)
    width, most = DAY, min(MOST, plan.first)
    after = (plan.behind.time, plan.behind.datastream) if plan.behind is not None else None
    while start < end:
        # Windows end with days, because the lake's files do.
        if plan.descending:
            since, until = max(start, (end - 1) // DAY * DAY - width + DAY), end
        else:
            since, until = start, min(end, start // DAY * DAY + width)
        while True:
            asked = plan.asked._replace(start=since, end=until, behind=after)
            sorting: lake.Sorting = "t DESC" if plan.descending else "t"
            rows = await asyncio.to_thread(recorded.rows, plan.named, asked, sorting, most)
            yield [
                Found(Key(n, t), entity_of_number(plan.streams[n], t, value), plan.exact)
                for n, t, value in rows
            ]
            if len(rows) < most:
                break
            after, most = (rows[-1][1], rows[-1][0]), min(MOST, most * 4)
        start, end = (start, since) if plan.descending else (until, end)
        width *= 4


async def of_store(session: AsyncSession, plan: Plan) -> AsyncIterator[list[Found]]:
    """Yield the rows of the operations store, those that are gone among them."""
    if plan.rows is None:
        return
    row, after = ObservationRow, plan.behind
    order = row.time.desc() if plan.descending else row.time.asc()
    question = plan.rows.where(row.time >= plan.asked.start, row.time < plan.asked.end)
    question = question.order_by(order, row.datastream, row.turn).limit(ROWS)
    while True:
        part = question
        if after is not None:
            part = question.where(behind(after, descending=plan.descending))
        rows = (await session.scalars(part)).all()
        yield [
            Found(
                Key(one.datastream, one.time, one.turn),
                None if one.gone else entity_of_row(one),
                judged=False,
            )
            for one in rows
        ]
        if len(rows) < ROWS:
            return
        after = Key(rows[-1].datastream, rows[-1].time, rows[-1].turn)


def of_tail(plan: Plan) -> list[Found]:
    """Return what the lake does not have yet, in the plan's order."""
    found = [
        Found(Key(n, t), entity_of_number(plan.streams[n], t, value), judged=False)
        for n, t, value in plan.tail
        if plan.asked.start <= t < plan.asked.end and n in plan.streams
    ]
    if plan.behind is not None:
        last = _place(plan.behind, descending=plan.descending)
        found = [one for one in found if _place(one.key, descending=plan.descending) > last]
    return sorted(found, key=lambda one: _place(one.key, descending=plan.descending))


async def merged(
    session: AsyncSession, recorded: lake.Recorded, plan: Plan
) -> AsyncIterator[list[Found]]:
    """Yield observations in order, each once; the store's own before the lake's and the tail's."""
    sources = [of_store(session, plan), of_lake(recorded, plan)]
    parts: list[list[Found]] = [[], [], of_tail(plan)]
    open_ = [True, True, False]
    seen: Key | None = None
    while True:
        for n, source in enumerate(sources):
            while open_[n] and not parts[n]:
                try:
                    parts[n] = await anext(source)
                except StopAsyncIteration:
                    open_[n] = False
        if not any(parts):
            return
        ready = _known(parts, open_, descending=plan.descending)
        out = []
        for one in heapq.merge(
            *ready, key=lambda found: _place(found.key, descending=plan.descending)
        ):
            if one.key != seen:
                seen = one.key
                out.append(one)
        yield [one for one in out if one.entity is not None]


async def by_stream(
    session: AsyncSession, recorded: lake.Recorded, plan: Plan,
    spans: Mapping[int, tuple[int, int] | None],
) -> AsyncIterator[list[Found]]:  # fmt: skip
    """Yield observations in the order of their ids: one datastream after the other, each in time.

    `spans`: the first and last time that the lake has of each datastream.
    """
    tails: dict[int, list[tuple[int, int, float]]] = {}
    for row in plan.tail:
        tails.setdefault(row[0], []).append(row)
    with_rows: set[int] = set()
    if plan.rows is not None:
        column = plan.rows.with_only_columns(ObservationRow.datastream).distinct()
        with_rows = set(await session.scalars(column))
    named = {one.number: one for one in plan.named}
    for number in sorted(plan.streams, reverse=plan.descending):
        after = plan.behind
        if after is not None and number != after.datastream:
            if (number < after.datastream) != plan.descending:
                continue  # on an earlier page
            after = None
        span, rows = spans.get(number), plan.rows if number in with_rows else None
        if span is None and rows is None and number not in tails:
            continue
        one = plan._replace(
            streams={number: plan.streams[number]},
            named=[named[number]] if number in named else [], tail=tails.get(number, ()),
            span=span, behind=after,
            rows=rows.where(ObservationRow.datastream == number) if rows is not None else None,
        )  # fmt: skip
        async for part in merged(session, recorded, one):
            yield part


def _known(
    parts: list[list[Found]], open_: Sequence[bool], *, descending: bool
) -> list[list[Found]]:
    """Take off the parts what lies before the nearest end of those that are not finished."""
    ends = [
        _place(part[-1].key, descending=descending)
        for part, unfinished in zip(parts, open_, strict=True)
        if unfinished
    ]
    ready = []
    for n, part in enumerate(parts):
        cut = _upto(part, min(ends), descending=descending) if ends else len(part)
        ready.append(part[:cut])
        parts[n] = part[cut:]
    return ready


def _upto(part: list[Found], limit: tuple[int, int, int], *, descending: bool) -> int:
    low, high = 0, len(part)
    while low < high:
        middle = (low + high) // 2
        if _place(part[middle].key, descending=descending) <= limit:
            low = middle + 1
        else:
            high = middle
    return low


def rows_of(condition: Select[Any]) -> Select[Any]:
    return select(ObservationRow).where(ObservationRow.datastream.in_(condition))
