"""Run a fleet: register it, connect it, and call every device when its report is due."""

import asyncio
import heapq
from collections import deque
from collections.abc import Iterator

import structlog

from zhiyin.kernel import Clock, clock_of
from zhiyin.server.district.fleet.device import Device
from zhiyin.server.district.fleet.plan import FleetPlan, Identity, Kind
from zhiyin.server.district.fleet.readings import Readings
from zhiyin.server.district.fleet.register import Office, Stopped
from zhiyin.server.district.fleet.speech import SPEECHES, Speech
from zhiyin.server.district.fleet.tally import FleetTally
from zhiyin.server.district.values import chance

log = structlog.get_logger("zhiyin.fleet")
_TICK = 0.02  # seconds between two looks at what is due
_SWEEP = 25  # ticks between two looks for answers that did not come
_LONGEST = 20  # times the first wait before a connection is tried again


class Fleet:
    """All devices of a plan, as the company that each of them keeps."""

    def __init__(self, plan: FleetPlan, clock: Clock, readings: Readings) -> None:
        self.seed, self.tally = plan.seed, FleetTally()
        self._plan, self._clock, self._readings = plan, clock, readings
        self._heap: list[tuple[int, int, Device]] = []
        self._waiting: dict[Device, float] = {}  # until when (loop time), in order
        self._calls: deque[Device] = deque()  # to be connected
        self._some = asyncio.Event()
        self._count = 0
        self._ending = False
        self._finished: set[Device] = set()
        self.done = asyncio.Event()
        self.devices = list(self._made())
        self.tally.devices = len(self.devices)
        if not self.devices:
            self.done.set()

    def _made(self) -> Iterator[Device]:
        start = self._plan.start if self._plan.start is not None else self._clock.now()
        speeches: dict[str, Speech] = {key: SPEECHES[key]() for key in self._plan.gateways}
        for kind, who in identities(self._plan, speeches):
            speech = speeches[kind.gateway]
            yield Device(self, kind, who, speech, first_due(kind, who, speech, start, self.seed))

    # What a device asks ------------------------------------------------------------------------

    def said(self, device: Device, time_ms: int) -> list[tuple[str, str, float]]:
        return self._readings.of(device.kind, device.thing, time_ms)

    def rest(self, device: Device) -> None:
        if self._plan.until is not None and device.due > self._plan.until:
            self._finished.add(device)  # it rests again when its line has been down
            if len(self._finished) == len(self.devices):
                self.done.set()
            return
        self._count += 1
        heapq.heappush(self._heap, (device.due, self._count, device))

    def wait(self, device: Device) -> None:
        self._waiting.pop(device, None)
        now = asyncio.get_running_loop().time()
        self._waiting[device] = now + self._plan.patience_ms / 1000

    def served(self, device: Device) -> None:
        self._waiting.pop(device, None)

    def connect(self, device: Device, *, failed: bool) -> None:
        if self._ending:
            return
        if not failed:
            self._call(device)
            return
        device.failures += 1
        times = min(_LONGEST, 2 ** min(device.failures - 1, 6))
        share = 0.5 + chance(self.seed, device.id, device.failures) / 2
        after = self._plan.retry_ms / 1000 * times * share
        asyncio.get_running_loop().call_later(after, self._call, device)

    def _call(self, device: Device) -> None:
        self._calls.append(device)
        self._some.set()

    # The work ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until told to end."""
        for device in self.devices:
            self._call(device)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._plan.connecting):
                tasks.create_task(self._connect())
            tasks.create_task(self._play())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._calls:
                self._some.clear()
                await self._some.wait()
            device = self._calls.popleft()
            host, _, port = self._plan.gateways[device.kind.gateway].rpartition(":")
            try:
                await loop.create_connection(lambda one=device: one, host, int(port))  # type: ignore[misc]
            except OSError:
                self.connect(device, failed=True)

    async def _play(self) -> None:
        loop, turn = asyncio.get_running_loop(), 0
        while True:
            now, heap = self._clock.now(), self._heap
            while heap and heap[0][0] <= now:
                _, _, device = heapq.heappop(heap)
                if device.ready:
                    device.report()
                # One whose line is down comes back to `rest` when it is up again.
            turn += 1
            if turn % _SWEEP == 0:
                self._sweep(loop.time())
            await asyncio.sleep(_TICK)

    def _sweep(self, now: float) -> None:
        while self._waiting:
            device, until = next(iter(self._waiting.items()))
            if until > now:
                return
            del self._waiting[device]
            device.overdue()

    async def end(self) -> None:
        """Take in what is on the way, for a while; then hang up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._plan.drain_ms / 1000
        self._heap.clear()
        while loop.time() < until and self._talking():  # noqa: ASYNC110
            await asyncio.sleep(_TICK)
        self._ending = True
        self.tally.unconfirmed = sum(one.reporting for one in self.devices)
        for device in self.devices:
            device.hang_up()

    def _talking(self) -> bool:
        return any(one.reporting and one.ready for one in self.devices)


def identities(
    plan: FleetPlan, speeches: dict[str, Speech] | None = None
) -> Iterator[tuple[Kind, Identity]]:
    """Yield every device of a plan: the bound ones as they are told, the others by number."""
    speeches = speeches or {key: SPEECHES[key]() for key in plan.gateways}
    for kind in plan.kinds:
        yield from ((kind, who) for who in kind.bound)
    for kind, number in plan.pairs():
        speech = speeches[kind.gateway]
        name = f"{kind.template}-{number:05d}"
        yield kind, Identity(name, name, speech.address(number), speech.key(plan.seed, number))


def first_due(kind: Kind, who: Identity, speech: Speech, start: int, seed: int) -> int:
    """Return when a device reports first: its shift after a multiple of its interval (UTC ms).

    All of a kind are spread evenly over the interval; the time that a report tells is a whole
    number of the protocol's steps, and at most `shift` before it is sent.
    """
    every, step = kind.every_ms, speech.step
    share = chance(seed, who.id, "shift")
    own = int(share * every) // step * step
    own += int(chance(seed, who.id, "later") * speech.shift)
    due = start // every * every + own
    return due if due > start else due + every


async def run_fleet(plan: FleetPlan, stop: asyncio.Event | None = None) -> FleetTally:
    """Play the plan until `stop` is set or all that is due by `plan.until` is confirmed."""
    stop = stop or asyncio.Event()
    clock = clock_of(plan.clock)
    stopped = asyncio.create_task(stop.wait())
    office = Office(plan.http, stop)
    try:
        await office.register(list(identities(plan)))
        readings = Readings(plan.seed, await office.ways())
    except Stopped:
        stopped.cancel()
        return FleetTally()
    fleet = Fleet(plan, clock, readings)
    log.info("fleet.open", devices=len(fleet.devices))
    work = asyncio.create_task(fleet.run())
    done = asyncio.create_task(fleet.done.wait())
    try:
        await asyncio.wait({work, stopped, done}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        await fleet.end()
        for task in (work, stopped, done):
            task.cancel()
        await asyncio.gather(work, stopped, done, return_exceptions=True)
        log.info("fleet.closed", confirmed=fleet.tally.confirmed, sent=fleet.tally.sent)
    return fleet.tally
