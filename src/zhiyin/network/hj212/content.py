"""The CP text of HJ 212: items to fields, readings and happenings, and fields to text.

`;` stands between items, `,` between the values of one (HJ 212-2017 §6.3.2); either is taken for
the other. Log text stands between `//` and may hold both.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from zhiyin.network.frame import Facts, Field, Happening, Reading
from zhiyin.network.hj212.clock import millis
from zhiyin.network.hj212.names import FLAG, TIME, VALUE, Name, name_of
from zhiyin.network.hj212.tables import tables

Pair = tuple[str, str]

# Tried only behind a separator, without going back: its time is linear in the text.
_PAIR = re.compile(r"(?:\A|[;,])([^=;,]{1,64}+)=(//.*?//|[^;,]*)", re.DOTALL)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_LEADS = frozenset({"PolId", "InfoId", "BeginTime", "CstartTime"})
_FOLLOWS = frozenset({"InfoId", "SystemTime", "BeginTime", "EndTime", "CstartTime", "Ctime"})
_LOG = frozenset({"i11001-Info", "i21001-Info"})
_TOLD = frozenset({"1001", "2081", "3019"})


class Meaning(NamedTuple):
    """What the values of one CP text say; `complaint` is about those that could not be read."""

    readings: tuple[Reading, ...] = ()
    complaint: str = ""
    fatal: bool = False  # nothing of it can be used


def pairs_of(cp: str) -> list[Pair]:
    """Return names and values in their order; what is neither is left out (see `junk`)."""
    found: list[Pair] = _PAIR.findall(cp)
    if " " in cp or "\t" in cp:
        return [(name.strip(), value.strip()) for name, value in found]
    return found


def junk(cp: str, pairs: Sequence[Pair]) -> str:
    """Return the first item that has no `name=`, empty when all have one."""
    if len(pairs) == cp.count(",") + cp.count(";") + 1:
        return ""
    rest = _PAIR.sub("", cp)
    left = next((item for item in re.split("[;,]", rest) if item.strip()), "")
    return left.strip()[:64]


def number_of(text: str) -> float | None:
    """Return a finite number, None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and "_" not in text and text.isascii() else None


def _unit(name: Name, units: Mapping[str, str] | None) -> str:
    if units and name.unit and name.code in units:
        return str(units[name.code])
    return name.unit


def meaning_of(cn: str, pairs: Sequence[Pair], facts: Facts | None) -> Meaning:
    """Return readings at their DataTime; those of a factor flagged otherwise than taken are left.

    `take_flags` of the device's settings is the letters of data flags that are taken (default N);
    `units` overrides units by factor code.
    """
    try:
        return _meaning(cn, pairs, facts.settings if facts else {})
    except ValueError as fault:
        return Meaning(complaint=f"DataTime · {fault}", fatal=True)


def _meaning(cn: str, pairs: Sequence[Pair], settings: Mapping[str, Any]) -> Meaning:
    taken = str(settings.get("take_flags", "N"))
    units = settings.get("units")
    readings: list[Reading] = []
    codes: list[str] = []
    refused: set[str] = set()
    complaint = ""
    time: int | None = None
    for text, value in pairs:
        kind, code, suffix, unit, _ = name = name_of(text)
        if kind == VALUE:
            number = number_of(value)
            if number is None:
                complaint = complaint or _no_number(suffix, text, value)
                continue
            if time is None:
                time = _needed_time(pairs)
            readings.append(Reading(cn, text, time, number, _unit(name, units) if units else unit))
            codes.append(code)
        elif kind == FLAG:
            if value not in taken and value.upper() not in taken:
                refused.add(code)
        elif kind == TIME:
            time = millis(value)
    if refused:
        kept = zip(readings, codes, strict=True)
        readings = [reading for reading, code in kept if code not in refused]
    return Meaning(tuple(readings), complaint)


