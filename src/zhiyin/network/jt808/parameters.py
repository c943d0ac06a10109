"""Terminal parameters, JT/T 808 §8.8 table 12: count u8, then id u32, length u8, value."""

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from zhiyin.network.frame import Field, FrameFault
from zhiyin.network.jt808.values import text_of
from zhiyin.network.model import Reason


class Kind(NamedTuple):
    """What is known of a parameter or of an additional item."""

    name: str
    size: int  # bytes; 0: text or hex of any length
    scale: float  # 0 for what is no number
    signed: bool
    text: bool
    unit: str
    title: str


def load_kinds(file: str) -> dict[int, Kind]:
    """Return the rows of a table beside the code, by id."""
    rows = files(__package__).joinpath(file).read_text(encoding="utf-8").splitlines()
    found = {}
    for row in csv.DictReader(rows):
        kind, _, scale = row["type"].partition(":")
        number = kind[0] in "ui" and kind[1:].isdecimal()
        found[int(row["id"], 16)] = Kind(
            row["name"], int(kind[1:]) // 8 if number else 0,
            float(scale or 1) if number else 0.0, kind[0] == "i", kind == "text",
            row["unit"], row["title"],
        )  # fmt: skip
    return found


@cache
def known() -> dict[int, Kind]:
    """Return the parameters of the standard, by id."""
    return load_kinds("parameters.csv")


@cache
def by_name() -> dict[str, int]:
    """Return the ids of the parameters, by name."""
    return {kind.name: key for key, kind in known().items()}


def scaled(number: int, scale: float) -> float | int:
    """Return `number` in its unit: tenths are divided so that the decimal is the nearest."""
    return number if scale == 1 else number / round(1 / scale)


def value_of(kind: Kind | None, data: bytes) -> Any:
    """Return the value of a parameter or item; hexadecimal text where its form is not known."""
    if kind is None or (kind.scale and len(data) != kind.size):
        return data.hex().upper()
    if kind.scale:
        return scaled(int.from_bytes(data, "big", signed=kind.signed), kind.scale)
    return text_of(data) if kind.text else data.hex().upper()


def bytes_of(kind: Kind | None, value: Any) -> bytes:
    """Return the bytes of a value; ValueError or OverflowError when it does not fit."""
    if kind is None or (isinstance(value, str) and not kind.text):
        return bytes.fromhex(str(value))
    if kind.scale:
        return round(float(value) / kind.scale).to_bytes(kind.size, "big", signed=kind.signed)
    return str(value).encode("gbk") if kind.text else bytes.fromhex(str(value))


def key_of(name: str | int) -> int:
    """Return the id of a parameter named by its name, or by its id in hexadecimal digits."""
    if isinstance(name, int):
        return name
    return by_name()[name] if name in by_name() else int(name.partition("#")[0], 16)


def read(data: bytes, at: int, name: str) -> tuple[dict[str, Any], int]:
    """Return the parameters by id (four or more hexadecimal digits), and where they end."""
    found: dict[str, Any] = {}
    if at >= len(data):
        raise FrameFault(Reason.LENGTH, f"body byte {at}: the count of {name} is missing")
    count, at = data[at], at + 1
    for number in range(1, count + 1):
        start = at + 5
        if start > len(data) or start + data[at + 4] > len(data):
            raise FrameFault(
                Reason.LENGTH,
                f"body byte {at}: parameter {number} of {count} is not whole; "
                f"{len(data) - at} bytes are left",
            )
        key = int.from_bytes(data[at : at + 4], "big")
        at = start + data[at + 4]
        label = f"{key:04X}"
        found[label if label not in found else f"{label}#{number}"] = value_of(
            known().get(key), data[start:at]
        )
    return found, at


def write(values: Mapping[str, Any]) -> bytes:
    """Return count and parameters; a parameter is named by id or name."""
    out = bytes((len(values),))
    for name, given in values.items():
        key = key_of(name)
        value = next(iter(given.values())) if isinstance(given, Mapping) else given
        data = bytes_of(known().get(key), value)
        out += key.to_bytes(4, "big") + bytes((len(data),)) + data
    return out


def fields_of(values: Mapping[str, Any], path: str) -> Iterator[Field]:
    """Give the parameters as fields, each with its id behind the path."""
    for label, value in values.items():
        kind = known().get(key_of(label))
        name, unit, title = (kind.name, kind.unit, kind.title) if kind else ("value", "", "")
        yield Field(name, value, unit, title, f"{path}.{label}")
