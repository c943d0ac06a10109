"""Addresses below the service root: `Things(1)/Datastreams(2)/unitOfMeasurement/name/$value`."""

import re
from typing import NamedTuple

from zhiyin.network.sensorthings.faults import PathUnknown
from zhiyin.network.sensorthings.model import KINDS, PLURALS, Field, Kind, Link

DEEPEST = 24  # segments of one address
_SEGMENT = re.compile(r"([A-Za-z]+)(?:\((-?\d+|'(?:[^']|'')*')\))?\Z")
_SPLIT = re.compile(r"/(?=(?:[^']*'[^']*')*[^']*\Z)")  # not inside quotes


class Step(NamedTuple):
    """One step: into a collection or along a link, with the id of the one that is taken."""

    name: str
    kind: Kind
    many: bool
    id: int | str | None = None


class Address(NamedTuple):
    """Where an address leads: the steps, then a property of the entity, then how it is wanted."""

    steps: tuple[Step, ...]
    field: Field | None = None
    inside: tuple[str, ...] = ()  # keys below a property that is an object
    suffix: str = ""  # "$value" or "$ref"

    @property
    def kind(self) -> Kind:
        return self.steps[-1].kind

    @property
    def collection(self) -> bool:
        return self.steps[-1].many and self.steps[-1].id is None


def read_id(said: str) -> int | str:
    """Return an id as it stands in an address or filter: a number, or text in quotes."""
    return said[1:-1].replace("''", "'") if said.startswith("'") else int(said)


def read_address(path: str) -> Address:
    """Read a path (percent-decoded, without the service root); PathUnknown when it is none."""
    parts = [part for part in _SPLIT.split(path.strip("/")) if part]
    suffix = parts.pop() if parts and parts[-1] in {"$value", "$ref"} else ""
    if not parts or len(parts) > DEEPEST:
        raise PathUnknown(path=path, reason="no such resource" if parts else "it is empty")
    steps = [_first(parts[0], path)]
    for at, part in enumerate(parts[1:], 1):
        here = steps[-1]
        if here.many and here.id is None:
            raise PathUnknown(path=path, reason=f"{here.name} is a collection")
        field = here.kind.field_of.get(part)
        if field is not None:
            return _checked(Address(tuple(steps), field, tuple(parts[at + 1 :]), suffix), path)
        if part in {"@iot.id", "id"} and at == len(parts) - 1:
            field = Field("@iot.id", "number", "any")
            return _checked(Address(tuple(steps), field, (), suffix), path)
        steps.append(_along(here.kind, part, path))
    return _checked(Address(tuple(steps), None, (), suffix), path)


def _first(part: str, path: str) -> Step:
    match = _SEGMENT.match(part)
    kind = PLURALS.get(match[1]) if match else None
    if match is None or kind is None:
        known = ", ".join(PLURALS)
        raise PathUnknown(path=path, reason=f"{part!r} is none of {known}")
    return Step(match[1], kind, many=True, id=_id(match))


def _along(kind: Kind, part: str, path: str) -> Step:
    match = _SEGMENT.match(part)
    link: Link | None = kind.link_of.get(match[1]) if match else None
    if match is None or link is None:
        known = ", ".join([*kind.field_of, *kind.link_of])
        raise PathUnknown(path=path, reason=f"{kind.name} has no {part!r}; it has {known}")
    if not link.many and match[2] is not None:
        raise PathUnknown(path=path, reason=f"{link.name} is one entity and takes no id")
    return Step(link.name, KINDS[link.target], link.many, _id(match))


def _id(match: "re.Match[str]") -> int | str | None:
    return read_id(match[2]) if match[2] is not None else None


def _checked(address: Address, path: str) -> Address:
    if address.suffix == "$value" and address.field is None:
        raise PathUnknown(path=path, reason="$value follows a property")
    if address.suffix == "$ref" and address.field is not None:
        raise PathUnknown(path=path, reason="$ref follows entities")
    if (
        address.inside
        and address.field is not None
        and address.field.form not in {"object", "unit", "any", "geometry"}
    ):
        raise PathUnknown(path=path, reason=f"{address.field.name} is no object")
    return address
