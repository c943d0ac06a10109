"""Gateways of the field protocols: frames a second, by codec alone and all the way, and
connections held; beside Node-RED with its TCP node.

    python -m benchmarks.gateways [codec] [way] [held] [peer]
"""

import contextlib
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.brains import RunningBrain, until

from benchmarks.frame_lines import DEVICES, Held, Lines, Said, frames_of
from benchmarks.machine import MIB, Meter, load, machine, percentile
from benchmarks.node_red import node_red
from zhiyin.kernel import iso
from zhiyin.network.frame import Facts
from zhiyin.network.protocols import wire

PROTOCOLS = ("hj212", "sl651", "jt808")
EACH = 100  # frames of each device in one run
MANY = 10_000  # connections that are held
ROUNDS = 5


class Rate(NamedTuple):
    """Frames a second, and CPU µs a frame by process."""

    what: str
    rate: float
    cpu: dict[str, float]
    others: float = 0.0

    def __str__(self) -> str:
        cpu = " ".join(f"{name} {value:.1f}" for name, value in self.cpu.items() if value >= 0.05)
        return f"{self.what:34} {self.rate:9,.0f}/s  CPU µs {cpu}  others {self.others:.2f} cores"


class Registered:
    """A register that has every device, with the key that the frames are made with."""

    def __init__(self, key: str) -> None:
        self._facts = Facts(key, {"open": True})

    def find(self, address: str) -> Facts:  # noqa: ARG002
        return self._facts


def codec(protocol: str) -> Rate:
    """Measure the session alone: bytes in, readings and the answer out. CPU time, best of some."""
    said = frames_of(protocol, 50, 40)
    best = float("inf")
    for _ in range(ROUNDS):
        sessions = [wire(protocol).session(Registered(one.key)) for one in said]
        for session, one in zip(sessions, said, strict=True):
            assert not one.hello or session.receive(one.hello, one.at)[0].fault is None
        begun, count = time.process_time(), 0
        for session, one in zip(sessions, said, strict=True):
            for frame in one.frames:
                count += len(session.receive(frame, one.at))
        best = min(best, (time.process_time() - begun) / count)
    session = wire(protocol).session(Registered(said[0].key))
    if said[0].hello:
        session.receive(said[0].hello, said[0].at)
    turn = session.receive(said[0].frames[0], said[0].at)[0]
    assert turn.decoded is not None
    assert turn.decoded.readings
    assert turn.reply
    return Rate(f"{protocol}, session alone", 1 / best, {"session": best * 1e6})


@contextlib.contextmanager
def running() -> Iterator[RunningBrain]:
    """Run a brain with the packs of the house."""
    with TemporaryDirectory(prefix="zhiyin-bench-") as name:
        brain = RunningBrain(Path(name))
        try:
            yield brain.start()
        finally:
            if brain.process is not None:
                brain.stop()


TEMPLATES = {"hj212": "dust_monitor", "sl651": "hydro_rtu", "jt808": "vehicle_terminal"}


def register(brain: RunningBrain, protocol: str, said: list[Said]) -> None:
    rows = [
        {"id": f"{protocol}-{one.address}", "template": TEMPLATES[protocol],
         "address": one.address, "key": one.key}
        for one in said
    ]  # fmt: skip
    for start in range(0, len(rows), 500):
        brain.post("/devices", rows[start : start + 500]).raise_for_status()


def whole_way(brain: RunningBrain, protocol: str) -> Rate:
    """Measure from the socket to what the stream has acknowledged, which is when it is answered."""
    said = frames_of(protocol, DEVICES, EACH)
    register(brain, protocol, said)
    names = ("gateway", "nats-server", "sense")
    meter = Meter({name: brain.pids[name] for name in names})
    told = Lines(brain.gateway(protocol), protocol, said).run()
    count = sum(len(one.frames) for one in said)
    cpu, others = meter.seconds(), meter.others(told.cpu)
    until(lambda: _stored(brain, protocol, said), 60, "the lake has the last of them")
    each = {name: seconds / count * 1e6 for name, seconds in cpu.items()}
    return Rate(f"{protocol}, TCP to stream", count / told.seconds, each, others)


