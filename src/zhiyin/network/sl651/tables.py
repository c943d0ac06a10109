"""The code tables of SL 651-2014, from the data files beside this module; read when first asked."""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Element(NamedTuple):
    """One element or parameter: N(digits, decimals), unit, and how its data are written.

    `kind`: number (BCD), duration (HH.mm), gate (BCD with codes for special states), state, step,
    rains, levels, time, station, text, picture, rest; of parameters also bytes, digits, channel,
    relay, mark.
    """

    lead: int
    name: str
    digits: int
    decimals: int
    unit: str
    kind: str
    zh: str
    en: str

    @property
    def definition(self) -> int:
        """Return the definition byte of a value that is not negative (6.6.3.2, table 26)."""
        return (self.digits + 1) // 2 << 3 | self.decimals


class Code(NamedTuple):
    """One row of a small table."""

    code: str
    name: str
    zh: str
    en: str


def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(f"tables/{name}.csv").read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@cache
def elements() -> dict[int, Element]:
    """Return the elements by lead byte (annex C)."""
    return {
        (lead := int(row["lead"], 16)): Element(
            lead, row["name"], int(row["digits"]), int(row["decimals"]), row["unit"], row["kind"],
            row["zh"], row["en"],
        )
        for row in _rows("elements")
    }  # fmt: skip


@cache
def parameters() -> dict[int, Element]:
    """Return the station's parameters by lead byte (annex D); their name is the lead byte."""
    return {
        (lead := int(row["lead"], 16)): Element(
            lead, row["lead"], int(row["digits"]), int(row["decimals"]), row["unit"], row["kind"],
            row["zh"], row["en"],
        )
        for row in _rows("parameters")
    }  # fmt: skip


@cache
def codes(table: str) -> dict[int, Code]:
    """Return a small table: function, class and end by code (hex), state and event by number."""
    base = 10 if table in {"state", "event"} else 16
    return {
        int(row["code"], base): Code(row["code"], row["name"], row["zh"], row["en"])
        for row in _rows("codes")
        if row["table"] == table
    }


@cache
def named(table: str) -> dict[str, int]:
    """Return the code of each name of a small table."""
    return {code.name: number for number, code in codes(table).items()}


@cache
def leads() -> dict[str, int]:
    """Return the lead byte of each ASCII identifier."""
    return {one.name: lead for lead, one in elements().items()}


@cache
def name_of(lead: int) -> str:
    """Return the name under which an element's readings go.

    The ASCII identifier where annex C has one; else the lead byte in hex digits, for FFxx all
    four; AC, CD and ED, which are also ASCII identifiers of others, with an H behind.
    """
    known = elements().get(lead)
    if known is not None:
        return known.name
    digits = f"{lead:02X}"
    return f"{digits}H" if digits in leads() else digits


@cache
def lead_of(name: str) -> int | None:
    """Return the lead byte that a name stands for: `PJ`, `20`, `20H` or `FF01`; else None."""
    if name in leads():
        return leads()[name]
    digits = name.removesuffix("H")
    try:
        lead = int(digits, 16)
    except ValueError:
        return None
    fits = len(digits) == 2 or (len(digits) == 4 and lead >> 8 == 0xFF)
    return lead if fits and lead != 0xFF else None


def alias(name: str) -> str:
    """Return the reading's name for what an author wrote: `20` and `20H` are `PJ`."""
    lead = lead_of(name)
    return name if lead is None else name_of(lead)
