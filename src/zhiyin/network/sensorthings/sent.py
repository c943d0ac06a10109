"""One observation as it was sent: as a number of the lake, and as a row where it needs one."""

from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.network.sensorthings.fields import fault
from zhiyin.network.sensorthings.model import (
    ANY,
    COUNT,
    GEOJSON,
    MEASUREMENT,
    OBSERVATION,
    TRUTH,
    Entity,
)
from zhiyin.network.sensorthings.store import (
    DatastreamRow,
    FeatureRow,
    LocationRow,
    ObservationRow,
    ThingLocationRow,
)
from zhiyin.network.sensorthings.when import When

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


async def row_of(session: AsyncSession, entity: Entity) -> ObservationRow:
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


async def moved_row(session: AsyncSession, row: ObservationRow, time: int) -> ObservationRow:
    """Return the row of an observation at another time; what stood at the old time is gone.

    The old row stays, because the lake may still have a value there. The new one takes a turn
    above 0, for at turn 0 it would hide a value that the lake has at its new time.
    """
    own = ObservationRow
    highest = select(func.max(own.turn)).where(own.datastream == row.datastream, own.time == time)
    turn = ((await session.execute(highest)).scalar() or 0) + 1
    first = (row.time, row.turn) if row.id_time is None else (row.id_time, row.id_turn)
    there = own(
        datastream=row.datastream, time=time, turn=turn, id_time=first[0], id_turn=first[1],
        result=row.result,
    )  # fmt: skip
    row.gone, row.feature = True, None
    session.add(there)
    await session.flush()
    return there


def columns_of(one: Sent) -> dict[str, Any]:
    values = one.values
    valid, result_time = values.get("validTime"), values.get("resultTime")
    return {
        "end": one.when.end, "result": values.get("result"), "feature": one.feature,
        "result_time": result_time.start if result_time is not None else None,
        "valid_from": valid.start if valid is not None else None,
        "valid_to": valid.end if valid is not None else None,
        "quality": values.get("resultQuality"), "parameters": values.get("parameters"),
    }  # fmt: skip


def columns_in(row: ObservationRow) -> dict[str, Any]:
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