def _needed_time(pairs: Sequence[Pair]) -> int:
    """Return the DataTime that stands behind its values; ValueError when there is none."""
    time = _first_time(pairs)
    if time is None:
        raise ValueError("absent · 14 digits should be")
    return time


def _no_number(suffix: str, text: str, value: str) -> str:
    if not value or suffix == "Info":
        return ""  # no value was had, or it is text by its nature
    return f"{text[:40]} · {value[:40]!r} · a number should be"


def _first_time(pairs: Sequence[Pair]) -> int | None:
    """Return the first DataTime wherever it stands, None when there is none."""
    return next((_time(value) for text, value in pairs if text == "DataTime"), None)


def happenings_of(cn: str, pairs: Sequence[Pair], sent: str) -> tuple[Happening, ...]:
    """Return log entries, hardware and restarts at their DataTime, else at `sent` (the QN)."""
    if cn == "3020":
        return _logged(pairs, sent)
    if cn not in _TOLD:
        return ()
    told = {name: value for name, value in pairs if name != "DataTime"}
    if cn == "2081":
        at = _time(told.get("RestartTime", "")) or _told_at(pairs, sent)
        return (Happening("restart", at, data=told),)
    return (Happening("hardware", _told_at(pairs, sent), data=told),)


def _logged(pairs: Sequence[Pair], sent: str) -> tuple[Happening, ...]:
    about, at = "", _told_at(pairs, sent)
    found = []
    for name, value in pairs:
        if name == "PolId":
            about = value
        elif name == "DataTime":
            at = _time(value) or at
        elif name in _LOG or value.startswith("//"):
            text = value.removeprefix("//").removesuffix("//")
            found.append(Happening("log", at, about, data={"info": name, "text": text}))
    return tuple(found)


def _time(text: str) -> int | None:
    try:
        return millis(text)
    except ValueError:
        return None


def _told_at(pairs: Sequence[Pair], sent: str) -> int:
    return _first_time(pairs) or _time(sent) or 0


def value_of(name: Name, text: str) -> Any:
    """Return a number where the text is one by its name, else the text as it is."""
    if name.kind != VALUE or (number := number_of(text)) is None:
        return text
    return int(text) if _WHOLE.fullmatch(text) else number


def fields_of(pairs: Iterable[Pair], units: Mapping[str, str] | None = None) -> tuple[Field, ...]:
    """Return every item by its standard name; `part` is the factor it belongs to."""
    words = tables().data_flags
    fields = []
    for text, value in pairs:
        name = name_of(text)
        title = name.title
        if name.kind == FLAG and value.upper() in words:
            title = f"{title}:{words[value.upper()][0]}"
        elif explained := _explained(text, name, value):
            title = f"{title}:{explained}"
        fields.append(Field(text, value_of(name, value), _unit(name, units), title, name.code))
    return tuple(fields)


def _explained(text: str, name: Name, value: str) -> str:
    """Return what a code stands for: an answer's, or the state of a piece of equipment."""
    found = tables()
    if name.suffix == "RS":
        return found.states.get(value, "")
    codes = {"QnRtn": found.request_results, "ExeRtn": found.results}.get(text, {})
    return codes[value][0] if value in codes else ""


def text_of(value: Any) -> str:
    """Return a value as CP text; ValueError for one that has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and isfinite(value):
        shown = repr(value)
        return shown if "e" not in shown else f"{value:.15f}".rstrip("0")
    raise ValueError(f"{value!r} is no text and no finite number")


def _joins(before: str, name: str) -> bool:
    """Whether two items stand together: of one factor, or a query's begin and end."""
    code = name.rpartition("-")[0]
    if code:
        return code == before.rpartition("-")[0]
    return before in _LEADS and name in _FOLLOWS


def cp_of(pairs: Iterable[Pair]) -> str:
    """Return the CP text of items, as the examples of the standard join them."""
    parts: list[str] = []
    before = ""
    for name, value in pairs:
        if parts:
            parts.append("," if _joins(before, name) else ";")
        parts.append(f"{name}={value}")
        before = name
    return "".join(parts)
