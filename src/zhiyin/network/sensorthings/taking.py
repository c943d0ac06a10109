"""Taking observations: numbers through the house's front door, the rest into rows of their own.

A number at a time and nothing else is kept in the lake only. What says more (its own feature,
result time, quality, parameters), is no number, or corrects an earlier one gets a row, which then
stands for the whole observation; a number goes to the house all the same.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import Database
from zhiyin.kernel import Clock, Fault, parse_duration
from zhiyin.network.intake import Message
from zhiyin.network.model import Series
from zhiyin.network.sensorthings.faults import NotTaken
from zhiyin.network.sensorthings.fields import Body, fault, merged, read_fields
from zhiyin.network.sensorthings.model import (
    ANY,
    COUNT,
    GEOJSON,
    MEASUREMENT,
    OBSERVATION,
    TRUTH,
    Entity,
)
from zhiyin.network.sensorthings.observing import Observing
from zhiyin.network.sensorthings.store import (
    DatastreamRow,
    FeatureRow,
    LocationRow,
    ObservationRow,
    ThingLocationRow,
)
from zhiyin.network.sensorthings.streams import Key, Stream
from zhiyin.network.sensorthings.when import When
from zhiyin.network.sensorthings.write import Arrival, Writer
from zhiyin.network.service import Door

SOURCE = "sensorthings"
_RICH = ("resultTime", "resultQuality", "validTime", "parameters")


class Sent(NamedTuple):
    """An observation as it was read: where it belongs, its values, the number for the lake."""

    stream: DatastreamRow
    values: dict[str, Any]
    feature: int | None
    number: float | None
    ahead: bool  # of what the front door takes; kept here only

    @property
    def when(self) -> When:
        when: When = self.values["phenomenonTime"]
        return when

    @property
    def plain(self) -> bool:
        """Whether time and number are all there is to it."""
        own_feature = self.feature != self.stream.feature
        more = any(self.values.get(name) is not None for name in _RICH)
        whole = self.number is not None and self.when.end is None
        return whole and not more and not own_feature and not self.ahead


def number_of(stream: DatastreamRow, result: Any) -> float | None:
    """Return a result as a number of the lake, None when it must be kept as it is.

    Raises BadEntity for a result that the observation type does not allow.
    """
    kind, truth = stream.observation_type, isinstance(result, bool)
    if kind == TRUTH and result is not None:
        if not truth:
            raise fault(OBSERVATION, f"result is {result!r:.80}; it should be true or false")
        return float(result)
    numeric = isinstance(result, int | float) and not truth
    if kind in {MEASUREMENT, COUNT} and result is not None and not numeric:
        raise fault(OBSERVATION, f"result is {result!r:.80}; it should be a number")
    if kind == COUNT and numeric and not float(result).is_integer():
        raise fault(OBSERVATION, f"result is {result!r:.80}; it should be a whole number")
    if not numeric or kind not in {MEASUREMENT, COUNT, ANY} or stream.series is None:
        return None
    number = float(result)
    return number if number == result and abs(number) <= 1e308 else None


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
        try:
            async with self._database.write(actor) as session:
                sent = await self._read(session, arrivals, answers)
                keys = await self._place(session, sent, placed)
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
            if stream is not None:
                number_of(stream, values["result"])

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
            features[stream.thing] = await default_feature(session, stream.thing)
        return features[stream.thing]

    async def _place(
        self, session: AsyncSession, sent: dict[int, Sent], placed: list[tuple[int, int]]
    ) -> dict[int, Key]:
        """Give each observation its key, and a row where it needs one."""
        earlier = await self._earlier(session, sent)
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
            if not other.gone and _says(other) == _columns(one):
                return Key(first.datastream, first.time, other.turn)
        turn = beside[-1].turn + 1 if beside else int(taken)
        session.add(row(datastream=first.datastream, time=first.time, turn=turn, **_columns(one)))
        await session.flush()
        return Key(first.datastream, first.time, turn)

    async def _earlier(
        self, session: AsyncSession, sent: dict[int, Sent]
    ) -> dict[Key, float | None]:
        """Return what there is already at these times: the number, None for something else."""
        found: dict[Key, float | None] = {}
        by_stream: dict[int, tuple[DatastreamRow, set[int]]] = {}
        for one in sent.values():
            by_stream.setdefault(one.stream.number, (one.stream, set()))[1].add(one.when.start)
        if not by_stream:
            return found
        await self._observing.settle()
        spans = await asyncio.to_thread(self._observing.recorded.spans)
        for number, (row, times) in by_stream.items():
            stream = Stream(number, row.series, row.observation_type, row.feature, row.hidden_upto)
            named = stream.named(self._door.register)
            span = spans.get((named.thing, named.property)) if named is not None else None
            inside = [t for t in times if span is not None and span[0] <= t <= span[1]]
            if inside and named is not None:
                recorded = self._observing.recorded
                for at in range(0, len(inside), 1000):
                    part = inside[at : at + 1000]
                    bare = named._replace(hidden=0)
                    values = await asyncio.to_thread(recorded.values_at, bare, part)
                    seen = values
                    if named.hidden:  # what is hidden is there, and nobody sees it
                        seen = await asyncio.to_thread(recorded.values_at, named, part)
                    found.update({Key(number, t): seen.get(t) for t in values})
            own = ObservationRow
            asked = select(own.time).where(
                own.datastream == number, own.time.between(min(times), max(times))
            )
            for time in await session.scalars(asked):
                found[Key(number, time)] = None
        for one in sent.values():
            # Asked last, without a pause: whoever comes at the same time is seen here.
            value = self._tail.value(one.stream.number, one.when.start)
            key = Key(one.stream.number, one.when.start)
            if value is not None and key not in found:
                found[key] = value
        return found

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
        when = kept.get("phenomenonTime") or at
        kept["phenomenonTime"] = When(at.start, when.end)
        if when.start != at.start:
            raise fault(OBSERVATION, "phenomenonTime begins another time; post a new one instead")
        async with self._database.write(actor) as session:
            said, link = body.get("FeatureOfInterest"), OBSERVATION.link_of["FeatureOfInterest"]
            feature = entity.links["FeatureOfInterest"]
            if said is not None:
                feature = await Writer(session, 0).linked(OBSERVATION, link, said, 1)
            stream = await session.get(DatastreamRow, entity.links["Datastream"])
            if stream is None:
                raise fault(OBSERVATION, "its Datastream is gone")
            one = Sent(stream, kept, feature, number_of(stream, kept.get("result")), ahead=False)
            row = await _row_of(session, entity)
            for name, value in _columns(one).items():
                setattr(row, name, value)

    async def remove(self, actor: str, entity: Entity) -> None:
        """Remove an observation; what the lake has of it is hidden from now on."""
        async with self._database.write(actor) as session:
            (await _row_of(session, entity)).gone = True


async def _row_of(session: AsyncSession, entity: Entity) -> ObservationRow:
    """Return the row of an observation, made if it was only in the lake so far."""
    if entity.number:
        row = await session.get(ObservationRow, entity.number)
        if row is not None:
            return row
    at: When = entity.values["phenomenonTime"]
    row = ObservationRow(
        datastream=entity.links["Datastream"], time=at.start, turn=0,
        result=entity.values["result"], feature=entity.links["FeatureOfInterest"], gone=False,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


def _columns(one: Sent) -> dict[str, Any]:
    values = one.values
    valid, result_time = values.get("validTime"), values.get("resultTime")
    return {
        "end": one.when.end, "result": values.get("result"), "feature": one.feature,
        "result_time": result_time.start if result_time is not None else None,
        "valid_from": valid.start if valid is not None else None,
        "valid_to": valid.end if valid is not None else None,
        "quality": values.get("resultQuality"), "parameters": values.get("parameters"),
    }  # fmt: skip


def _says(row: ObservationRow) -> dict[str, Any]:
    names = (
        "end", "result", "feature", "result_time", "valid_from", "valid_to", "quality",
        "parameters",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


async def default_feature(session: AsyncSession, thing: int) -> int | None:
    """Return the feature that stands for where a thing is now, made from its location if new."""
    at = ThingLocationRow
    places = select(LocationRow).where(
        LocationRow.number.in_(select(at.location).where(at.thing == thing))
    )
    found = (await session.scalars(places.order_by(LocationRow.number))).all()
    place = next((one for one in found if one.encoding in GEOJSON), None)
    if place is None:
        return None
    known = select(func.max(FeatureRow.number)).where(FeatureRow.location == place.number)
    number = (await session.execute(known)).scalar()
    if number is not None:
        return int(number)
    row = FeatureRow(
        name=place.name, description=place.description, encoding=place.encoding,
        feature=place.location, properties=place.properties, location=place.number,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row.number
