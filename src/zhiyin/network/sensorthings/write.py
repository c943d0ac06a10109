"""Making, changing and removing entities, with what hangs on them (18-088, chapter 10)."""

from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import announce
from zhiyin.network.model import Series
from zhiyin.network.sensorthings import store
from zhiyin.network.sensorthings.faults import HouseOwned, NoSuchEntity
from zhiyin.network.sensorthings.fields import Body, columns, fault, merged, read_fields
from zhiyin.network.sensorthings.model import (
    ANY,
    COUNT,
    DATASTREAM,
    HISTORICAL_LOCATION,
    KINDS,
    LOCATION,
    MEASUREMENT,
    OBSERVATION,
    THING,
    TRUTH,
    Entity,
    Kind,
    Link,
)
from zhiyin.network.service import register_series

NESTED = 6  # entities within entities in one deep insert
WIDEST = 1e308  # a series of the standard has no range
TYPE = "sensorthings"  # of the series that clients of the standard make


class Arrival(NamedTuple):
    """An observation that a client sends, its datastream and its feature, where it names one."""

    datastream: int
    body: Body
    feature: int | None = None


def inverse(kind: Kind, link: Link) -> Link | None:
    """Return the link of the target that leads back."""
    back = [one for one in KINDS[link.target].links if one.target == kind.name]
    return back[0] if back else None


