"""Simulated devices over real TCP, with lines that spoil frames: the sums add up exactly.

What holds without a fault: the lake has every value of every report once and no other, and
quarantine has every spoilt frame once, for the reason it was spoilt. With the gateway and the
broker killed on the way the lake still does; of the spoilt frames those are kept that were
followed by an answer on their connection, and none twice (what a gateway had not yet kept when it
was killed is lost with it: a device sends the good frame again, not the spoilt one).
"""

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from deltalake import DeltaTable

from tests.brains import ROOT, RunningBrain, until
from zhiyin.kernel import MINUTE
from zhiyin.server.district.describe import read_packs
from zhiyin.server.district.fleet.describe import fleet_of, sized
from zhiyin.server.district.fleet.plan import PROTOCOLS, FleetPlan
from zhiyin.server.district.fleet.readings import Readings, Way
from zhiyin.server.district.fleet.run import first_due, identities
from zhiyin.server.district.fleet.speech import SPEECHES
from zhiyin.server.district.fleet.tally import FleetTally

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

EVERY = 5 * MINUTE
REASON = {"flip": "checksum", "check": "checksum", "length": "length", "cut": "incomplete"}
Row = tuple[str, str, int, float]


@pytest.fixture
def brain(tmp_path: Path) -> Iterator[RunningBrain]:
    running = RunningBrain(tmp_path, {"lake": {"commit": "300ms"}})
    try:
        yield running.start()
    finally:
        running.stop()


def fleet_plan(brain: RunningBrain, size: int, reports: int, **more: Any) -> FleetPlan:
    """Return the bad day's fleet with `size` numbered devices and nothing bound to a thing.

    Each has `reports` behind it that are due already: it sends them as fast as it is answered.
    """
    packs = sorted(file.parent for file in (ROOT / "packs").glob("*/manifest.yaml"))
    kinds = sized(fleet_of(read_packs(packs), "cloudburst"), size)
    start = time.time_ns() // 1_000_000 // EVERY * EVERY - (reports + 1) * EVERY
    return FleetPlan(
        seed=7, clock="system", http=brain.url,
        gateways={key: ":".join(map(str, brain.gateway(key))) for key in PROTOCOLS},
        kinds=tuple(
            msgspec.structs.replace(one, bound=(), every_ms=EVERY) for one in kinds if one.count
        ),
        start=start, until=start + reports * EVERY, patience_ms=3_000, retry_ms=200, **more,
    )  # fmt: skip


def expected(brain: RunningBrain, plan: FleetPlan) -> Counter[Row]:
    """Return every value that the plan's devices report."""
    assert plan.start is not None
    assert plan.until is not None
    features = brain.get("/map/roads")["features"]
    lines = (one["geometry"]["coordinates"] for one in features)
    ways = [Way([(lon, lat) for lon, lat, *_ in line]) for line in lines]
    readings, found = Readings(plan.seed, ways), Counter[Row]()
    speeches = {key: SPEECHES[key]() for key in PROTOCOLS}
    for kind, who in identities(plan):
        speech = speeches[kind.gateway]
        due = first_due(kind, who, speech, plan.start, plan.seed)
        while due <= plan.until:
            told = due // speech.step * speech.step
            for _, prop, value in readings.of(kind, who.thing, told):
                found[who.thing, prop, told, float(value)] += 1
            due += kind.every_ms
    return found


class Playing:
    """The fleet in a process of its own."""

    def __init__(self, plan: FleetPlan, folder: Path) -> None:
        file = folder / "fleet.json"
        file.write_bytes(msgspec.json.encode(plan))
        self._told = (folder / "fleet.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "zhiyin.server.district.fleet", "--plan", str(file)],
            stdout=subprocess.PIPE, stderr=self._told, text=True,
        )  # fmt: skip

    def finish(self, seconds: float) -> FleetTally:
        out, _ = self._process.communicate(timeout=seconds)
        assert self._process.returncode == 0, out
        return msgspec.json.decode(out.splitlines()[-1], type=FleetTally)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._told.close()


