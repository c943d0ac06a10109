"""Datastreams as the lake knows them, and observations of both stores as entities."""

import re
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, or_, select

from zhiyin import lake
from zhiyin.network.model import Register
from zhiyin.network.sensorthings.faults import NoSuchEntity
from zhiyin.network.sensorthings.language import Call, Constant, Path, Tree, conjuncts, paths_of
from zhiyin.network.sensorthings.model import COUNT, DATASTREAM, OBSERVATION, TRUTH, Entity
from zhiyin.network.sensorthings.pushdown import to_sql
from zhiyin.network.sensorthings.store import DatastreamRow, ObservationRow
from zhiyin.network.sensorthings.when import When

PLACE = "@place"  # among the values of an observation whose time was changed: its key now
TIME_BITS = 42  # milliseconds since 1970, to the year 2109
_ID = re.compile(r"(\d{1,18})-(-?\d{1,15})(?:-(\d{1,9}))?\Z")


class Key(NamedTuple):
    """Which observation: its datastream, its time in UTC ms, and the how-manieth of that time."""

    datastream: int
    time: int
    turn: int = 0

    @property
    def id(self) -> int | str:
        """The id on the wire: a number where one holds it, for some clients know no others."""
        if self.turn == 0 and 0 <= self.time < 1 << TIME_BITS and self.datastream < 1 << 21:
            return self.datastream << TIME_BITS | self.time
        return f"{self.datastream}-{self.time}" + (f"-{self.turn}" if self.turn else "")


def read_key(id: Any) -> Key:  # noqa: A002
    """Return the key that an id stands for; NoSuchEntity when it cannot be one of ours."""
    if isinstance(id, int) and not isinstance(id, bool) and 0 < id < 1 << 63:
        return Key(id >> TIME_BITS, id & (1 << TIME_BITS) - 1)
    match = _ID.match(id) if isinstance(id, str) else None
    if match is None:
        raise NoSuchEntity("Observations", kind="Observation", id=repr(id))
    return Key(int(match[1]), int(match[2]), int(match[3] or 0))


def asked_by_id(parts: list[Tree]) -> Key | None:
    """Return the only observation that can fit, when a part of a filter names it by its id."""
    for part in parts:
        if isinstance(part, Call) and part.name == "eq" and part.inputs[0] == Path(("id",)):
            value = part.inputs[1]
            if isinstance(value, Constant):
                with suppress(NoSuchEntity):
                    return read_key(value.value)
    return None


class Stream(NamedTuple):
    """A datastream, as much of it as reading its observations takes."""

    number: int
    series: int | None
    type: str
    feature: int | None
    hidden: int

    def named(self, register: Register) -> lake.Named | None:
        if self.series is None or self.series >= len(register):
            return None
        row = register.series[self.series]
        return lake.Named(self.number, row.thing, row.property, self.hidden, row.derived)

    def result(self, value: float) -> Any:
        """Return a number of the lake as this datastream's kind of result."""
        if self.type == TRUTH:
            return bool(value)
        return int(value) if self.type == COUNT and value.is_integer() else value


def question_of(condition: Any = None) -> Select[Any]:
    """Return the question for datastreams as `Stream`s."""
    row = DatastreamRow
    question: Any = select(
        row.number, row.series, row.observation_type, row.feature, row.hidden_upto
    ).order_by(row.number)
    asked: Select[Any] = question if condition is None else question.where(condition)
    return asked


def entity_of_number(stream: Stream, time: int, value: float) -> Entity:
    """Return an observation that is only in the lake."""
    values = {"phenomenonTime": When(time), "result": stream.result(value), "resultTime": None}
    links: dict[str, int | None] = {
        "Datastream": stream.number, "FeatureOfInterest": stream.feature
    }  # fmt: skip
    return Entity(OBSERVATION, 0, Key(stream.number, time).id, values, links)


def entity_of_row(row: ObservationRow) -> Entity:
    """Return an observation that has a row of its own."""
    valid = When(row.valid_from, row.valid_to) if row.valid_from is not None else None
    values = {
        "phenomenonTime": When(row.time, row.end), "result": row.result,
        "resultTime": When(row.result_time) if row.result_time is not None else None,
        "resultQuality": row.quality, "validTime": valid, "parameters": row.parameters,
    }  # fmt: skip
    links: dict[str, int | None] = {
        "Datastream": row.datastream, "FeatureOfInterest": row.feature
    }  # fmt: skip
    place = Key(row.datastream, row.time, row.turn)
    if row.id_time is None:
        return Entity(OBSERVATION, row.number, place.id, values, links)
    values[PLACE] = place
    key = Key(row.datastream, row.id_time, row.id_turn or 0)
    return Entity(OBSERVATION, row.number, key.id, values, links)


def place_of(entity: Entity) -> Key:
    """Return where an observation stands in the order of time; its id may tell an earlier time."""
    place: Key = entity.values.get(PLACE) or read_key(entity.id)
    return place


def moved(key: Key) -> Select[Any]:
    """Return the question for the row of an observation that stood at a key when it was made."""
    row = ObservationRow
    return select(row).where(
        row.datastream == key.datastream, row.id_time == key.time, row.id_turn == key.turn,
        row.gone.is_(False),
    )  # fmt: skip


def about_streams(tree: Tree | None) -> tuple[list[Any], list[Tree]]:
    """Part a filter of observations: conditions on datastreams, and what else must hold.

    A part that the store answers exactly is not among the rest.
    """
    told, rest = [], []
    for part in conjuncts(tree) if tree is not None else ():
        paths = paths_of(part)
        if paths and all(one[0] == "Datastream" for one in paths):
            condition = to_sql(DATASTREAM, without(part, 1))
            if condition is not None:
                told.append(condition.sql)
                if condition.exact:
                    continue
        rest.append(part)
    return told, rest


def without(tree: Tree, links: int) -> Tree:
    """Return a tree with the first links of every path taken off."""
    if isinstance(tree, Path):
        return Path(tree.parts[links:])
    if isinstance(tree, Call):
        return Call(tree.name, tuple(without(one, links) for one in tree.inputs))
    return tree


def joined(parts: list[Tree]) -> Tree | None:
    """Return the tree that says all of these."""
    return None if not parts else parts[0] if len(parts) == 1 else Call("and", tuple(parts))


def bounds(parts: list[Tree]) -> tuple[int, int]:
    """Return [start, end) in ms outside of which nothing fits, from comparisons of the time."""
    start, end = lake_bounds = (lake_start(), lake_end())
    for part in parts:
        if not isinstance(part, Call) or len(part.inputs) != 2:
            continue
        left, right = part.inputs
        if left != Path(("phenomenonTime",)) or not isinstance(right, Constant):
            continue
        if not isinstance(right.value, When) or right.value.end is not None:
            continue
        at = right.value.start
        if part.name in {"gt", "ge", "eq"}:
            start = max(start, at)
        if part.name in {"lt", "le", "eq"}:
            end = min(end, at + 1)
    return (start, end) if start < end else (lake_bounds[0], lake_bounds[0])


def lake_start() -> int:
    return lake.Question().start


def lake_end() -> int:
    return lake.Question().end


def behind(key: Key, *, descending: bool) -> Any:
    """Return the condition on rows that come after a key in the order of time."""
    row = ObservationRow
    later = row.time < key.time if descending else row.time > key.time
    beside = or_(
        row.datastream > key.datastream,
        and_(row.datastream == key.datastream, row.turn > key.turn),
    )
    return or_(later, and_(row.time == key.time, beside))
