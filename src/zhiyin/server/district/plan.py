"""What the district is told: where to send, what time it is, which sensors there are.

The wire form is JSON; every number is already in milliseconds or in the property's unit.
"""

import msgspec


class Pulse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event of the day: up over `rise_ms`, stays `hold_ms`, down over `fall_ms`.

    `at_ms` is the time of day in the district (UTC+8); each thing has its own height between
    `low` and `high`, and starts up to `spread_ms` earlier or later.
    """

    at_ms: int
    rise_ms: int
    hold_ms: int
    fall_ms: int
    low: float
    high: float
    spread_ms: int = 0


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The value over a day: a base, a daily wave, pulses, and noise with deviation `noise`."""

    low: float = 0.0
    high: float = 0.0
    amplitude: float = 0.0
    peak_ms: int = 0
    noise: float = 0.0
    pulses: tuple[Pulse, ...] = ()
    floor: float | None = None
    ceiling: float | None = None
    decimals: int = 2


class Sensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One property of one thing, sampled at exact multiples of `every_ms`.

    `by` is "mqtt" or "http". A `steady` sensor carries the story of the day: it has no gaps,
    never falls silent and is never late.
    """

    thing: str
    type: str
    property: str
    every_ms: int
    by: str
    shape: Curve
    steady: bool = False


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One run of the district.

    `clock` is the text `kernel.clock_of` reads; `start` the district's first moment (UTC ms,
    default: the clock's now), so that samples missed while starting up are sent at once.
    With `until` the run ends itself when everything due by then is acknowledged.
    `store` bounds the unacknowledged messages of one line; a full line stops sampling.
    `retry_ms` is the first back-off of an HTTP line (real time); it doubles up to 50 times that.
    """

    day: str
    seed: int
    clock: str
    http: str
    mqtt: str = ""
    sensors: tuple[Sensor, ...]
    connections: int = 60
    start: int | None = None
    until: int | None = None
    store: int = 2_000
    trouble: bool = True
    drain_ms: int = 10_000
    retry_ms: int = 200