def _stored(brain: RunningBrain, protocol: str, said: list[Said]) -> bool:
    """Whether each of some devices has every frame in the lake."""
    prop = {"hj212": "noise", "sl651": "battery", "jt808": "speed"}[protocol]
    return all(
        len(brain.get(f"/series/{protocol}-{one.address}/{prop}/observations", limit=1000)) == EACH
        for one in said[:: max(1, len(said) // 5)]
    )


def held(brain: RunningBrain) -> dict[str, Any]:
    """Measure the gateway's memory with connections that say nothing, and with idle devices.

    Meanwhile one device goes on reporting: how soon is it answered?
    """
    import psutil  # noqa: PLC0415

    gateway = psutil.Process(brain.pids["gateway"])
    place = brain.gateway("hj212")
    found: dict[str, Any] = {}

    def rss() -> float:
        return gateway.memory_info().rss / MIB

    live = frames_of("hj212", 1, 400, first=90_000)
    register(brain, "hj212", live)
    found["before"] = rss()
    found["answered_alone_ms"] = _answered(place, live[0].frames[:200])
    with Held(place, MANY) as mute:
        until(lambda: _open(brain) >= MANY, 60, "all are connected")
        found["silent"] = rss()
        found["answered_beside_silent_ms"] = _answered(place, live[0].frames[200:])
        mute.check()
    until(lambda: _open(brain) == 0, 60, "all are gone")
    said = frames_of("hj212", MANY, 1, first=100_000)
    register(brain, "hj212", said)
    found["registered"] = rss()
    with Held(place, MANY) as devices:
        devices.each_says([one.frames[0] for one in said])
        until(lambda: _open(brain) >= MANY, 60, "all are connected")
        found["idle_devices"] = rss()
        devices.check()
    return found


def _open(brain: RunningBrain) -> int:
    gateways = brain.get("/gateways")
    return int(next(one["connections"] for one in gateways if one["gateway"] == "hj212"))


def _answered(place: tuple[str, int], frames: list[bytes]) -> tuple[float, float]:
    """Return p50 and p99 of the ms that one device waits for its answer."""
    waits = Lines.one_by_one(place, frames)
    return statistics.median(waits) * 1000, percentile(waits, 0.99) * 1000


def peer() -> Rate | str:
    """Measure Node-RED: it parses, checks and answers the same frames, and keeps none."""
    said = frames_of("hj212", DEVICES, EACH)
    with TemporaryDirectory(prefix="zhiyin-bench-") as name, node_red(Path(name)) as there:
        if isinstance(there, str):
            return there
        Lines(there.place, "hj212", said).run()  # it compiles what runs often
        meter = Meter({"node-red": there.pid})
        told = Lines(there.place, "hj212", said).run()
        count = sum(len(one.frames) for one in said)
        cpu = meter.seconds()["node-red"] / count * 1e6
        return Rate(
            "Node-RED, hj212, TCP to answer", count / told.seconds, {"node-red": cpu},
            meter.others(told.cpu),
        )  # fmt: skip


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parts = set(sys.argv[1:]) or {"codec", "way", "held", "peer"}
    print(f"{machine()}; load {load()}; {iso(time.time_ns() // 1_000_000)}", flush=True)
    if "codec" in parts:
        for protocol in PROTOCOLS:
            print(codec(protocol), flush=True)
    if parts & {"way", "held"}:
        with running() as brain:
            if "way" in parts:
                for protocol in PROTOCOLS:
                    print(whole_way(brain, protocol), flush=True)
            if "held" in parts:
                print(held(brain), flush=True)
    if "peer" in parts:
        print(peer(), flush=True)


if __name__ == "__main__":
    main()
