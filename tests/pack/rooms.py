"""The sections of all rooms as the server hands them over, with a stand-in for an absent watch."""

import importlib
from importlib.util import find_spec
from typing import Any

from msgspec import Struct, field

from zhiyin import pack
from zhiyin.atlas.section import SECTION as ELEMENTS
from zhiyin.command.section import SECTION as CASES
from zhiyin.lake.section import SECTION as MODEL
from zhiyin.network.section import SECTION as DEVICES
from zhiyin.vitals.section import SECTION as INDICATORS

WATCH_THERE = find_spec("zhiyin.watch.section") is not None


class _Rule(Struct, forbid_unknown_fields=True):
    rule: str
    watches: str
    levels: dict[pack.LevelKey, str | float]
    says: pack.Title
    kind: str = "threshold"
    for_: str = field(name="for", default="0s")
    after: str = "0s"
    clears: str | float = ""
    direction: str = "above"
    opens: dict[pack.LevelKey, str] = {}


class _Derive(Struct, forbid_unknown_fields=True):
    derive: str
    kind: str
    from_: str = field(name="from")
    gives: str
    every: str = "1h"


class _RulesFile(Struct, forbid_unknown_fields=True):
    rules: tuple[_Rule, ...]
    derive: tuple[_Derive, ...] = ()


def _watch() -> pack.Section:
    if not WATCH_THERE:
        return pack.Section("rules.yaml", _RulesFile, lambda _file, _book: ())
    room: Any = importlib.import_module("zhiyin.watch.section")
    return pack.Section(
        "rules.yaml", room.RulesFile, lambda file, book: room.check(file, book.property_unit)
    )


SECTIONS = (MODEL, DEVICES, ELEMENTS, INDICATORS, _watch(), CASES)


def loader() -> pack.Loader:
    return pack.Loader(SECTIONS)
