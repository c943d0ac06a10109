"""The house's own devices as Things and Datastreams, taken in as the register grows.

Each device becomes a Thing, each of its series a Datastream, each type of device a Sensor, each
property an ObservedProperty. They are rows like any others, so every query finds them.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import Database, announce
from zhiyin.kernel import Words
from zhiyin.network.model import Register, Series
from zhiyin.network.sensorthings import store
from zhiyin.network.sensorthings.model import MEASUREMENT, TRUTH
from zhiyin.network.sensorthings.write import TYPE

AT_ONCE = 500  # series in one transaction
ACTOR = "system:network"


class Named(NamedTuple):
    """What the house calls a device, and where it stands."""

    title: Words
    place: tuple[float, float] | None = None  # lon, lat


Names = Callable[[Iterable[str]], Awaitable[dict[str, Named]]]


class Adopter:
    """Takes devices in, once each."""

    def __init__(self, database: Database, register: Register, names: Names) -> None:
        self._database, self._register, self._names = database, register, names
        self._upto = 0

    @property
    def behind(self) -> bool:
        return self._upto < len(self._register)

    async def adopt(self) -> None:
        """Take in every series that has no datastream yet."""
        end = len(self._register)
        for start in range(self._upto, end, AT_ONCE):
            part = self._register.series[start : min(start + AT_ONCE, end)]
            wanted = [row for row in part if row.type != TYPE]
            if wanted:
                async with self._database.read() as session:
                    fresh = await _missing(session, wanted)
                if fresh:
                    names = await self._names({row.thing for row in fresh})
                    async with self._database.write(ACTOR) as session:
                        await self._take_in(session, await _missing(session, fresh), names)
            self._upto = start + len(part)

    async def _take_in(
        self, session: AsyncSession, rows: list[Series], names: dict[str, Named]
    ) -> None:
        if not rows:
            return
        things = await self._things(session, rows, names)
        sensors = await _numbers(
            session, store.SensorRow, "type", {row.type: _sensor(row.type) for row in rows}
        )
        properties = await _numbers(
            session, store.ObservedPropertyRow, "property",
            {row.property: _observed(row.property) for row in rows},
        )  # fmt: skip
        made = [
            {
                "name": f"{_title(names, row.thing)} {row.property}",
                "description": f"{row.property} of {row.thing}",
                "observation_type": TRUTH if row.boolean else MEASUREMENT,
                "unit": {"name": row.unit, "symbol": row.unit, "definition": f"ucum:{row.unit}"},
                "observed_area": None,
                "properties": {"thing": row.thing, "property": row.property, "type": row.type},
                "thing": things[row.thing], "sensor": sensors[row.type],
                "observed_property": properties[row.property], "series": row.index,
                "feature": None, "hidden_upto": 0, "house": True,
            }
            for row in rows
        ]  # fmt: skip
        await session.execute(insert(store.DatastreamRow), made)
        told = {"series": [row.index for row in rows]}
        announce(session, "network.datastreams.adopted", str(rows[0].index), told)

    async def _things(
        self, session: AsyncSession, rows: list[Series], names: dict[str, Named]
    ) -> dict[str, int]:
        wanted = {
            row.thing: {
                "name": _title(names, row.thing), "description": names[row.thing].title.en
                if row.thing in names else row.thing,
                "properties": {"id": row.thing, "type": row.type}, "device": row.thing,
            }
            for row in rows
        }  # fmt: skip
        known = await _known(session, store.ThingRow, "device", wanted)
        numbers = await _numbers(session, store.ThingRow, "device", wanted)
        for thing in wanted.keys() - known.keys():
            named = names.get(thing)
            if named is not None and named.place is not None:
                await _stand(session, numbers[thing], named, self._since(thing))
        await session.flush()
        return numbers

    def _since(self, thing: str) -> int:
        return self._register.series[self._register.of_thing[thing][0]].since


async def _stand(session: AsyncSession, thing: int, named: Named, since: int) -> None:
    assert named.place is not None
    location = store.LocationRow(
        name=named.title.zh, description=named.title.en, encoding="application/geo+json",
        location={"type": "Point", "coordinates": list(named.place)},
    )  # fmt: skip
    history = store.HistoricalLocationRow(thing=thing, time=since)
    session.add_all([location, history])
    await session.flush()
    session.add_all(
        [
            store.ThingLocationRow(thing=thing, location=location.number),
            store.HistoryPlaceRow(history=history.number, location=location.number),
        ]
    )


async def _missing(session: AsyncSession, rows: list[Series]) -> list[Series]:
    column = store.DatastreamRow.series
    known = set(
        await session.scalars(select(column).where(column.in_([row.index for row in rows])))
    )
    return [row for row in rows if row.index not in known]


async def _known(
    session: AsyncSession, row: Any, column: str, keys: Iterable[str]
) -> dict[str, int]:
    by = getattr(row, column)
    found = await session.execute(select(by, row.number).where(by.in_(list(keys))))
    return {key: number for key, number in found}  # noqa: C416


async def _numbers(
    session: AsyncSession, row: Any, column: str, wanted: dict[str, dict[str, Any]]
) -> dict[str, int]:
    """Return the numbers of rows by a key of the house; those that are missing are made."""
    known = await _known(session, row, column, wanted)
    fresh = [values for key, values in wanted.items() if key not in known]
    session.add_all([row(**values) for values in fresh])
    await session.flush()
    return await _known(session, row, column, wanted) if fresh else known


def _title(names: dict[str, Named], thing: str) -> str:
    return names[thing].title.zh if thing in names else thing


def _sensor(type_: str) -> dict[str, Any]:
    return {
        "name": type_, "description": f"devices of type {type_}", "encoding": "text/plain",
        "described": type_, "type": type_,
    }  # fmt: skip


def _observed(property_: str) -> dict[str, Any]:
    return {
        "name": property_, "description": property_, "property": property_,
        "definition": f"urn:zhiyin:property:{property_}",
    }  # fmt: skip
