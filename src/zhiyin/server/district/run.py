"""Run the district: one task per line, sampling by the clock and sending what is due.

Nothing is ever dropped: a line whose store is full stops sampling and says so; as values are a
function of time it goes on later exactly where it stopped.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import msgspec
import structlog

from zhiyin.kernel import Clock, clock_of, iso
from zhiyin.server.district.carriers import Carrier, HttpCarrier, MqttCarrier
from zhiyin.server.district.plan import Plan, Sensor
from zhiyin.server.district.schedule import Message, Schedule, Trouble

log = structlog.get_logger("zhiyin.district")
HTTP_LINES = 4
_TICK = 1.0  # longest real pause between two looks at the clock, in seconds


class Tally(msgspec.Struct):
    """What a run has said; all in observations, but `messages`, `retries` and `kinds`.

    generated = acknowledged + refused + unacknowledged, always.
    """

    generated: int = 0
    acknowledged: int = 0
    refused: int = 0
    unacknowledged: int = 0
    quarantined: int = 0  # said so by the HTTP answers
    messages: int = 0
    retries: int = 0
    overflows: int = 0  # times a line's store was full
    kinds: dict[str, int] = msgspec.field(default_factory=dict)


class _Line:
    """A carrier with the schedule of its own devices."""

    def __init__(self, plan: Plan, name: str, sensors: Sequence[Sensor], tally: Tally) -> None:
        self.name, self._plan, self._tally = name, plan, tally
        self.carrier: Carrier = (
            MqttCarrier(plan.mqtt, f"zhiyin-district-{plan.seed}-{name}", self._acknowledged)
            if sensors[0].by == "mqtt"
            else HttpCarrier(plan.http, name, self._acknowledged, self._quarantined, plan.retry_ms)
        )
        self._freed = asyncio.Event()
        self._sensors = sensors

    async def work(self, start: int, clock: Clock, trouble: Trouble | None) -> None:
        """Sample and send; returns when everything due by `plan.until` has been put."""
        plan = self._plan
        schedule = Schedule(self._sensors, plan.seed, start, trouble)
        full = False
        while (due := schedule.next_due()) is not None:
            if plan.until is not None and due > plan.until:
                return
            now = clock.now() if plan.until is None else min(clock.now(), plan.until)
            room = plan.store - self.carrier.waiting
            if room <= 0:
                if not full:
                    self._say_full(now)
                full = True
                await self._wait_for_room()
            elif due > now:
                full = False
                await asyncio.sleep(max(0.001, min(_TICK, (due - now) / clock.speed / 1000)))
            else:
                for message in schedule.take(now, min(room, 200)):
                    self._put(message)
                await asyncio.sleep(0)

    def _put(self, message: Message) -> None:
        self._tally.messages += 1
        self._tally.generated += len(message.observations)
        self._tally.kinds[message.kind] = self._tally.kinds.get(message.kind, 0) + 1
        self.carrier.put(message)

    async def _wait_for_room(self) -> None:
        self._freed.clear()
        await self._freed.wait()

    async def drained(self) -> None:
        while self.carrier.waiting:
            await self._wait_for_room()

    def _say_full(self, now: int) -> None:
        self._tally.overflows += 1
        log.warning(
            "district.store_full", line=self.name, waiting=self.carrier.waiting, at=iso(now),
            do="the line stops sampling until the other side answers; nothing is dropped",
        )  # fmt: skip

    def _acknowledged(self, message: Message, *, refused: bool = False) -> None:
        count = len(message.observations)
        if refused:
            self._tally.refused += count
        else:
            self._tally.acknowledged += count
        self._freed.set()

    def _quarantined(self, count: int) -> None:
        self._tally.quarantined += count


async def run(plan: Plan, stop: asyncio.Event | None = None) -> Tally:
    """Play the plan until `stop` is set or `plan.until` is reached; return the tally."""
    stop = stop or asyncio.Event()
    clock = clock_of(plan.clock)
    start = plan.start if plan.start is not None else clock.now()
    trouble = Trouble(plan.sensors, plan.seed) if plan.trouble else None
    tally = Tally()
    lines = [_Line(plan, name, some, tally) for name, some in lines_of(plan).items()]
    log.info("district.open", day=plan.day, sensors=len(plan.sensors), lines=len(lines))
    for line in lines:
        await line.carrier.open()
    work = [asyncio.create_task(line.work(start, clock, trouble)) for line in lines]
    stopped = asyncio.create_task(stop.wait())
    everything = asyncio.ensure_future(asyncio.gather(*work))
    waited: set[asyncio.Future[Any]] = {everything, stopped}
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if everything.done():
            everything.result()
    finally:
        everything.cancel()
        stopped.cancel()
        await asyncio.gather(everything, *work, stopped, return_exceptions=True)
        await _drain(lines, plan.drain_ms)
        tally.retries = sum(line.carrier.retries for line in lines)
        tally.unacknowledged = tally.generated - tally.acknowledged - tally.refused
        log.info("district.closed", **msgspec.to_builtins(tally))
    return tally


def lines_of(plan: Plan) -> dict[str, list[Sensor]]:
    """Share the devices out to lines: one MQTT connection each up to the limit, a few HTTP."""
    devices = Counter(one.thing for one in plan.sensors if one.by == "mqtt")
    shared = len(devices) > plan.connections
    lines: dict[str, list[Sensor]] = defaultdict(list)
    for one in plan.sensors:
        mark = crc32(one.thing.encode())
        if one.by != "mqtt":
            lines[f"http-{mark % HTTP_LINES}"].append(one)
        elif shared:
            lines[f"mqtt-{mark % plan.connections}"].append(one)
        else:
            lines[f"mqtt-{one.thing}"].append(one)
    return dict(lines)


async def _drain(lines: Sequence[_Line], millis: int) -> None:
    """Wait until every line is acknowledged, at most `millis` of real time; then close."""
    drained = [asyncio.create_task(line.drained()) for line in lines]
    if drained:
        _, late = await asyncio.wait(drained, timeout=millis / 1000)
        for task in late:
            task.cancel()
    for line in lines:
        await line.carrier.close()
