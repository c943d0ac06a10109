"""The live stream: a snapshot, then changes; a slow listener costs one slot and misses no state."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from zhiyin.kernel import ManualClock
from zhiyin.operations import Hub
from zhiyin.operations.model import TooManyListeners, UnknownTopic


def told(frame: bytes) -> list[tuple[str, Any]]:
    """Read frames as (event, data)."""
    events = []
    for block in frame.decode().split("\n\n"):
        lines = dict(
            line.split(": ", 1) for line in block.splitlines() if line[:1] not in {":", ""}
        )
        if "event" in lines:
            events.append((lines["event"], json.loads(lines["data"])))
    return events


@pytest.fixture
def hub() -> Hub:
    return Hub(ManualClock(0))


def item(n: int, **over: Any) -> dict[str, Any]:
    return {"id": f"w{n}", "level": "red", **over}


async def test_a_listener_gets_hello_and_a_snapshot_first(hub: Hub) -> None:
    hub.put("warnings", "w1", item(1))
    hub.tick()
    first = told(await anext(hub.listen(["warnings"])))
    assert [event for event, _ in first] == ["hello", "warnings"]
    assert first[0][1]["epoch"] == hub.epoch
    assert first[1][1] == {"kind": "snapshot", "items": [item(1)]}


async def test_changes_of_a_tick_come_as_one_patch_with_the_newest_state(hub: Hub) -> None:
    stream = hub.listen(["warnings"])
    await anext(stream)
    hub.put("warnings", "w1", item(1, level="blue"))
    hub.put("warnings", "w1", item(1))
    hub.put("cases", "c1", {"id": "c1"})
    hub.tick()
    assert told(await anext(stream)) == [("warnings", {"kind": "patch", "items": [item(1)]})]


async def test_what_has_ended_is_told_once_and_forgotten(hub: Hub) -> None:
    stream = hub.listen(["warnings"])
    await anext(stream)
    hub.put("warnings", "w1", item(1))
    hub.tick()
    await anext(stream)
    hub.put("warnings", "w1", item(1, state="cleared"), keep=False)
    hub.tick()
    assert told(await anext(stream))[0][1]["items"] == [item(1, state="cleared")]
    assert told(await anext(hub.listen(["warnings"])))[1][1]["items"] == []


async def test_a_slow_listener_gets_the_whole_instead_of_every_step(hub: Hub) -> None:
    slow = hub.listen(["warnings"])
    await anext(slow)
    for n in range(1000):
        hub.put("warnings", f"w{n % 7}", item(n % 7, step=n))
        hub.tick()
    late = told(await anext(slow))
    assert [data["kind"] for _, data in late] == ["patch", "snapshot"]
    assert sorted(each["step"] for each in late[1][1]["items"]) == list(range(993, 1000))


async def test_many_listeners_share_one_encoding_and_none_waits_for_the_slow(hub: Hub) -> None:
    streams = [hub.listen(["warnings", "cases"]) for _ in range(500)]
    slow = hub.listen([])
    await asyncio.gather(*(anext(stream) for stream in [*streams, slow]))
    hub.put("warnings", "w1", item(1))
    hub.tick()
    first = await asyncio.gather(*(anext(stream) for stream in streams))
    assert len({id(frame) for frame in first}) == 1  # the same bytes, not equal ones
    hub.put("cases", "c1", {"id": "c1"})
    hub.tick()
    second = await asyncio.gather(*(anext(stream) for stream in streams))
    assert {frame: told(frame)[0][0] for frame in second} == {second[0]: "cases"}
    assert [event for event, _ in told(await anext(slow))] == ["warnings", "cases"]


async def test_silence_has_a_heartbeat_and_the_clock_is_told() -> None:
    hub = Hub(ManualClock(0), heartbeat=0.001)
    stream = hub.listen(["clock"])
    await anext(stream)
    assert (await anext(stream)).startswith(b":")
    hub.tell_clock({"data_age_s": 2})
    clock = {"now": "1970-01-01T00:00:00.000Z", "speed": 1.0, "data_age_s": 2}
    assert told(await anext(stream)) == [("clock", clock)]


async def test_who_leaves_is_forgotten(hub: Hub) -> None:
    stream = hub.listen([])
    await anext(stream)
    assert hub.listeners == 1
    await stream.aclose()  # type: ignore[attr-defined]
    assert hub.listeners == 0


async def test_refusals_come_before_the_stream(hub: Hub) -> None:
    with pytest.raises(UnknownTopic):
        hub.listen(["weather"])
    full = Hub(ManualClock(0), most=0)
    with pytest.raises(TooManyListeners):
        full.listen([])


async def test_closing_ends_every_stream(hub: Hub) -> None:
    async def read(stream: AsyncIterator[bytes]) -> int:
        return len([frame async for frame in stream])

    reading = asyncio.create_task(read(hub.listen([])))
    await asyncio.sleep(0)
    hub.close()
    assert await asyncio.wait_for(reading, 5) == 2
