"""The bus on a real nats-server: once per id, in order, refused when full, back after a kill."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.fakes.mqtt_raw import Publisher
from zhiyin import cloud


async def first(bus: cloud.Bus, count: int, start: int = 1) -> list[cloud.Message]:
    found: list[cloud.Message] = []
    async for messages in bus.read_from(cloud.OBSERVATIONS, start, "observations.test"):
        found += messages
        if len(found) >= count:
            break
    return found


async def test_the_same_id_is_taken_once(bus: cloud.Bus) -> None:
    first_seq = await bus.publish("observations.test", b"a", msg_id="a")
    assert await bus.publish("observations.test", b"a", msg_id="a") == first_seq
    assert await bus.publish("observations.test", b"b", msg_id="b") == first_seq + 1


async def test_a_reader_gets_everything_in_order_from_where_it_says(bus: cloud.Bus) -> None:
    seqs = [await bus.publish("observations.test", str(n).encode()) for n in range(600)]
    found = await first(bus, 600, seqs[0])
    assert [message.data for message in found] == [str(n).encode() for n in range(600)]
    assert (await first(bus, 100, seqs[500]))[0].data == b"500"


async def test_what_is_forgotten_is_gone_and_the_rest_is_there(bus: cloud.Bus) -> None:
    seqs = [await bus.publish("observations.test", b"x") for _ in range(10)]
    await bus.forget(cloud.OBSERVATIONS, seqs[6])
    state = await bus.state(cloud.OBSERVATIONS)
    assert (state["messages"], state["first_seq"]) == (3, seqs[7])


async def test_a_full_stream_refuses_and_loses_nothing(
    bus: cloud.Bus, settings: cloud.Settings
) -> None:
    config = {"name": cloud.OBSERVATIONS, "subjects": ["observations.>"], "discard": "new",
              "storage": "file", "num_replicas": 1, "allow_direct": True,
              "duplicate_window": 600 * 10**9}  # fmt: skip
    await bus.api(f"STREAM.UPDATE.{cloud.OBSERVATIONS}", {**config, "max_bytes": 100_000})
    taken: list[int] = []

    async def fill() -> None:
        while True:
            taken.append(await bus.publish("observations.test", b"x" * 10_000))

    with pytest.raises(cloud.BusFull):
        await fill()
    found = await first(bus, len(taken), taken[0])
    assert [message.seq for message in found] == taken
    await cloud.prepare(bus, settings)
    assert await bus.publish("observations.test", b"room again")


async def test_a_reader_ends_when_told_to_wherever_it_is(bus: cloud.Bus) -> None:
    async def read() -> None:
        async for _ in bus.read_from(cloud.OBSERVATIONS, 1):
            pass

    for turns in range(40):  # of the loop: connecting, asking, waiting
        task = asyncio.ensure_future(read())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=2)
        assert done, f"cancelled after {turns} turns, it goes on"


async def test_without_a_bus_it_says_so(bus: cloud.Bus) -> None:
    with pytest.raises(cloud.BusDown) as caught:
        await bus.ask("nobody.is.there", within=0.5)
    assert caught.value.status == 503


async def test_a_reader_goes_on_after_the_server_was_killed(
    settings: cloud.Settings, tmp_path: Path
) -> None:
    settings = cloud.load(environ={}, given={"data_folder": str(tmp_path)})
    cloud.claim(tmp_path).close()
    port = cloud.free_port()
    argv = [cloud.binary(), "-c", str(cloud.write_config(settings, port, mqtt=False))]
    server = subprocess.Popen(argv)
    bus = await cloud.Bus.connect(f"nats://127.0.0.1:{port}", "test")
    await cloud.prepare(bus, settings)
    await bus.publish("observations.test", b"before")
    reader = bus.read_from(cloud.OBSERVATIONS, 1)
    assert [message.data for message in await anext(reader)] == [b"before"]
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    server = subprocess.Popen(argv)
    writer = await cloud.Bus.connect(f"nats://127.0.0.1:{port}", "writer")
    await writer.publish("observations.test", b"after")
    found: list[bytes] = []
    async for messages in reader:
        found += [message.data for message in messages]
        if found:
            break
    await writer.close()
    await bus.close()
    server.terminate()
    server.wait()
    assert found == [b"after"]


async def test_a_puback_means_kept_from_the_first_moment_of_the_mqtt_port(tmp_path: Path) -> None:
    """The interest in MQTT messages stands before the port opens, and nobody need be reading."""
    port, mqtt = cloud.free_port(), cloud.free_port()
    settings = cloud.load(environ={}, given={"data_folder": str(tmp_path), "mqtt": {"port": mqtt}})
    cloud.claim(tmp_path).close()
    await cloud.prepare_streams(settings, port)
    assert not cloud.taken("127.0.0.1", mqtt)
    config = cloud.write_config(settings, port, mqtt=True)
    server = subprocess.Popen([cloud.binary(), "-c", str(config)])
    bus = await cloud.Bus.connect(f"nats://127.0.0.1:{port}", "test")
    try:
        consumers = await bus.api(f"CONSUMER.NAMES.{cloud.MQTT_STREAM}")
        assert consumers["consumers"] == ["zhiyin-interest"]
        taken: list[int] = []
        device = Publisher(f"127.0.0.1:{mqtt}", "device", taken.append)
        device.connect()
        device.publish("v1/observations/x", b"{}", 7)
        device.exchange(wait=5)
        device.close()
        assert taken == [7]
        assert (await bus.state(cloud.MQTT_STREAM))["messages"] == 1
    finally:
        await bus.close()
        server.terminate()
        server.wait()
