"""The code tables of HJ 212, read from the files beside this module when first asked for."""

import csv
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec
from msgspec import Struct, field


class Factor(NamedTuple):
    """A pollutant, measure or item by its code of HJ 524, HJ 525 or the annex.

    `unit` is what field equipment sends; `annex_unit` what the annex of the standard prints, which
    is nanograms for particulates where everybody sends micrograms.
    """

    code: str
    title: str
    unit: str
    annex_unit: str
    since: str
    source: str


class Command(Struct, frozen=True):
    """A CN: which ways it goes, what the host answers, whether it brings values."""

    cn: str
    title: str
    ways: str = "both"  # up: from the device; down: to it
    answer: str = "9014"
    data: bool = False
    secret: bool = False  # encrypted by HJ 212-2025 beside 2000–2999
    since: str = "2017"
    until: str = ""

    @property
    def up(self) -> bool:
        return self.ways != "down"


class OrderShape(Struct, frozen=True):
    """An order that can be given: its CN, what it needs and what it may have."""

    cn: str
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    notice: bool = False  # answered by 9013 alone


class Tables(Struct, frozen=True):
    """All code lists of the commands' file."""

    versions: dict[str, str]
    commands: tuple[Command, ...]
    systems: dict[str, str]
    request_results: dict[str, tuple[str, str]]
    results: dict[str, tuple[str, str]]
    data_flags: dict[str, tuple[str, str]]
    states: dict[str, str]
    by_cn: dict[str, Command] = field(default_factory=dict)


class _Orders(Struct, frozen=True):
    orders: dict[str, OrderShape]


def _text(name: str) -> str:
    return (resources.files(__package__) / name).read_text("utf-8")


@cache
def tables() -> Tables:
    found = msgspec.json.decode(_text("commands.json"), type=Tables)
    found.by_cn.update((command.cn, command) for command in found.commands)
    return found


@cache
def orders() -> dict[str, OrderShape]:
    return msgspec.json.decode(_text("orders.json"), type=_Orders).orders


@cache
def factors() -> dict[str, Factor]:
    rows = csv.reader(_text("factors.csv").splitlines()[1:])
    return {row[0]: Factor(*row) for row in rows}
