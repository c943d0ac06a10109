"""The district sends by real MQTT and HTTP, and loses nothing."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import nats
import pytest

from tests.demo.sensors import START, district, plan_of
from tests.fakes.broker import Broker, broker
from tests.fakes.front_door import front_door
from zhiyin.kernel import HOUR
from zhiyin.server.district import Plan, Tally, run
from zhiyin.server.district.schedule import Schedule, Trouble

Key = tuple[str, str, int, float | str]


def expected(plan: Plan) -> Counter[Key]:
    """Return everything the plan says by its end, as often as it says it."""
    schedule = Schedule(plan.sensors, plan.seed, START, Trouble(plan.sensors, plan.seed))
    return Counter(
        (message.thing, one.property, one.time, one.value)
        for message in schedule.take(START + 2 * HOUR, 10**9)
        for one in message.observations
    )


def came_in(rows: list[dict[str, object]]) -> Counter[object]:
    return Counter((row["thing"], row["property"], row["time"], row["value"]) for row in rows)


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path) as one:
        yield one


async def test_http_delivers_exactly_what_was_generated_though_requests_are_refused() -> None:
    with front_door(busy=0.3, broken=0.2) as door:
        plan = plan_of(district(), http=door.url, store=40)
        tally = await run(plan)
    assert came_in(door.rows) == expected(plan)
    assert tally.generated == tally.acknowledged == len(door.rows)
    assert tally.unacknowledged == tally.refused == 0
    assert door.refused > 3
    assert door.broke > 3
    assert tally.retries == door.refused + door.broke


async def test_a_line_whose_store_is_full_says_so_and_drops_nothing() -> None:
    with front_door() as door:
        plan = plan_of(district(things=3), http=door.url, store=5)
        tally = await run(plan)
    assert tally.overflows > 0
    assert came_in(door.rows) == expected(plan)


async def test_a_refusal_for_ever_is_counted_not_retried() -> None:
    with front_door() as door:
        door.closed_after = 0
        tally = await run(plan_of(district(things=3), http=door.url))
    assert tally.generated == tally.refused > 0
    assert tally.retries == 0


async def test_mqtt_delivers_every_message_into_the_stream(nats_server: Broker) -> None:
    plan = plan_of(district(by="mqtt"), mqtt=nats_server.mqtt)
    stream = await nats.connect(nats_server.nats)
    jetstream = stream.jetstream()
    await jetstream.add_stream(name="RAW", subjects=["v1.observations.>"])
    tally = await run(plan)
    rows = await _fetched(jetstream, tally.messages)
    await stream.close()
    assert came_in(rows) == expected(plan)
    assert tally.acknowledged == tally.generated


async def test_mqtt_survives_a_kill_of_the_broker_on_the_way(nats_server: Broker) -> None:
    stream = await nats.connect(nats_server.nats)
    await stream.jetstream().add_stream(name="RAW", subjects=["v1.observations.>"])
    heard = await stream.subscribe("v1.observations.>")
    sensors = district(by="mqtt", things=200)
    running = asyncio.create_task(
        run(plan_of(sensors, mqtt=nats_server.mqtt, connections=3, store=50))
    )
    await heard.next_msg(timeout=20)
    await asyncio.to_thread(nats_server.stop, signal.SIGKILL)
    assert not running.done()
    await asyncio.to_thread(nats_server.start)
    tally = await running
    await stream.close()
    # The stream's count is not asserted: a bare broker acknowledges before its stream has it.
    assert tally.acknowledged == tally.generated
    assert tally.retries > 0


async def _fetched(jetstream: nats.js.JetStreamContext, count: int) -> list[dict[str, object]]:
    got = await jetstream.pull_subscribe("v1.observations.>", stream="RAW")
    rows: list[dict[str, object]] = []
    while count > 0:
        messages = await got.fetch(min(count, 200), timeout=5)
        count -= len(messages)
        for message in messages:
            thing, body = message.subject.rpartition(".")[2], json.loads(message.data)
            values = body.get("values") or {body["property"]: body["value"]}
            rows += [
                {"thing": thing, "property": name, "time": body["time"], "value": value}
                for name, value in values.items()
            ]
    return rows


def test_the_process_plays_a_plan_file_and_prints_its_tally(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    with front_door() as door:
        file.write_bytes(msgspec.json.encode(plan_of(district(things=3), http=door.url)))
        command = [sys.executable, "-m", "zhiyin.server.district", "--plan", str(file)]
        done = subprocess.run(command, capture_output=True, check=True)
    tally = msgspec.json.decode(done.stdout.splitlines()[-1], type=Tally)
    assert tally.acknowledged == len(door.rows) > 0


def test_the_process_ends_on_a_signal_with_everything_acknowledged(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    with front_door() as door:
        plan = plan_of(district(things=3), http=door.url, until=None)
        file.write_bytes(msgspec.json.encode(plan))
        command = [sys.executable, "-m", "zhiyin.server.district", "--plan", str(file)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        door.first.wait(20)
        os.kill(process.pid, signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    tally = msgspec.json.decode(out.splitlines()[-1], type=Tally)
    assert process.returncode == 0
    assert tally.acknowledged == tally.generated == len(door.rows)
