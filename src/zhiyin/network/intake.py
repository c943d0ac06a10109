"""The front door's check: from decoded messages to columns, and to what is kept apart and why.

Whole batches at a time; only rows that are out of the ordinary are looked at one by one.
"""

import reprlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from zhiyin.kernel import Quality, iso, new_id, parse_duration, parse_time
from zhiyin.lake import Columns, Flags, Floats, Mask, Millis
from zhiyin.network.model import Reason, Register, Rejected

NUMBERS = {int, float}
_UTC = pa.timestamp("ms", "UTC")
_YEAR_ONE = -62_135_596_800_000  # before it Arrow reads years that `parse_time` refuses


class Limits(NamedTuple):
    """How far a device's clock may be off, in ms."""

    future: int
    past: int


class Message(NamedTuple):
    """A decoded batch as columns of what the sender wrote."""

    thing: Sequence[str]
    property: Sequence[str]
    time: Sequence[Any]  # epoch ms, RFC 3339 text, or None for "now"
    value: Sequence[Any]


class Checked(NamedTuple):
    """What may go on, and what was kept apart."""

    columns: Columns
    rejected: list[Rejected]


class Intake:
    """Checks batches against the register."""

    def __init__(self, register: Register, limits: Limits) -> None:
        self._register, self._limits = register, limits

    @classmethod
    def of(cls, register: Register, future: str, past: str) -> "Intake":
        return cls(register, Limits(parse_duration(future), parse_duration(past)))

    def check(
        self, message: Message, now: int, received: int, source: str, *, history: bool = False
    ) -> Checked:
        """Return the rows that pass, in the sender's order, and the others with their reasons.

        `now` (UTC ms) is what the clock says; `received` stamps rows without a time.
        """
        count = len(message.thing)
        register = self._register
        series = register.index.find(message.thing, message.property)
        plain = set(map(type, message.value)) <= NUMBERS
        value, no_number = _numbers(message.value, plain=plain)
        time, no_time = _times(message.time, received)
        known = series >= 0
        at = np.where(known, series, 0).astype(np.intp)
        if len(register):
            if register.any_boolean or not plain:
                no_number = _wrong_types(message.value, register.boolean[at], no_number)
            low, high = register.floor[at], register.ceiling[at]
        else:
            low = high = np.zeros(count)
        out = ~((value >= low) & (value <= high))
        off = time > now + self._limits.future
        if not history:
            off |= time < now - self._limits.past
        good = known & ~no_number & ~no_time & ~out & ~off
        quality: Flags = np.full(count, Quality.HISTORY if history else Quality.GOOD, np.uint8)
        columns = Columns(series, time, value, quality)
        if good.all():
            return Checked(columns, [])
        marks = _Marks(known, no_time, no_number, off, out)
        rejected = [
            self._reject(message, int(row), marks, time, now, received, source)
            for row in np.flatnonzero(~good)
        ]
        return Checked(columns.take(good), rejected)

    def _reject(
        self, message: Message, row: int, marks: "_Marks", time: Millis,
        now: int, received: int, source: str,
    ) -> Rejected:  # fmt: skip
        thing, prop = message.thing[row], message.property[row]
        value, said = message.value[row], message.time[row]
        reason, detail = Reason.UNKNOWN_PROPERTY, f"{thing} has no property {prop!r}"
        if not marks.known[row]:
            if thing not in self._register.of_thing:
                reason, detail = Reason.UNKNOWN_DEVICE, f"no device {thing!r} is registered"
        elif marks.no_time[row]:
            reason, detail = (
                Reason.MALFORMED,
                f"time is {_short(said)}; it should be RFC 3339 or ms",
            )
        elif marks.no_number[row]:
            reason, detail = Reason.WRONG_TYPE, f"value is {_short(value)}; it should be a number"
            of = self._register.find(thing, prop)
            if of is not None and of.boolean:
                detail = f"value is {_short(value)}; it should be true or false"
        elif marks.off[row]:
            reason = Reason.CLOCK_OFF
            detail = f"time is {_written(int(time[row]))}; the clock here says {iso(now)}"
        elif marks.out[row]:
            of = self._register.find(thing, prop)
            reason = Reason.OUT_OF_RANGE
            span = f"{of.floor:g} to {of.ceiling:g}" if of is not None else "in range"
            unit = of.unit if of is not None else ""
            detail = f"value is {_float(value):g} {unit}; it should be {span}"
        raw = {"thing": thing, "property": prop, "time": said, "value": value}
        return Rejected(
            new_id(), reason, detail[:400], source, received, thing[:256], prop[:256], raw
        )


class _Marks(NamedTuple):
    known: Mask
    no_time: Mask
    no_number: Mask
    off: Mask
    out: Mask


def _numbers(values: Sequence[Any], *, plain: bool) -> tuple[Floats, Mask]:
    if plain:
        try:
            return np.array(values, np.float64), np.zeros(len(values), bool)
        except OverflowError:  # a whole number of more than 308 digits
            pass
    number = np.fromiter(
        (type(value) in NUMBERS or type(value) is bool for value in values), bool, len(values)
    )
    floats = (_float(value) if good else 0.0 for value, good in zip(values, number, strict=True))
    return np.fromiter(floats, np.float64, len(values)), ~number


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def _short(said: Any) -> str:
    """Return what was said, in at most some 200 characters."""
    return reprlib.repr(said)


def _written(millis: int) -> str:
    """Return a time as text, also one that no calendar has."""
    try:
        return iso(millis)
    except (ValueError, OverflowError, OSError):
        return f"{millis} ms"


def _wrong_types(values: Sequence[Any], boolean: Mask, no_number: Mask) -> Mask:
    is_bool = np.fromiter((type(value) is bool for value in values), bool, len(values))
    as_bool = np.fromiter(
        (type(value) in NUMBERS and value in {0, 1} for value in values), bool, len(values)
    )
    wrong: Mask = np.where(boolean, ~(is_bool | as_bool), no_number | is_bool)
    return wrong


def _times(times: Sequence[Any], received: int) -> tuple[Millis, Mask]:
    kinds = set(map(type, times))
    if kinds == {int}:
        try:
            return np.array(times, np.int64), np.zeros(len(times), bool)
        except OverflowError:
            pass
    if kinds == {str}:
        with suppress(pa.ArrowInvalid):  # what Arrow does not take may still be a time of ours
            read = pa.array(times, pa.string()).cast(_UTC).cast(pa.int64()).to_numpy()
            if read.min() >= _YEAR_ONE:
                return np.asarray(read), np.zeros(len(times), bool)
    moments = [_moment(said, received) for said in times]
    wrong = np.fromiter((moment is None for moment in moments), bool, len(times))
    return np.array([moment or 0 for moment in moments], np.int64), wrong


def _moment(said: Any, received: int) -> int | None:
    if said is None:
        return received
    if isinstance(said, str):
        try:
            return parse_time(said)
        except (ValueError, OverflowError):
            return None
    if isinstance(said, int | float) and not isinstance(said, bool) and abs(said) < 1e14:
        return int(said)
    return None
