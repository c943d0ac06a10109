"""The fakes of devices write down exactly what was acknowledged, whatever breaks in between."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from tests.fakes import devices
from tests.fakes.broker import Broker, broker
from tests.fakes.front_door import front_door

START = 1_795_400_000_000


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as one:
        yield one


def words(*more: object) -> list[str]:
    told = ["--things", "10", "--seed", "3", "--start", str(START), *map(str, more)]
    return [*told, "--duplicate", "0.05", "--reorder", "0.05"]


def planned(count: int) -> dict[int, devices.Observation]:
    plan = devices.Plan("fake_", "depth", 10, START, 1, 1e-6)
    return {number: plan.observation(number) for number in range(count)}


def test_http_ledger_equals_what_the_front_door_kept(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    with front_door(busy=0.1, broken=0.1) as door:
        told = words("--http", door.url, "--ledger", ledger, "--count", 3000, "--batch", 50)
        assert devices.main(told) == 0
    written = devices.read_ledger(ledger)
    kept = {(row["thing"], row["time"], row["value"]) for row in door.rows}
    assert written == planned(3000)
    assert kept == {(one.thing, one.time, one.value) for one in written.values()}
    assert len(door.rows) > len(kept)
    assert door.broke > 0


def test_a_run_with_a_ledger_goes_on_with_what_is_not_in_it(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    with front_door() as door:
        told = words("--http", door.url, "--ledger", ledger, "--batch", 50)
        devices.main([*told, "--count", "1000"])
        with ledger.open("ab") as torn:
            torn.write(b"1000\tfake_0\tdep")
        devices.main([*told, "--count", "1500"])
    assert devices.read_ledger(ledger) == planned(1500)
    assert len(ledger.read_bytes().splitlines()) == 1500


async def open_stream(address: str) -> int:
    """Have a stream for the observations; return how many it holds."""
    client = await nats.connect(address)
    info = await client.jetstream().add_stream(name="RAW", subjects=["v1.observations.>"])
    await client.close()
    return int(info.state.messages)


def test_mqtt_goes_on_after_a_kill_of_the_broker_until_all_is_acknowledged(
    nats_server: Broker, tmp_path: Path
) -> None:
    asyncio.run(open_stream(nats_server.nats))
    ledger = tmp_path / "ledger"
    told = words("--mqtt", nats_server.mqtt, "--ledger", ledger, "--count", 30000)
    command = [sys.executable, "-m", "tests.fakes.devices", *told]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while not ledger.exists() or ledger.stat().st_size < 200_000:
        assert process.poll() is None
    nats_server.stop(signal.SIGKILL)
    nats_server.start()
    out, _ = process.communicate(timeout=60)
    # What the stream holds is not asserted: a bare broker acknowledges before its stream has the
    # message (the brain's own gateway may not), and a kill in between loses a few.
    assert devices.read_ledger(ledger) == planned(30000)
    assert json.loads(out)["retries"] > 0


def test_mqtt_fills_a_stream_with_what_the_ledger_says(nats_server: Broker, tmp_path: Path) -> None:
    asyncio.run(open_stream(nats_server.nats))
    ledger = tmp_path / "ledger"
    told = words("--mqtt", nats_server.mqtt, "--ledger", ledger, "--count", 2000)
    assert devices.main(told) == 0
    assert devices.read_ledger(ledger) == planned(2000)
    assert asyncio.run(open_stream(nats_server.nats)) >= 2000


def test_the_sequence_has_every_number_once_or_more_out_of_order() -> None:
    numbers = list(devices.sequence(1000, {5, 6}, 0.05, 0.05, 1))
    assert set(numbers) == set(range(1000)) - {5, 6}
    assert 1000 < len(numbers) < 1100
    assert numbers != sorted(numbers)
    assert numbers == list(devices.sequence(1000, {5, 6}, 0.05, 0.05, 1))


def test_a_value_tells_its_number() -> None:
    plan = devices.Plan("fake_", "depth", 7, START, 1000, 1e-6)
    numbers = [0, 1, 12_345, 4_999_999]
    assert [plan.number_of(plan.observation(number).value) for number in numbers] == numbers
