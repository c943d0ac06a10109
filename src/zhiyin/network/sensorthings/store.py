"""Tables of SensorThings entities and how they hang together.

Every id on the wire is the number of a row, never used again, except that of an observation,
which follows from its datastream and time (`streams.Key`). Relations are written down once, in
`WAYS`, and every query follows it.
"""

from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Integer,
    Select,
    String,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from zhiyin.cloud import Row
from zhiyin.network.sensorthings.model import Entity, Kind
from zhiyin.network.sensorthings.when import When

Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only INTEGER keys
_NULL = JSON(none_as_null=True)
_NEVER_AGAIN = {"sqlite_autoincrement": True}  # a removed entity's number stays its own


class ThingRow(Row):
    """A thing; `device` names the one of the house's register that it mirrors."""

    __tablename__ = "network_sta_thing"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    properties: Mapped[dict[str, Any] | None] = mapped_column(_NULL)
    device: Mapped[str | None] = mapped_column(String(64), unique=True)


class LocationRow(Row):
    """Where things are; GeoJSON, or whatever the encoding type says."""

    __tablename__ = "network_sta_location"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    encoding: Mapped[str] = mapped_column(Text)
    location: Mapped[Any] = mapped_column(JSON)
    properties: Mapped[dict[str, Any] | None] = mapped_column(_NULL)


class HistoricalLocationRow(Row):
    """Since when a thing was where."""

    __tablename__ = "network_sta_historical_location"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    thing: Mapped[int] = mapped_column(ForeignKey("network_sta_thing.number"), index=True)
    time: Mapped[int] = mapped_column(BigInteger)


class SensorRow(Row):
    """A sensor or procedure; `described` is the standard's `metadata`."""

    __tablename__ = "network_sta_sensor"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    encoding: Mapped[str] = mapped_column(Text)
    described: Mapped[Any] = mapped_column(JSON)
    properties: Mapped[dict[str, Any] | None] = mapped_column(_NULL)
    type: Mapped[str | None] = mapped_column(String(64), unique=True)  # of the house's devices


class ObservedPropertyRow(Row):
    """What is observed; `property` names the one of a type of the house that it mirrors."""

    __tablename__ = "network_sta_observed_property"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    definition: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    properties: Mapped[dict[str, Any] | None] = mapped_column(_NULL)
    property: Mapped[str | None] = mapped_column(String(64), unique=True)


class FeatureRow(Row):
    """A feature of interest; `location` is the one it was made from."""

    __tablename__ = "network_sta_feature"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    encoding: Mapped[str] = mapped_column(Text)
    feature: Mapped[Any] = mapped_column(JSON)
    properties: Mapped[dict[str, Any] | None] = mapped_column(_NULL)
    location: Mapped[int | None] = mapped_column(Number, index=True)


class DatastreamRow(Row):
    """A datastream and the series of the house that holds its numbers.

    `feature` is the feature of interest of every observation that has no row of its own.
    What the lake has at stream positions up to `hidden_upto` was deleted here and is not shown.
    """

    __tablename__ = "network_sta_datastream"
    __table_args__ = _NEVER_AGAIN
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    observation_type: Mapped[str] = mapped_column(Text)
    unit: Mapped[Any] = mapped_column(JSON)
    observed_area: Mapped[Any] = mapped_column(_NULL, nullable=True)
    properties: Mapped[dict[str, Any] | None] = mapped_column(_NULL)
    thing: Mapped[int] = mapped_column(ForeignKey("network_sta_thing.number"), index=True)
    sensor: Mapped[int] = mapped_column(ForeignKey("network_sta_sensor.number"), index=True)
    observed_property: Mapped[int] = mapped_column(
        ForeignKey("network_sta_observed_property.number"), index=True
    )
    series: Mapped[int | None] = mapped_column(unique=True)  # index in the register
    feature: Mapped[int | None] = mapped_column(
        ForeignKey("network_sta_feature.number"), index=True
    )
    hidden_upto: Mapped[int] = mapped_column(BigInteger, default=0)
    house: Mapped[bool] = mapped_column(default=False)


