"""Taking observations: numbers through the house's front door, the rest into rows of their own.

A number at a time and nothing else is kept in the lake only. What says more (its own feature,
result time, quality, parameters), is no number, or corrects an earlier one gets a row, which then
stands for the whole observation; a number goes to the house all the same.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import Database
from zhiyin.kernel import Clock, Fault, parse_duration
from zhiyin.network.intake import Message
from zhiyin.network.model import Series
from zhiyin.network.sensorthings.faults import NotTaken
from zhiyin.network.sensorthings.fields import Body, fault, merged, read_fields
from zhiyin.network.sensorthings.model import FEATURE, OBSERVATION, Entity
from zhiyin.network.sensorthings.observing import Observing
from zhiyin.network.sensorthings.sent import (
    Sent,
    columns_in,
    columns_of,
    default_feature,
    moved_row,
    number_of,
    row_of,
)
from zhiyin.network.sensorthings.store import DatastreamRow, ObservationRow
from zhiyin.network.sensorthings.streams import Key, Stream, question_of
from zhiyin.network.sensorthings.when import When, read_when
from zhiyin.network.sensorthings.write import Arrival, Writer
from zhiyin.network.service import Door

SOURCE = "sensorthings"


class Looked(NamedTuple):
    """What the lake had at some times (None: something hidden), and how far it was then."""

    settled: int
    values: dict[Key, float | None]


class Taking:
    """Takes observations for one process."""

    def __init__(
        self, door: Door, database: Database, clock: Clock, observing: Observing, future: str,
        past: str,
    ) -> None:  # fmt: skip
        self._door, self._database, self._clock = door, database, clock
        self._observing, self._tail = observing, observing.tail
        self._future, self._past = parse_duration(future), parse_duration(past)

    async def take(self, actor: str, arrivals: Sequence[Arrival]) -> list[int | str | Fault]:
        """Take observations; return the id of each, or why it was not taken.

        Raises BusDown or BusFull when the house cannot take any now.
        """
        answers: list[int | str | Fault | None] = [None] * len(arrivals)
        placed: list[tuple[int, int]] = []
        looked = await self._look_up(arrivals)
        try:
            async with self._database.write(actor) as session:
                sent = await self._read(session, arrivals, answers)
                earlier = await self._earlier(session, arrivals, sent, looked)
                keys = await self._place(session, sent, earlier, placed)
            numbers = {
                n: one
                for n, one in sent.items()
                if one.number is not None and not one.ahead and keys[n].turn == 0
            }
            await self._hand_over(numbers, keys)
        except BaseException:
            self._tail.drop(placed)
            raise
        for n, key in keys.items():
            answers[n] = key.id
        return [one if one is not None else NotTaken(reason="lost") for one in answers]

    async def foresee(self, session: AsyncSession, arrivals: Sequence[Arrival]) -> None:
        """Refuse what cannot be an observation, while what it belongs to is not made yet."""
        for arrival in arrivals:
            stream = await session.get(DatastreamRow, arrival.datastream)
            values = self._values(arrival.body)
            if stream is None:
                continue
            number_of(stream, values["result"])
            said = arrival.body.get("FeatureOfInterest")
            if isinstance(said, dict) and "@iot.id" not in said:
                read_fields(FEATURE, said)
            elif said is not None:
                link = OBSERVATION.link_of["FeatureOfInterest"]
                await Writer(session, self._clock.now()).linked(OBSERVATION, link, said, 1)
            elif arrival.feature is None:
                await self._default(session, stream)

    async def _read(
        self, session: AsyncSession, arrivals: Sequence[Arrival], answers: list[Any]
    ) -> dict[int, Sent]:
        streams: dict[int, DatastreamRow | None] = {}
        features: dict[int, int | None] = {}
        sent: dict[int, Sent] = {}
        for n, arrival in enumerate(arrivals):
            number = arrival.datastream
            if number not in streams:
                streams[number] = await session.get(DatastreamRow, number)
            stream = streams[number]
            try:
                if stream is None:
                    raise fault(OBSERVATION, f"there is no Datastream {number}")
                values = self._values(arrival.body)
                feature = await self._feature(session, arrival, stream, features)
                ahead = values["phenomenonTime"].start > self._clock.now() + self._future
                one = Sent(stream, values, feature, number_of(stream, values["result"]), ahead)
                self._check(one)
            except Fault as broken:
                answers[n] = broken
                continue
            if (
                stream.feature is None
                and feature is not None
                and "FeatureOfInterest" not in arrival.body
            ):
                stream.feature = feature
            sent[n] = one
        return sent

    def _values(self, body: Any) -> dict[str, Any]:
        values = read_fields(OBSERVATION, body)
        if values.get("phenomenonTime") is None:
            values["phenomenonTime"] = values.get("resultTime") or When(self._clock.now())
        return values

    def _check(self, one: Sent) -> None:
        """Refuse for a device of the house what its register refuses."""
        series = self._series(one.stream)
        if not one.stream.house or series is None or one.number is None:
            return
        if not series.floor <= one.number <= series.ceiling:
            span = f"{series.floor:g} to {series.ceiling:g} {series.unit}"
            raise NotTaken(reason=f"result is {one.number:g}; it should be {span}")
        if one.ahead:
            raise NotTaken(reason=f"phenomenonTime {one.when.text()} lies ahead of the clock here")

    def _series(self, stream: DatastreamRow) -> Series | None:
        known = self._door.register.series
        return (
            known[stream.series]
            if stream.series is not None and stream.series < len(known)
            else None
        )

    async def _feature(
        self, session: AsyncSession, arrival: Arrival, stream: DatastreamRow,
        features: dict[int, int | None],
    ) -> int | None:  # fmt: skip
        """Return the feature of an observation: its own, or where its thing is."""
        said = arrival.body.get("FeatureOfInterest")
        if arrival.feature is not None:
            return arrival.feature
        if said is not None:
            writer = Writer(session, self._clock.now())
            return await writer.linked(
                OBSERVATION, OBSERVATION.link_of["FeatureOfInterest"], said, 1
            )
        if stream.thing not in features:
            features[stream.thing] = await self._default(session, stream)
        return features[stream.thing]

    async def _default(self, session: AsyncSession, stream: DatastreamRow) -> int | None:
        """Return the feature of an observation that names none.

        A device of the house may stand nowhere; a client has to say what was observed.
        """
        feature = await default_feature(session, stream.thing) or stream.feature
        if feature is None and not stream.house:
            raise fault(
                OBSERVATION,
                "FeatureOfInterest is missing, and its Thing has no GeoJSON Location for one",
            )
        return feature

    async def _place(
        self, session: AsyncSession, sent: dict[int, Sent], earlier: dict[Key, float | None],
        placed: list[tuple[int, int]],
    ) -> dict[int, Key]:  # fmt: skip
        """Give each observation its key, and a row where it needs one."""
        keys: dict[int, Key] = {}
        for n, one in sent.items():
            first = Key(one.stream.number, one.when.start)
            taken = first in earlier
            if one.plain and (not taken or earlier[first] == one.number):
                keys[n] = first
            else:
                keys[n] = await self._own_row(session, one, first, taken=taken)
            if not taken and one.number is not None and not one.ahead:
                self._tail.put(first.datastream, first.time, one.number)
                placed.append((first.datastream, first.time))
            earlier.setdefault(first, one.number)
        return keys

    async def _own_row(self, session: AsyncSession, one: Sent, first: Key, *, taken: bool) -> Key:
        """Write a row; one that says the very same is there already stays the only one."""
        row = ObservationRow
        beside = (
            await session.scalars(
                select(row).where(row.datastream == first.datastream, row.time == first.time)
                .order_by(row.turn)
            )
        ).all()  # fmt: skip
        for other in beside:
            if not other.gone and columns_in(other) == columns_of(one):
                return Key(first.datastream, first.time, other.turn)
        turn = beside[-1].turn + 1 if beside else int(taken)
        session.add(row(datastream=first.datastream, time=first.time, turn=turn, **columns_of(one)))
        await session.flush()
        return Key(first.datastream, first.time, turn)

    async def _earlier(
        self, session: AsyncSession, arrivals: Sequence[Arrival], sent: dict[int, Sent],
        looked: Looked,
    ) -> dict[Key, float | None]:  # fmt: skip
        """Return what there is already at these times: the number, None for something else."""
        if self._tail.settled != looked.settled:  # what was in the tail may be in the lake now
            looked = await self._look_up(arrivals)
        found = dict(looked.values)
        times: dict[int, list[int]] = {}
        for one in sent.values():
            times.setdefault(one.stream.number, []).append(one.when.start)
        own = ObservationRow
        for number, moments in times.items():
            asked = select(own.time).where(
                own.datastream == number, own.time.between(min(moments), max(moments))
            )
            found.update({Key(number, time): None for time in await session.scalars(asked)})
        for one in sent.values():
            # Asked last, without a pause: whoever comes at the same time is seen here.
            value = self._tail.value(one.stream.number, one.when.start)
            if value is not None:
                found.setdefault(Key(one.stream.number, one.when.start), value)
        return found

    async def _look_up(self, arrivals: Sequence[Arrival]) -> Looked:
        """Return what the lake has at the times of some arrivals; the store is left alone."""
        await self._observing.settle()
        settled, found = self._tail.settled, dict[Key, float | None]()
        times: dict[int, set[int]] = {}
        for arrival in arrivals:
            body: Any = arrival.body
            with suppress(ValueError, AttributeError):
                said: Any = body.get("phenomenonTime") or body.get("resultTime")
                times.setdefault(arrival.datastream, set()).add(read_when(said).start)
        async with self._database.read() as session:
            streams = await session.execute(question_of(DatastreamRow.number.in_(list(times))))
            named = [Stream(*row).named(self._door.register) for row in streams]
        recorded = self._observing.recorded
        spans = await asyncio.to_thread(recorded.spans)
        for one in named:
            span = spans.get((one.thing, one.property)) if one is not None else None
            if one is None or span is None:
                continue
            inside = [t for t in times[one.number] if span[0] <= t <= span[1]]
            for at in range(0, len(inside), 1000):
                part = inside[at : at + 1000]
                bare = one._replace(hidden=0)
                values = seen = await asyncio.to_thread(recorded.values_at, bare, part)
                if one.hidden:  # what is hidden is there, and nobody sees it
                    seen = await asyncio.to_thread(recorded.values_at, one, part)
                found.update({Key(one.number, t): seen.get(t) for t in values})
        return Looked(settled, found)

    async def _hand_over(self, sent: dict[int, Sent], keys: dict[int, Key]) -> None:
        """Put the numbers on the stream, old ones as history."""
        now = self._clock.now()
        old = {n for n, one in sent.items() if one.when.start < now - self._past}
        await self._send({n: sent[n] for n in sent if n not in old}, keys, history=False)
        await self._send({n: sent[n] for n in old}, keys, history=True)

    async def _send(self, sent: dict[int, Sent], keys: dict[int, Key], *, history: bool) -> None:
        rows = []
        for one in sent.values():
            series = self._series(one.stream)
            if series is None:
                await self._door.refresh()
                series = self._series(one.stream)
            if series is not None and one.number is not None:
                value: Any = bool(one.number) if series.boolean else one.number
                rows.append((series.thing, series.property, one.when.start, value))
        if not rows:
            return
        message = Message(*(list(column) for column in zip(*rows, strict=True)))
        taken = await self._door.take(message, SOURCE, history=history)
        self._tail.land([keys[n][:2] for n in sent], taken.position)

    async def change(self, actor: str, entity: Entity, body: Body, *, replace: bool) -> None:
        """Correct an observation: its row says it from now on; the lake keeps what it has."""
        if not replace:
            body = merged(OBSERVATION, entity.values, body)
        values = read_fields(OBSERVATION, body, whole=replace)
        kept = {} if replace else dict(entity.values)
        kept.update(values)
        at: When = entity.values["phenomenonTime"]
        kept["phenomenonTime"] = kept.get("phenomenonTime") or at
        async with self._database.write(actor) as session:
            said, link = body.get("FeatureOfInterest"), OBSERVATION.link_of["FeatureOfInterest"]
            feature = entity.links["FeatureOfInterest"]
            if said is not None:
                feature = await Writer(session, 0).linked(OBSERVATION, link, said, 1)
            stream = await session.get(DatastreamRow, entity.links["Datastream"])
            if stream is None:
                raise fault(OBSERVATION, "its Datastream is gone")
            one = Sent(stream, kept, feature, number_of(stream, kept.get("result")), ahead=False)
            row = await row_of(session, entity)
            if one.when.start != at.start:
                row = await moved_row(session, row, one.when.start)
            for name, value in columns_of(one).items():
                setattr(row, name, value)

    async def remove(self, actor: str, entity: Entity) -> None:
        """Remove an observation; what the lake has of it is hidden from now on."""
        async with self._database.write(actor) as session:
            (await row_of(session, entity)).gone = True
