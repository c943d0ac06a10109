"""Bodies of messages by their declared layout (`messages.yaml`): bytes to values and back.

A body is a mapping of field names to values; a list is a list of such mappings. A position stands
among its message's own fields. `flatten` makes fields for the eye, `gather` takes them back.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from zhiyin.network.frame import Field, FrameFault
from zhiyin.network.jt808 import located, parameters
from zhiyin.network.jt808.kinds import INLINE, kind_of
from zhiyin.network.model import Reason

Values = dict[str, Any]

REST = "rest"  # bytes behind the last field, kept as they are
DEEPEST = 4096  # items of one list that are believed


class Part(NamedTuple):
    """One field of a layout; `of` is the layout of a list's items."""

    name: str
    kind: str
    unit: str
    only: str  # "", "more", or "field.bit"
    read: Callable[[bytes, int, str], tuple[Any, int]]
    write: Callable[[Any], bytes]
    of: tuple["Part", ...] = ()


class Message(NamedTuple):
    """A message the house can read."""

    title: str
    body: tuple[Part, ...]


def _part(said: Any) -> Part:
    if isinstance(said, dict):
        of = tuple(_part(one) for one in said["of"])
        return Part(said["list"], "list", "", "", *kind_of("u8"), of)
    text, _, only = said.partition(" if ")
    name, kind, *unit = text.split()
    read, write = kind_of(kind)
    if name.startswith("#"):
        return Part(name[1:], "count", "", only, read, write)
    return Part(name, kind, unit[0] if unit else "", only, read, write)


@cache
def messages() -> dict[str, Message]:
    """Return all layouts, by message id or `id@edition`."""
    text = files(__package__).joinpath("messages.yaml").read_text(encoding="utf-8")
    said = YAML(typ="safe", pure=True).load(text)
    return {
        key: Message(str(one["title"]), tuple(_part(part) for part in one["body"]))
        for key, one in said.items()
    }


@cache
def titles() -> dict[str, str]:
    """Return what the standard calls a field, by our name of it."""
    rows = files(__package__).joinpath("names.csv").read_text(encoding="utf-8").splitlines()
    return {row["name"]: row["title"] for row in csv.DictReader(rows)}


def _wanted(part: Part, values: Mapping[str, Any], *, more: bool) -> bool:
    if not part.only:
        return True
    if part.only == "more":
        return more
    name, _, bit = part.only.partition(".")
    return bool(int(values.get(name, 0)) >> int(bit) & 1)


def _read_parts(
    parts: Iterable[Part], data: bytes, at: int, prefix: str = ""
) -> tuple[Values, int]:
    values: Values = {}
    counts: dict[str, int] = {}
    for part in parts:
        if not _wanted(part, values, more=at < len(data)):
            continue
        where = prefix + part.name
        if part.kind == "list":
            values[part.name], at = _read_list(part, data, at, counts.get(part.name), where)
        elif part.kind == "count":
            counts[part.name], at = part.read(data, at, f"count of {where}")
        elif part.kind in INLINE:
            found, at = part.read(data, at, where)
            values.update(found)
        else:
            values[part.name], at = part.read(data, at, where)
    return values, at


def _read_list(
    part: Part, data: bytes, at: int, count: int | None, where: str
) -> tuple[list[Values], int]:
    rows: list[Values] = []
    while at < len(data) if count is None else len(rows) < count:
        row, at = _read_parts(part.of, data, at, f"{where}[{len(rows) + 1}].")
        rows.append(row)
    return rows, at


def read_body(parts: tuple[Part, ...], body: bytes) -> Values:
    """Return the values of a body; what stands behind the last field is kept as `rest`."""
    values, at = _read_parts(parts, body, 0)
    if at < len(body):
        values[REST] = body[at:].hex().upper()
    return values


def _missing(name: str) -> FrameFault:
    return FrameFault(Reason.MALFORMED, f"{name} is not given; the message needs it")


def _write_parts(parts: Iterable[Part], values: Mapping[str, Any], prefix: str = "") -> bytes:
    out = b""
    for part in parts:
        given = part.name in values
        if not _wanted(part, values, more=given):
            continue
        where = prefix + part.name
        try:
            if part.kind == "list":
                for at, row in enumerate(values.get(part.name, ())):
                    out += _write_parts(part.of, row, f"{where}[{at + 1}].")
            elif part.kind == "count":
                out += part.write(len(values.get(part.name, ())))
            elif part.kind in INLINE:
                out += part.write(values)
            elif given:
                out += part.write(values[part.name])
            elif part.kind == "parameters":
                out += part.write({})  # none of them left no field
            else:
                raise _missing(where)
        except (ValueError, OverflowError, TypeError, KeyError, AttributeError) as fault:
            raise FrameFault(Reason.MALFORMED, f"{where}: {fault}") from fault
    return out


def write_body(parts: tuple[Part, ...], values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a body; FrameFault when a value is missing or does not fit."""
    try:
        rest = bytes.fromhex(str(values.get(REST, "")))
    except ValueError as fault:
        raise FrameFault(Reason.MALFORMED, f"{REST}: {fault}") from fault
    return _write_parts(parts, values) + rest


def flatten(parts: tuple[Part, ...], values: Mapping[str, Any], path: str = "") -> Iterator[Field]:
    """Give the fields of a body in the order of the frame."""
    for part in parts:
        if part.kind == "list":
            for at, row in enumerate(values.get(part.name, ())):
                inner = f"{path}.{part.name}[{at + 1}]".lstrip(".")
                yield from flatten(part.of, row, inner)
        elif part.kind in INLINE:
            yield from located.fields_of(values, path)
        elif part.kind == "parameters":
            yield from parameters.fields_of(values[part.name], f"{path}.{part.name}".lstrip("."))
        elif part.kind != "count" and part.name in values:
            title = titles().get(part.name, "")
            yield Field(part.name, values[part.name], part.unit, title, path)
    if not path and REST in values:
        yield Field(REST, values[REST], title=titles()[REST])


_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")


def gather(fields: Iterable[Mapping[str, Any]]) -> Values:
    """Return the values of a body from its fields: the way back of `flatten`."""
    values: Values = {}
    for field in fields:
        try:
            name, value, path = str(field["name"]), field["value"], str(field.get("part") or "")
        except (KeyError, TypeError, AttributeError) as fault:
            raise FrameFault(
                Reason.MALFORMED, "fields: each should be an object with name and value"
            ) from fault
        place = values
        for step, index in _STEP.findall(path):
            place = _stepped(place, step, index, path)
        place[name] = value
    return values


def _stepped(place: Values, step: str, index: str, path: str) -> Values:
    if not index:
        found = place.setdefault(step, {})
    else:
        rows = place.setdefault(step, [])
        if not isinstance(rows, list) or not 1 <= int(index) <= min(len(rows) + 1, DEEPEST):
            raise FrameFault(
                Reason.MALFORMED, f"part {path}: items of a list should come one after another"
            )
        if int(index) > len(rows):
            rows.append({})
        found = rows[int(index) - 1]
    if not isinstance(found, dict):
        raise FrameFault(Reason.MALFORMED, f"part {path}: {step} is a value and has no parts")
    return found
