"""What is in the lake and old enough leaves the observations stream, and nothing else does."""

import asyncio
import time

from tests.brains import RunningBrain
from tests.rooms import new_device, reading, stored
from zhiyin import cloud
from zhiyin.kernel import HOUR


async def test_the_stream_is_trimmed_behind_the_lake(brain: RunningBrain) -> None:
    thing, now = new_device(brain), time.time_ns() // 1_000_000
    bus = await cloud.Bus.connect(brain.address["bus"], "test")
    try:
        answer = brain.post("/observations", reading(thing, now - HOUR, 0.1))
        assert answer.json()["accepted"] == 1
        last = (await bus.state(cloud.OBSERVATIONS))["last_seq"]
        (row,) = await asyncio.to_thread(stored, brain, thing, 1)
        async with asyncio.timeout(60):
            while (await bus.state(cloud.OBSERVATIONS))["first_seq"] <= last:
                await asyncio.to_thread(brain.get, "/latest")
        assert row["position"] <= last
        assert await asyncio.to_thread(stored, brain, thing, 1) == [row]
        assert (await bus.state(cloud.OBSERVATIONS))["messages"] > 0  # ticks go on
    finally:
        await bus.close()
