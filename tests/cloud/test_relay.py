"""The relay: what was written reaches the bus in order and once, however often it dies."""

import asyncio

import msgspec
from sqlalchemy import select, update

from zhiyin import cloud
from zhiyin.cloud.relay import resume
from zhiyin.kernel import DAY, ManualClock, iso, new_id


async def write(store: cloud.Database, run: str, count: int) -> None:
    async with store.write("user:a") as session:
        for number in range(count):
            cloud.announce(session, f"test.{run}", str(number), {"number": number})


async def on_the_bus(bus: cloud.Bus, run: str, last: str) -> list[dict[str, object]]:
    """Return the events of a run, once the one about `last` is among them."""
    found: list[dict[str, object]] = []
    async for messages in bus.read_from(cloud.EVENTS, 1, f"events.test.{run}"):
        found += [msgspec.json.decode(message.data) for message in messages]
        if any(event["subject"] == last for event in found):
            break
    return found


async def test_events_reach_the_bus_in_order_as_cloud_events(
    bus: cloud.Bus, store: cloud.Database, clock: ManualClock
) -> None:
    run = new_id()
    await write(store, run, 50)
    assert await cloud.relay_once(store, bus) == 50
    found = await on_the_bus(bus, run, "49")
    assert [event["data"] for event in found] == [{"number": n} for n in range(50)]
    assert {key: found[0][key] for key in ("specversion", "type", "subject", "actor", "time")} == {
        "specversion": "1.0",
        "type": f"test.{run}",
        "subject": "0",
        "actor": "user:a",
        "time": iso(clock.now()),
    }
    assert await cloud.relay_once(store, bus) == 0


async def test_a_death_between_sending_and_marking_doubles_nothing(
    bus: cloud.Bus, store: cloud.Database
) -> None:
    run = new_id()
    await write(store, run, 20)
    await cloud.relay_once(store, bus)
    async with store.write("system:test") as session:  # as it stands after such a death
        await session.execute(update(cloud.OutboxRow).values(sent=False))
    async with store.write("user:a") as session:
        cloud.announce(session, f"test.{run}", "last", {})
    assert await cloud.relay_once(store, bus) == 21
    found = await on_the_bus(bus, run, "last")
    assert [event["subject"] for event in found] == [*map(str, range(20)), "last"]


async def test_a_running_relay_hears_of_writes(bus: cloud.Bus, store: cloud.Database) -> None:
    run = new_id()
    tasks = [
        asyncio.create_task(cloud.run_relay(store, bus)),
        asyncio.create_task(cloud.poke_after_writes(store, bus)),
    ]
    await write(store, run, 3)
    found = await on_the_bus(bus, run, "2")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(found) == 3


async def test_what_the_bus_has_already_is_marked_and_not_sent_again(
    bus: cloud.Bus, store: cloud.Database
) -> None:
    run = new_id()
    await write(store, run, 5)
    await cloud.relay_once(store, bus)
    async with store.write("system:test") as session:
        await session.execute(update(cloud.OutboxRow).values(sent=False))
    assert await resume(store, bus) == 5
    assert await cloud.relay_once(store, bus) == 0


async def test_resuming_ends_when_every_event_has_left_the_stream(
    bus: cloud.Bus, store: cloud.Database
) -> None:
    await bus.publish("events.test.old", b"{}")
    await bus.api(f"STREAM.PURGE.{cloud.EVENTS}")
    await write(store, new_id(), 1)
    async with asyncio.timeout(20):
        assert await resume(store, bus) == 0


async def test_sent_events_are_forgotten_after_a_day_and_unsent_ones_never(
    bus: cloud.Bus, store: cloud.Database, clock: ManualClock
) -> None:
    await write(store, new_id(), 2)
    await cloud.relay_once(store, bus)
    await write(store, new_id(), 1)
    await cloud.prune(store, clock.now() + DAY)
    async with store.read() as session:
        assert len(list(await session.scalars(select(cloud.OutboxRow)))) == 3
    await cloud.prune(store, clock.now() + DAY + 1)
    async with store.read() as session:
        left = list(await session.scalars(select(cloud.OutboxRow)))
    assert [row.sent for row in left] == [False]