class ObservationRow(Row):
    """An observation that is more than a number at a time, or corrects or removes one of the lake.

    It stands for the whole observation: the lake's row of the same datastream and time is hidden
    by it (`turn` 0), or stands beside it (`turn` 1 and on). `gone`: there is none any more.
    One whose time was changed keeps its id, which follows from `id_time` and `id_turn` then.
    """

    __tablename__ = "network_sta_observation"
    __table_args__ = (UniqueConstraint("datastream", "time", "turn"), _NEVER_AGAIN)
    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=True)
    datastream: Mapped[int] = mapped_column(ForeignKey("network_sta_datastream.number"))
    time: Mapped[int] = mapped_column(BigInteger, index=True)
    turn: Mapped[int] = mapped_column(default=0)
    end: Mapped[int | None] = mapped_column(BigInteger)
    result: Mapped[Any] = mapped_column(JSON)
    result_time: Mapped[int | None] = mapped_column(BigInteger)
    valid_from: Mapped[int | None] = mapped_column(BigInteger)
    valid_to: Mapped[int | None] = mapped_column(BigInteger)
    quality: Mapped[Any] = mapped_column(_NULL, nullable=True)
    parameters: Mapped[dict[str, Any] | None] = mapped_column(_NULL)
    feature: Mapped[int | None] = mapped_column(
        ForeignKey("network_sta_feature.number"), index=True
    )
    gone: Mapped[bool] = mapped_column(default=False)
    id_time: Mapped[int | None] = mapped_column(BigInteger)
    id_turn: Mapped[int | None]


class ThingLocationRow(Row):
    """A thing is at a location now."""

    __tablename__ = "network_sta_thing_location"
    thing: Mapped[int] = mapped_column(ForeignKey("network_sta_thing.number"), primary_key=True)
    location: Mapped[int] = mapped_column(
        ForeignKey("network_sta_location.number"), primary_key=True, index=True
    )


class HistoryPlaceRow(Row):
    """A historical location and a location it was."""

    __tablename__ = "network_sta_history_place"
    history: Mapped[int] = mapped_column(
        ForeignKey("network_sta_historical_location.number"), primary_key=True
    )
    location: Mapped[int] = mapped_column(
        ForeignKey("network_sta_location.number"), primary_key=True, index=True
    )


ROWS: dict[str, Any] = {
    "Thing": ThingRow, "Location": LocationRow, "HistoricalLocation": HistoricalLocationRow,
    "Datastream": DatastreamRow, "Sensor": SensorRow, "ObservedProperty": ObservedPropertyRow,
    "FeatureOfInterest": FeatureRow, "Observation": ObservationRow,
}  # fmt: skip


class Way(NamedTuple):
    """How a link is stored: `near` holds the number of its owner, `far` that of its target."""

    near: Any
    far: Any


_AT, _WAS = ThingLocationRow, HistoryPlaceRow
WAYS: dict[tuple[str, str], Way] = {
    ("Thing", "Locations"): Way(_AT.thing, _AT.location),
    ("Location", "Things"): Way(_AT.location, _AT.thing),
    ("Thing", "HistoricalLocations"): Way(
        HistoricalLocationRow.thing, HistoricalLocationRow.number
    ),
    ("Thing", "Datastreams"): Way(DatastreamRow.thing, DatastreamRow.number),
    ("Sensor", "Datastreams"): Way(DatastreamRow.sensor, DatastreamRow.number),
    ("ObservedProperty", "Datastreams"): Way(DatastreamRow.observed_property, DatastreamRow.number),
    ("Location", "HistoricalLocations"): Way(_WAS.location, _WAS.history),
    ("HistoricalLocation", "Locations"): Way(_WAS.history, _WAS.location),
    ("HistoricalLocation", "Thing"): Way(HistoricalLocationRow.number, HistoricalLocationRow.thing),
    ("Datastream", "Thing"): Way(DatastreamRow.number, DatastreamRow.thing),
    ("Datastream", "Sensor"): Way(DatastreamRow.number, DatastreamRow.sensor),
    ("Datastream", "ObservedProperty"): Way(DatastreamRow.number, DatastreamRow.observed_property),
}
ONE = {  # attributes of rows that to-one links are kept in
    ("HistoricalLocation", "Thing"): "thing",
    ("Datastream", "Thing"): "thing",
    ("Datastream", "Sensor"): "sensor",
    ("Datastream", "ObservedProperty"): "observed_property",
}


def numbers_of(kind: Kind, link: str, owner: int) -> Select[Any]:
    """Return the question for the numbers that a link of one entity leads to."""
    way = WAYS[kind.name, link]
    return select(way.far).where(way.near == owner)


def entity_of(kind: Kind, row: Any) -> Entity:
    """Return a row as an entity; what is computed is not among its values yet."""
    values: dict[str, Any] = {}
    for field in kind.fields:
        if not field.computed:
            said = getattr(row, field.attribute)
            values[field.name] = (
                When(said) if field.form == "instant" and said is not None else said
            )
    links = {
        link.name: getattr(row, ONE[kind.name, link.name]) for link in kind.links if not link.many
    }
    house = bool(getattr(row, "house", False) or getattr(row, "device", None))
    return Entity(kind, row.number, row.number, values, links, house)
