"""When which device says what: samples in order of sending, with the troubles of ordinary life.

Deterministic: the same sensors, seed and start give the same messages however they are taken.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from zhiyin.kernel import HOUR, MINUTE, SECOND
from zhiyin.server.district.plan import Sensor
from zhiyin.server.district.values import chance, value

GAP, DUPLICATE, LATE = 0.002, 0.002, 0.003  # shares of all messages
SILENT_HOURS = 0.5  # share of hours in which one device falls silent
FAULT_WORD = "故障"  # what a broken transmitter writes where a number should be


class Observation(msgspec.Struct, frozen=True):
    """One value of one property at one time (UTC ms)."""

    property: str
    time: int
    value: float | str


class Message(msgspec.Struct, frozen=True):
    """What one device sends at `due` (UTC ms of the district's clock).

    `kind` says why: ordinary, duplicate, late, unknown, mistyped, outlying.
    """

    due: int
    thing: str
    by: str
    observations: tuple[Observation, ...]
    kind: str = "ordinary"


class Trouble:
    """Ordinary life of a district's devices, the same for the same seed and sensors."""

    def __init__(self, sensors: Sequence[Sensor], seed: int) -> None:
        self._sensors, self._seed = sensors, seed
        self._frail = sorted({one.thing for one in sensors if not one.steady})
        self._bounded = [one for one in sensors if one.shape.ceiling is not None]

    def silent(self, thing: str, time_ms: int) -> bool:
        """Return whether the device keeps silent; a silence may reach into the next hour."""
        hour = time_ms // HOUR
        return any(
            who == thing and start <= time_ms < end
            for who, start, end in (self._silence(hour - 1), self._silence(hour))
        )

    def _silence(self, hour: int) -> tuple[str, int, int]:
        if not self._frail or chance(self._seed, hour, "silence") >= SILENT_HOURS:
            return "", 0, 0
        who = self._frail[int(chance(self._seed, hour, "who") * len(self._frail))]
        start = hour * HOUR + int(chance(self._seed, hour, "when") * HOUR)
        return who, start, start + int((12 + 18 * chance(self._seed, hour, "long")) * MINUTE)

    def strays(self, hour: int) -> Iterator[tuple[Sensor, Message]]:
        """Yield one unknown device, one wrong type and one outlier, each with its neighbour."""
        for kind in ("unknown", "mistyped", "outlying"):
            among = self._bounded if kind == "outlying" else self._sensors
            if not among:
                continue
            near = among[int(chance(self._seed, hour, kind, "near") * len(among))]
            at = hour * HOUR + int(chance(self._seed, hour, kind, "when") * HOUR)
            yield near, self._stray(kind, near, at // SECOND * SECOND)

    def _stray(self, kind: str, near: Sensor, at: int) -> Message:
        thing, reading = near.thing, value(near, self._seed, at)
        said: float | str = reading
        if kind == "unknown":
            thing = f"unregistered_{int(chance(self._seed, at) * 65536):04x}"
        elif kind == "mistyped":
            said = FAULT_WORD
        else:
            said = 10 * abs(near.shape.ceiling or 1.0) + 1
        return Message(at, thing, near.by, (Observation(near.property, at, said),), kind)

    def turn(self, thing: str, time_ms: int) -> float:
        return chance(self._seed, thing, time_ms, "turn")

    def delay(self, thing: str, time_ms: int) -> int:
        return 20 * SECOND + int(chance(self._seed, thing, time_ms, "delay") * 220) * SECOND


class Schedule:
    """The messages of some sensors after `start`, in order of sending."""

    def __init__(
        self, sensors: Sequence[Sensor], seed: int, start: int, trouble: Trouble | None = None
    ) -> None:
        self._seed, self._trouble = seed, trouble
        self._mine = {(one.thing, one.property) for one in sensors}
        sets: dict[tuple[str, int], list[Sensor]] = defaultdict(list)
        for one in sensors:
            sets[one.thing, one.every_ms].append(one)
        self._sets = list(sets.values())
        self._heap: list[tuple[int, int, Message | int]] = []
        self._count = len(self._sets)
        for number, group in enumerate(self._sets):
            every = group[0].every_ms
            heapq.heappush(self._heap, ((start // every + 1) * every, number, number))
        self._start, self._hour = start, start // HOUR - 1
        self._look_ahead(start)

    def next_due(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def take(self, until: int, limit: int) -> list[Message]:
        """Return at most `limit` (and one duplicate) messages due by `until`, earliest first."""
        out: list[Message] = []
        while len(out) < limit and self._heap and self._heap[0][0] <= until:
            due, _, what = heapq.heappop(self._heap)
            self._look_ahead(due)
            if isinstance(what, int):
                every = self._sets[what][0].every_ms
                heapq.heappush(self._heap, (due + every, what, what))
                out += self._lived(what, due)
            else:
                out.append(what)
        return out

    def _push(self, message: Message) -> None:
        self._count += 1
        heapq.heappush(self._heap, (message.due, self._count, message))

    def _look_ahead(self, time_ms: int) -> None:
        """Have the strays of this hour and the next in the heap."""
        while self._trouble and self._hour < time_ms // HOUR + 1:
            self._hour += 1
            for near, message in self._trouble.strays(self._hour):
                if message.due > self._start and (near.thing, near.property) in self._mine:
                    self._push(message)

    def _lived(self, number: int, time_ms: int) -> list[Message]:
        """Return what of this sample is sent now: nothing, one message, or two."""
        group = self._sets[number]
        thing = group[0].thing
        read = (
            Observation(one.property, time_ms, value(one, self._seed, time_ms)) for one in group
        )
        message = Message(time_ms, thing, group[0].by, tuple(read))
        if self._trouble is None or any(one.steady for one in group):
            return [message]
        if self._trouble.silent(thing, time_ms):
            return []
        turn = self._trouble.turn(thing, time_ms)
        if turn < GAP:
            return []
        if turn < GAP + DUPLICATE:
            return [message, msgspec.structs.replace(message, kind="duplicate")]
        if turn < GAP + DUPLICATE + LATE:
            due = time_ms + self._trouble.delay(thing, time_ms)
            self._push(msgspec.structs.replace(message, due=due, kind="late"))
            return []
        return [message]
