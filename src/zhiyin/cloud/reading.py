"""Reading a stream into the operations store: each message takes effect once, in order.

How far a reader has come is written in the same transaction as what the messages did, so neither a
crash nor a repetition shows.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import BigInteger, String, insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from zhiyin.cloud.bus import Bus, Message
from zhiyin.cloud.database import Database, Row
from zhiyin.kernel import WorldFault

log = structlog.get_logger()

Handle = Callable[[AsyncSession, list[Message]], Awaitable[None]]
CLEAN = 10.0  # seconds between removals of what has been taken in
LONGEST_WAIT = 5.0  # seconds until a store that is away is tried again


class PositionRow(Row):
    """How far a reader has come in a stream."""

    __tablename__ = "cloud_position"
    reader: Mapped[str] = mapped_column(String(120), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


async def take_in(
    bus: Bus, database: Database, stream: str, subject: str, *,
    reader: str, actor: str, handle: Handle, forget: bool = False,
) -> None:  # fmt: skip
    """Hand a stream's messages to `handle` for ever, in a transaction in the name of `actor`.

    What `handle` raises rolls back; faults of the store are tried again, others end the reader.
    With `forget` this is the stream's only reader: what it has taken in is removed from there,
    all but the last (an emptied stream may count anew when the bus crashes).
    """
    cleaned = time.monotonic()
    while True:
        try:
            # A stream that was set up anew counts from 1 again.
            name = f"{reader}:{await bus.identity(stream)}"
            start = await position_of(database, name)
            async for messages in bus.read_from(stream, start + 1, subject):
                if messages:
                    await _until_done(database, name, actor, messages, handle)
                    start = messages[-1].seq
                if forget and start and time.monotonic() - cleaned > CLEAN:
                    cleaned = time.monotonic()
                    await bus.forget(stream, start - 1)
        except (WorldFault, SQLAlchemyError, OSError) as fault:
            log.info("reader starts anew", reader=reader, fault=str(fault))
            await asyncio.sleep(0.5)


async def position_of(database: Database, name: str) -> int:
    """Return how far a reader, named `<reader>:<identity of the stream>`, has come."""
    async with database.read() as session:
        found = select(PositionRow.position).where(PositionRow.reader == name)
        return (await session.scalar(found)) or 0


async def _until_done(
    database: Database, name: str, actor: str, messages: list[Message], handle: Handle
) -> None:
    wait = 0.1
    while True:
        try:
            async with database.write(actor) as session:
                await handle(session, messages)
                await _move(session, name, messages[-1].seq)
        except (SQLAlchemyError, OSError) as fault:
            log.warning("reader waits", reader=name, fault=str(fault))
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        else:
            return


async def _move(session: AsyncSession, name: str, position: int) -> None:
    moved = update(PositionRow).where(PositionRow.reader == name).values(position=position)
    if not (await session.execute(moved)).rowcount:  # type: ignore[attr-defined]
        await session.execute(insert(PositionRow).values(reader=name, position=position))
