"""What a fleet is told: where the gateways are, what time it is, which devices there are."""

from collections.abc import Iterator

import msgspec

from zhiyin.server.district.plan import Curve

PROTOCOLS = ("hj212", "sl651", "jt808")


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a report: the standard's `name` for it, and the property that it becomes.

    `curve` is how it runs over the day, in the property's unit; None where it follows from where a
    vehicle is.
    """

    name: str
    property: str
    curve: Curve | None = None


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who one device is: in the register, on the map, and to its gateway."""

    id: str
    thing: str
    address: str
    key: str


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Devices of one template: `count` numbered ones, and those that a pack binds to a thing.

    `first` is the number of the first one among all of its protocol; `corrupt` the share of
    reports that the line spoils when they are sent for the first time.
    """

    template: str
    gateway: str
    type: str
    every_ms: int
    quantities: tuple[Quantity, ...]
    count: int = 0
    first: int = 1
    bound: tuple[Identity, ...] = ()
    corrupt: float = 0.0


class FleetPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One run of a fleet.

    `clock` is the text `kernel.clock_of` reads; samples are due from `start` (UTC ms, default: the
    clock's now) on, at exact multiples of each kind's `every_ms` plus the device's own shift. With
    `until` the run ends itself when everything due by then is confirmed. The times below are of
    the real world: `patience_ms` that a device waits for its confirmation, `retry_ms` before it
    first tries to connect again (it doubles up to 20 times that), `drain_ms` for what is on the
    way when told to end.
    """

    seed: int
    clock: str
    http: str
    gateways: dict[str, str]  # protocol → host:port
    kinds: tuple[Kind, ...]
    start: int | None = None
    until: int | None = None
    patience_ms: int = 10_000
    retry_ms: int = 500
    drain_ms: int = 5_000
    connecting: int = 64  # connections that are being opened at a time

    def size(self) -> int:
        return sum(kind.count + len(kind.bound) for kind in self.kinds)

    def pairs(self) -> Iterator[tuple[Kind, int]]:
        """Yield every numbered device: its kind and its number."""
        for kind in self.kinds:
            for number in range(kind.first, kind.first + kind.count):
                yield kind, number