def in_the_lake(brain: RunningBrain) -> Counter[Row]:
    """Return what the lake's own files hold of the fleet, past every layer."""
    files = DeltaTable(str(brain.folder / "var" / "lake" / "observations")).file_uris()
    listed = ", ".join(f"'{file}'" for file in files)
    source = f"read_parquet([{listed}], hive_partitioning=false)"
    question = f"SELECT thing, property, epoch_ms(time), value FROM {source}"
    with duckdb.connect(config={"threads": 1}) as connection:
        rows = connection.execute(f"{question} WHERE regexp_matches(thing, '-[0-9]{{5}}$')")
        return Counter(rows.fetchall())


def kept_apart(brain: RunningBrain) -> Counter[str]:
    """Return the frames in quarantine as `protocol.reason`, counted."""
    found: Counter[str] = Counter()
    offset, total = 0, 1
    while offset < total:
        page = brain.get("/quarantine", limit=1000, offset=offset)
        total, offset = page["total"], offset + 1000
        found.update(f"{one['source']}.{one['reason']}" for one in page["items"])
    return found


def by_reason(counted: dict[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in counted.items():
        protocol, _, way = name.partition(".")
        found[f"{protocol}.{REASON[way]}"] += count
    return found


def connections(brain: RunningBrain) -> int:
    return sum(one["connections"] for one in brain.get("/gateways"))


def test_five_thousand_devices_add_up_exactly(brain: RunningBrain, tmp_path: Path) -> None:
    size, reports = 5_000, 4
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < size + 500:
        pytest.skip(f"at most {hard} files may be open here; it should be {size + 500}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, size + 500), hard))  # the fleet's too
    plan = fleet_plan(brain, size, reports)
    playing = Playing(plan, tmp_path)
    try:
        until(lambda: connections(brain) == size, 90, "every device has a connection")
        wanted = expected(brain, plan)
        tally = playing.finish(120)
    finally:
        playing.end()
    assert (tally.devices, tally.confirmed) == (size, size * reports)
    assert tally.values == wanted.total() == len(wanted)
    assert tally.sent == tally.confirmed + tally.again
    assert (tally.refused, tally.unconfirmed) == (0, 0)
    assert sum(tally.corrupt.values()) > size * reports * 0.005
    assert {name.partition(".")[0] for name in tally.corrupt} == set(PROTOCOLS)

    until(lambda: in_the_lake(brain).total() >= wanted.total(), 30, "the lake has it all")
    assert in_the_lake(brain) == wanted
    corrupt = by_reason(tally.corrupt)
    until(lambda: kept_apart(brain).total() >= corrupt.total(), 30, "quarantine has it all")
    assert kept_apart(brain) == corrupt
    vehicle = next(thing for thing, prop, *_ in wanted if prop == "lat")
    track = brain.get(f"/series/{vehicle}/lat/observations")
    assert len(track) == reports


def test_what_was_confirmed_outlives_kills_of_gateway_and_broker(
    brain: RunningBrain, tmp_path: Path
) -> None:
    size, reports = 500, 40
    plan = fleet_plan(brain, size, reports)
    playing = Playing(plan, tmp_path)
    try:
        until(lambda: connections(brain) == size, 60, "every device has a connection")
        for name in ("gateway", "nats-server"):
            old = brain.kill(name)
            brain.wait_back(name, old)
            until(lambda: connections(brain) == size, 60, f"devices are back after {name}")
        wanted = expected(brain, plan)
        tally = playing.finish(120)
    finally:
        playing.end()
    assert tally.confirmed == size * reports
    assert tally.lost > 0  # to the gateway
    assert tally.silences > 0  # while there was no broker
    until(lambda: in_the_lake(brain).total() >= wanted.total(), 60, "the lake has it all")
    assert in_the_lake(brain) == wanted

    sent, proven = by_reason(tally.corrupt), by_reason(tally.proven)
    until(lambda: kept_apart(brain) >= proven, 30, "what was answered past is kept")
    assert kept_apart(brain) <= sent
