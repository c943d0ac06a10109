"""What the trials found, each once more in small."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from tests.fakes.broker import Broker, broker
from zhiyin import cloud, lake, network
from zhiyin.cloud.supervise import FolderInUse
from zhiyin.kernel import DAY, ManualClock
from zhiyin.server.up import Broker as Watched
from zhiyin.server.up import settle_ports

NAMES = SimpleNamespace(things=pa.array(["a", "b"]), properties=pa.array(["depth", "depth"]))


def test_values_at_finds_what_waits_for_a_commit() -> None:
    known = lake.Columns.of([1, 0, 1], [10, 10, 20], [0.1, 0.2, 0.3])
    wanted = lake.Columns.of([0, 0, 1, 1], [10, 20, 20, -5], [0, 0, 0, 0])
    found = lake.values_at(known, wanted)
    np.testing.assert_array_equal(found, [0.2, np.nan, 0.3, np.nan])
    assert np.isnan(lake.values_at(known, lake.Columns.of([7], [10], [0.0]))).all()


def test_a_reader_behind_the_table_does_not_take_a_row_for_its_own_repetition(
    tmp_path: Path,
) -> None:
    table = lake.ObservationsTable(tmp_path, "S")
    rows = lake.Columns.of([0, 1], [DAY, DAY], [0.5, 0.7])
    table.append(rows, np.array([1, 1]), np.array([4, 6]), NAMES, 6)
    # Reading 5 again after a crash: what came with 4 is known, what came with 6 not yet.
    found = table.values_of(rows, NAMES, 5)
    np.testing.assert_array_equal(found, [0.5, np.nan])
    np.testing.assert_array_equal(table.values_of(rows, NAMES, 7), [0.5, 0.7])


def test_a_second_worker_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    cloud.claim(tmp_path).close()
    with cloud.hold(tmp_path, "sense"), pytest.raises(FolderInUse):
        cloud.hold(tmp_path, "sense")
    cloud.hold(tmp_path, "sense").close()


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[tuple[Broker, cloud.Bus]]:
    with broker(tmp_path) as server:
        one = await cloud.Bus.connect(server.nats, "test")
        await cloud.prepare(one, cloud.Settings(data_folder=str(tmp_path)))
        yield server, one
        await one.close()


async def test_a_reader_goes_on_at_once_when_the_bus_was_killed(
    bus: tuple[Broker, cloud.Bus],
) -> None:
    server, line = bus
    await line.publish("observations.batch", b"1")
    reader = line.read_from(cloud.OBSERVATIONS, 1)
    assert [m.data for m in await anext(reader)] == [b"1"]
    server.stop(signal.SIGKILL)
    server.start()

    async def next_one() -> list[bytes]:
        async for messages in reader:
            if messages:
                return [m.data for m in messages]
        return []

    waiting = asyncio.create_task(next_one())
    for _ in range(20):  # until the connection is there again
        try:
            await line.publish("observations.batch", b"2", msg_id="2", timeout=1)
            break
        except cloud.BusDown:
            continue
    assert await asyncio.wait_for(waiting, 3) == [b"2"]  # its lost requests would take 4 s


async def test_what_a_reader_took_in_takes_effect_once_however_it_ends(
    bus: tuple[Broker, cloud.Bus], tmp_path: Path
) -> None:
    _, line = bus
    database = cloud.Database(f"sqlite+aiosqlite:///{tmp_path / 'o.db'}", ManualClock())
    async with database.engine.begin() as connection:
        await connection.run_sync(cloud.Row.metadata.create_all)
    done: list[bytes] = []

    async def handle(session: object, messages: list[cloud.Message]) -> None:
        done.extend(message.data for message in messages)

    async def read() -> None:
        await cloud.take_in(line, database, cloud.EVENTS, ">", reader="r", actor="a", handle=handle)

    async def come_to(position: int) -> None:
        name = f"r:{await line.identity(cloud.EVENTS)}"
        async with asyncio.timeout(10):
            while await cloud.position_of(database, name) < position:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    await line.publish("events.x", b"1")
    await line.publish("events.x", b"2")
    first = asyncio.create_task(read())
    await come_to(2)
    first.cancel()
    await line.publish("events.x", b"3")
    second = asyncio.create_task(read())
    await come_to(3)
    second.cancel()
    assert done == [b"1", b"2", b"3"]
    await asyncio.gather(first, second, return_exceptions=True)
    await database.close()


async def test_a_bus_that_could_not_write_is_started_anew_when_there_is_room(
    bus: tuple[Broker, cloud.Bus], tmp_path: Path
) -> None:
    server, _ = bus
    (tmp_path / "log").mkdir()
    log = tmp_path / "log" / "nats-server.log"
    log.write_text("[1] [INF] ready\n", encoding="utf-8")
    settings = settle_ports(cloud.Settings(data_folder=str(tmp_path)), flexible=True)
    watched = Watched(
        cloud.Settings(data_folder=str(tmp_path), bus=type(settings.bus)(url=server.nats))
    )
    assert await watched.healthy()
    with log.open("a", encoding="utf-8") as lines:
        lines.write("[1] [ERR] JetStream failed to store a msg: no space left on device\n")
    assert not await watched.healthy()
    assert await watched.healthy()


async def test_a_device_registered_while_its_first_message_is_looked_at_is_known(
    bus: tuple[Broker, cloud.Bus], tmp_path: Path
) -> None:
    _, line = bus
    database = cloud.Database(f"sqlite+aiosqlite:///{tmp_path / 'o.db'}", ManualClock(DAY))
    async with database.engine.begin() as connection:
        await connection.run_sync(cloud.Row.metadata.create_all)
    door = network.Door(cloud.Settings(), ManualClock(DAY), line, database)
    types = {"gauge": {"depth": network.PropertyType("m", 0, 5, 60_000)}}
    await network.register_devices(
        database, line, types, {"g": "gauge"}, source="test", actor="test", now=DAY
    )
    message = network.Message(["g"], ["depth"], [DAY], [0.5])
    refreshing = asyncio.create_task(door.refresh())
    first, last = await asyncio.gather(door.look(message, "mqtt"), door.look(message, "mqtt"))
    assert (first.rejected, last.rejected) == ([], [])
    await refreshing
    await database.close()
