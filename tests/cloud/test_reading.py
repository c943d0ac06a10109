"""Reading into the store: each message takes effect once, whatever breaks in between."""

import asyncio
from collections.abc import Awaitable

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin import cloud
from zhiyin.cloud import reading
from zhiyin.kernel import new_id
from zhiyin.network.store import DeviceRow


async def take(session: AsyncSession, messages: list[cloud.Message]) -> None:
    for message in messages:
        name = message.data.decode()
        session.add(DeviceRow(id=name, thing="t", type="lake", source="test", created_at=1))


async def devices(store: cloud.Database) -> list[str]:
    async with store.read() as session:
        return list(await session.scalars(select(DeviceRow.id).order_by(DeviceRow.id)))


async def until_there(store: cloud.Database, count: int, work: Awaitable[None]) -> None:
    """Let the reader work until there are `count` devices, then end it as a kill does."""
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(20):
        while len(await devices(store)) < count:
            await asyncio.wait([task], timeout=0.05)
            assert not task.done(), task.exception()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_reader_goes_on_behind_what_it_has_done(
    bus: cloud.Bus, store: cloud.Database
) -> None:
    subject = f"events.reading.{new_id()}"

    def read() -> Awaitable[None]:
        return cloud.take_in(
            bus, store, cloud.EVENTS, subject, reader="r", actor="system:test", handle=take
        )

    await bus.publish(subject, b"one")
    await bus.publish(subject, b"two")
    await until_there(store, 2, read())
    await bus.publish(subject, b"three")
    await until_there(store, 3, read())  # a repetition would break the primary key
    assert await devices(store) == ["one", "three", "two"]


async def test_a_store_that_is_away_is_tried_again_and_nothing_is_half_done(
    bus: cloud.Bus, store: cloud.Database
) -> None:
    subject, tries = f"events.reading.{new_id()}", [0]

    async def stumble(session: AsyncSession, messages: list[cloud.Message]) -> None:
        await take(session, messages)
        tries[0] += 1
        if tries[0] == 1:
            await session.flush()
            raise SQLAlchemyError("away")

    await bus.publish(subject, b"one")
    work = cloud.take_in(
        bus, store, cloud.EVENTS, subject, reader="r", actor="system:test", handle=stumble
    )
    await until_there(store, 1, work)
    assert tries == [2]
    async with store.read() as session:
        events = await session.scalar(select(func.count()).select_from(cloud.OutboxRow))
    assert events == 1


async def test_what_the_only_reader_has_taken_in_leaves_the_stream(
    bus: cloud.Bus, store: cloud.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CLEAN", 0.0)
    names = [new_id() for _ in range(5)]
    seqs = [await bus.publish("quarantine.items", name.encode()) for name in names]
    work = asyncio.ensure_future(
        cloud.take_in(
            bus, store, cloud.QUARANTINE, ">", reader="r", actor="system:test", handle=take,
            forget=True,
        )
    )  # fmt: skip
    async with asyncio.timeout(20):
        while (await bus.state(cloud.QUARANTINE))["first_seq"] < seqs[-1]:  # the last stays
            await asyncio.wait([work], timeout=0.05)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert await devices(store) == sorted(names)
