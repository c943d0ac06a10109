"""The code tables of GB/T 26875.3-2011, from the data file beside this module."""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Code(NamedTuple):
    """One row: of an analogue type also its unit and how many counts make one."""

    code: int
    name: str
    zh: str
    en: str
    unit: str
    counts: int


@cache
def _all() -> dict[str, dict[int, Code]]:
    text = files(__package__).joinpath("tables/codes.csv").read_text("utf-8")
    found: dict[str, dict[int, Code]] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        code = int(row["code"])
        found.setdefault(row["table"], {})[code] = Code(
            code, row["name"], row["zh"], row["en"], row["unit"], int(row["counts"] or 1)
        )
    return found


def codes(table: str) -> dict[int, Code]:
    """Return a table by code: system, component, analogue, command, type; of bits …_state, …."""
    return _all()[table]


@cache
def words(table: str, value: int) -> tuple[str, ...]:
    """Return the names of the bits that are set."""
    return tuple(one.name for bit, one in codes(table).items() if value >> bit & 1)


@cache
def bits(table: str) -> tuple[tuple[int, str], ...]:
    """Return each bit's mask and name."""
    return tuple((1 << bit, one.name) for bit, one in codes(table).items())


def named(table: str, name: str) -> int | None:
    """Return the code of a name, None when there is none."""
    return next((one.code for one in codes(table).values() if one.name == name), None)


def told(table: str, code: int) -> str:
    """Return what a code stands for, in both languages."""
    one = codes(table).get(code)
    if one is None:
        return "用户自定义 user defined" if code >= 128 else "预留 reserved"
    return f"{one.zh} {one.en}"