class Writer:
    """Writes within one transaction; observations are gathered, their series must exist first."""

    def __init__(self, session: AsyncSession, now: int) -> None:
        self._session, self._now = session, now
        self.arrivals: list[Arrival] = []
        self.registered = 0  # series that are new

    async def create(self, kind: Kind, body: Any, depth: int = 0) -> int:
        """Make an entity with all that is nested in it; return its number."""
        if depth > NESTED:
            raise fault(kind, f"entities are nested deeper than {NESTED}")
        values = read_fields(kind, body)
        links = {}
        for link in kind.links:
            if not link.many:
                links[store.ONE[kind.name, link.name]] = await self._one(kind, link, body, depth)
        row = store.ROWS[kind.name](**columns(kind, values), **links)
        self._session.add(row)
        await self._session.flush()
        if isinstance(row, store.DatastreamRow):
            await self._register(row)
        await self._hang_on(kind, row.number, body, depth)
        return int(row.number)

    async def _one(self, kind: Kind, link: Link, body: Body, depth: int) -> int | None:
        said = body.get(link.name)
        if said is None:
            if link.required:
                raise fault(kind, f"{link.name} is missing")
            return None
        return await self.linked(kind, link, said, depth)

    async def linked(self, kind: Kind, link: Link, said: Any, depth: int) -> int:
        """Return the number of what a link names by `@iot.id`, or of what it holds, made new."""
        target = KINDS[link.target]
        if not isinstance(said, dict):
            raise fault(kind, f"{link.name} should be an object, or one with @iot.id")
        if "@iot.id" in said:
            return await self.there(target, said["@iot.id"])
        return await self.create(target, said, depth + 1)

    async def there(self, kind: Kind, id: Any) -> int:  # noqa: A002
        """Return the number of an entity that must exist."""
        good = isinstance(id, int) and not isinstance(id, bool) and 0 < id < 2**62
        if not good or await self._session.get(store.ROWS[kind.name], id) is None:
            raise fault(kind, f"there is none with @iot.id {id!r:.80}")
        return int(id)

    async def _register(self, row: store.DatastreamRow) -> None:
        """Give a datastream of numbers its series in the register of the house."""
        if row.observation_type not in {MEASUREMENT, COUNT, TRUTH, ANY}:
            return
        symbol = row.unit.get("symbol") if isinstance(row.unit, dict) else None
        series = Series(
            -1, f"sta-{row.thing}", f"ds{row.number}", TYPE, str(symbol or "")[:32],
            -WIDEST, WIDEST, 60_000, self._now, 0,
        )  # fmt: skip
        row.series = await register_series(self._session, series)
        self.registered += 1

    async def _hang_on(self, kind: Kind, number: int, body: Body, depth: int) -> None:
        """Make or link what stands in the links to many."""
        for link in kind.links:
            said = body.get(link.name)
            if link.many and link.required and not said:
                raise fault(kind, f"{link.name} is missing; it should name at least one")
            if not link.many or said is None:
                continue
            if not isinstance(said, list):
                raise fault(kind, f"{link.name} should be an array")
            await self._hang(kind, number, link, said, depth)
        if kind is HISTORICAL_LOCATION:
            await self._moved(number)

    async def _hang(self, kind: Kind, number: int, link: Link, said: list[Any], depth: int) -> None:
        target = KINDS[link.target]
        if target is OBSERVATION:
            for one in said:
                if kind is DATASTREAM:
                    self.arrivals.append(Arrival(number, one))
                else:
                    raise fault(kind, "its Observations are made by themselves or in Datastreams")
        elif kind is THING and target is LOCATION:
            places = [await self.linked(kind, link, one, depth) for one in said]
            await self.place(number, places)
        elif kind is LOCATION and target is THING:
            for one in said:
                await self.place(await self.linked(kind, link, one, depth), [number])
        elif {kind, target} == {LOCATION, HISTORICAL_LOCATION}:
            for one in said:
                other = await self.linked(kind, link, one, depth)
                pair = (number, other) if kind is HISTORICAL_LOCATION else (other, number)
                if await self._session.get(store.HistoryPlaceRow, pair) is None:
                    self._session.add(store.HistoryPlaceRow(history=pair[0], location=pair[1]))
                    await self._session.flush()
        else:
            await self._adopt_children(kind, number, link, said, depth)

    async def _adopt_children(
        self, kind: Kind, number: int, link: Link, said: list[Any], depth: int
    ) -> None:
        target, back = KINDS[link.target], inverse(kind, link)
        assert back is not None
        for one in said:
            if isinstance(one, dict) and "@iot.id" in one:
                row = await self._session.get(
                    store.ROWS[target.name], await self.there(target, one["@iot.id"])
                )
                setattr(row, store.ONE[target.name, back.name], number)
                await self._session.flush()
            elif isinstance(one, dict):
                await self.create(target, {**one, back.name: {"@iot.id": number}}, depth + 1)
            else:
                raise fault(kind, f"{link.name} should hold objects")

    async def place(self, thing: int, locations: list[int]) -> None:
        """Put a thing at locations from now on, and remember that it is there since now."""
        row = store.HistoricalLocationRow(thing=thing, time=self._now)
        self._session.add(row)
        await self._session.flush()
        for location in dict.fromkeys(locations):
            self._session.add(store.HistoryPlaceRow(history=row.number, location=location))
        await self._at(thing, locations)

    async def _at(self, thing: int, locations: list[int]) -> None:
        now = store.ThingLocationRow
        for one in await self._session.scalars(select(now).where(now.thing == thing)):
            if one.location not in locations:
                await self._session.delete(one)
            else:
                locations = [number for number in locations if number != one.location]
        self._session.add_all([now(thing=thing, location=n) for n in dict.fromkeys(locations)])
        await self._session.flush()

    async def _moved(self, history: int) -> None:
        """A client's own historical location says where the thing is, when it is the newest."""
        row = await self._session.get(store.HistoricalLocationRow, history)
        assert row is not None
        newest = select(func.max(store.HistoricalLocationRow.time)).where(
            store.HistoricalLocationRow.thing == row.thing
        )
        if row.time >= (await self._session.execute(newest)).scalar_one():
            places = store.HistoryPlaceRow
            found = await self._session.scalars(
                select(places.location).where(places.history == history)
            )
            await self._at(row.thing, list(found))

    async def change(self, entity: Entity, body: Any, *, replace: bool = False) -> None:
        """Change an entity: PATCH merges, PUT (`replace`) sets what is absent to nothing."""
        kind = entity.kind
        if isinstance(body, dict) and not replace:
            body = merged(kind, entity.values, body)
        values = read_fields(kind, body, whole=replace)
        if replace:
            optional = [f.name for f in kind.fields if not f.required and not f.computed]
            values = {**dict.fromkeys(optional), **values}
        row = await self._session.get(store.ROWS[kind.name], entity.number)
        if row is None:
            raise NoSuchEntity(entity.path, kind=kind.name, id=entity.id)
        for attribute, value in columns(kind, values).items():
            setattr(row, attribute, value)
        for link in kind.links:
            said = body.get(link.name)
            if said is None:
                continue
            for one in said if isinstance(said, list) else [said]:
                if not isinstance(one, dict) or "@iot.id" not in one:
                    raise fault(kind, f"{link.name} may only name entities by @iot.id here")
            if link.many:
                await self._hang(kind, entity.number, link, said, 0)
            else:
                number = await self.linked(kind, link, said, 0)
                setattr(row, store.ONE[kind.name, link.name], number)
        await self._session.flush()

    async def remove(self, entity: Entity) -> None:
        """Remove an entity and what cannot be without it (18-088, table 25)."""
        if entity.house:
            raise HouseOwned(entity.path, kind=entity.kind.name, id=entity.id)
        row = await self._session.get(store.ROWS[entity.kind.name], entity.number)
        if row is not None:
            await self._remove(row)

    async def _remove(self, row: Any) -> None:
        """Remove a row after what cannot be without it."""
        number, streams = row.number, store.DatastreamRow
        if isinstance(row, store.ThingRow):
            await self._remove_all(streams, streams.thing, number)
            history = store.HistoricalLocationRow
            await self._remove_all(history, history.thing, number)
            await self._unlink(store.ThingLocationRow.thing, number)
        elif isinstance(row, store.LocationRow):
            await self._remove_places(number)
        elif isinstance(row, store.HistoricalLocationRow):
            await self._unlink(store.HistoryPlaceRow.history, number)
        elif isinstance(row, store.SensorRow):
            await self._remove_all(streams, streams.sensor, number)
        elif isinstance(row, store.ObservedPropertyRow):
            await self._remove_all(streams, streams.observed_property, number)
        elif isinstance(row, store.DatastreamRow):
            await self._remove_observations(row)
        elif isinstance(row, store.FeatureRow):
            await self._forget_feature(number)
        await self._session.delete(row)
        await self._session.flush()

    async def _remove_places(self, location: int) -> None:
        places = store.HistoryPlaceRow
        found = select(places.history).where(places.location == location)
        for number in list(await self._session.scalars(found)):
            history = await self._session.get(store.HistoricalLocationRow, number)
            if history is not None:
                await self._remove(history)
        await self._unlink(store.ThingLocationRow.location, location)

    async def _remove_observations(self, row: store.DatastreamRow) -> None:
        if row.house:
            raise HouseOwned("Datastream", kind="Datastream", id=row.number)
        where = store.ObservationRow.datastream == row.number
        await self._session.execute(delete(store.ObservationRow).where(where))
        told = {"datastream": row.number, "series": row.series}
        announce(self._session, "network.observations.removed", str(row.number), told)

    async def _remove_all(self, row: Any, column: Any, number: int) -> None:
        for one in (await self._session.scalars(select(row).where(column == number))).all():
            await self._remove(one)

    async def _unlink(self, column: Any, number: int) -> None:
        found = await self._session.scalars(select(column.class_).where(column == number))
        for one in found.all():
            await self._session.delete(one)
        await self._session.flush()

    async def _forget_feature(self, number: int) -> None:
        """Its observations go with a feature; the lake's own are hidden, for it only grows."""
        streams, rows = store.DatastreamRow, store.ObservationRow
        for one in await self._session.scalars(select(streams).where(streams.feature == number)):
            one.feature, one.hidden_upto = None, self.position
        for observation in await self._session.scalars(select(rows).where(rows.feature == number)):
            observation.gone, observation.feature = True, None
        await self._session.flush()

    position = 0  # of the stream, when the transaction began; set by whoever removes features
