"""Paths into a decoded message, and the records that `each` leads to."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

_STEP = re.compile(r'"([^"]*)"|([^."]+)')


class Missing:
    """What stands at a path where nothing is."""


MISSING = Missing()


class Record(NamedTuple):
    """One record of a message: what it holds and the key it stood under, else empty."""

    value: Any
    key: str


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(match[1] or match[2] for match in _STEP.finditer(path))


def at(path: str, record: Any, top: Any) -> Any:
    """Return what stands at a path, MISSING when nothing does; an empty path is the record."""
    if path.startswith("$"):
        record, path = top, path[1:]
    for step in _steps(path):
        if isinstance(record, dict) and step in record:
            record = record[step]
        elif isinstance(record, list) and step.isdigit() and int(step) < len(record):
            record = record[int(step)]
        elif step == "#text" and isinstance(record, str):
            continue  # an element of XML that has nothing but its text
        else:
            return MISSING
    return record


def records(each: str, top: Any) -> Iterator[Record]:
    """Yield the records `each` leads to; what is not there yields nothing."""
    yield from _walk(_steps(each), Record(top, ""))


def _walk(steps: tuple[str, ...], record: Record) -> Iterator[Record]:
    if not steps:
        yield record
        return
    step, rest, value = steps[0], steps[1:], record.value
    if step == "[]":
        for item in value if isinstance(value, list) else [value]:
            yield from _walk(rest, Record(item, record.key))
    elif step.startswith("[@"):
        for item in value if isinstance(value, list) else [value]:
            key = item.get(step[2:-1]) if isinstance(item, dict) else None
            yield from _walk(rest, Record(item, key if isinstance(key, str) else ""))
    elif step == "{}":
        for key, item in value.items() if isinstance(value, dict) else ():
            yield from _walk(rest, Record(item, key))
    else:
        inner = at(f'"{step}"', value, value)
        if inner is not MISSING:
            yield from _walk(rest, Record(inner, record.key))
