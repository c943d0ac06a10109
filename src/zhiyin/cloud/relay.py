"""The relay: carries the outbox to the bus, in order, each event once however often it dies."""

import asyncio

import msgspec
import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from zhiyin.cloud.bus import EVENTS, Bus
from zhiyin.cloud.database import Database, OutboxRow
from zhiyin.kernel import DAY, WorldFault, iso

log = structlog.get_logger()

POKE = "cloud.outbox"  # notified by writers, so that the relay need not wait for its next look
AT_ONCE = 500  # events between two marks of what was sent
RELAYED = 2 * AT_ONCE  # events that a relay looks back when it starts
LOOK = 0.5  # seconds between looks without a notification
_encoder = msgspec.json.Encoder()


def cloud_event(row: OutboxRow, source: str = "/zhiyin") -> bytes:
    """Return the row as a CloudEvents 1.0 JSON document."""
    return _encoder.encode(
        {
            "specversion": "1.0",
            "id": str(row.id),
            "source": source,
            "type": row.kind,
            "subject": row.subject,
            "time": iso(row.at),
            "actor": row.actor,
            "datacontenttype": "application/json",
            "data": row.data,
        }
    )


async def resume(database: Database, bus: Bus) -> int:
    """Mark events as sent that the bus has already; return how many.

    A relay that ended between sending and marking may start again long after the bus has forgotten
    the ids of messages, so the stream itself is asked.
    """
    async with database.read() as session:
        unsent = select(OutboxRow.id, OutboxRow.at).where(OutboxRow.sent.is_(False))
        waiting = {f"{at}-{id_}": id_ for id_, at in await session.execute(unsent)}
    state = await bus.state(EVENTS)
    last = state["last_seq"]
    if not waiting or not state["messages"]:
        return 0
    found: list[int] = []
    async for messages in bus.read_from(EVENTS, max(1, last - RELAYED), batch=AT_ONCE):
        ids = (message.headers.get("Nats-Msg-Id", "") for message in messages)
        found += [waiting[name] for name in ids if name in waiting]
        if messages and messages[-1].seq >= last:
            break
        # Old events leave the stream, so the last one may be gone while its number is remembered.
        if not messages and (await bus.state(EVENTS))["first_seq"] > last:
            break
    if found:
        await _mark_sent(database, found)
    return len(found)


async def _mark_sent(database: Database, ids: list[int]) -> None:
    async with database.write("system:relay") as session:
        await session.execute(update(OutboxRow).where(OutboxRow.id.in_(ids)).values(sent=True))


async def relay_once(database: Database, bus: Bus, limit: int = AT_ONCE) -> int:
    """Send the next events; return how many. A crash in between sends some again, same id."""
    async with database.read() as session:
        unsent = select(OutboxRow).where(OutboxRow.sent.is_(False)).order_by(OutboxRow.id)
        rows = list(await session.scalars(unsent.limit(limit)))
    for row in rows:
        # The time is part of the id: a store that was set up anew counts from 1 again.
        await bus.publish(f"events.{row.kind}", cloud_event(row), msg_id=f"{row.at}-{row.id}")
    if rows:
        await _mark_sent(database, [row.id for row in rows])
    return len(rows)


async def run_relay(database: Database, bus: Bus) -> None:
    """Relay for ever; a store or a bus that is away is tried again."""
    poked = asyncio.Event()

    async def hear(_message: object) -> None:
        poked.set()

    await bus.listen(POKE, hear)
    resumed = False
    while True:
        try:
            poked.clear()
            if not resumed:
                await resume(database, bus)
                resumed = True
            if not await relay_once(database, bus):
                try:
                    async with asyncio.timeout(LOOK):
                        await poked.wait()
                except TimeoutError:
                    continue
        except (WorldFault, SQLAlchemyError, OSError) as fault:
            log.warning("relay waits", fault=str(fault))
            await asyncio.sleep(1)


async def prune(database: Database, before: int) -> None:
    """Forget events that were sent and are older than `before` (they are in the lake)."""
    async with database.write("system:relay") as session:
        await session.execute(
            delete(OutboxRow).where(OutboxRow.sent.is_(True), OutboxRow.at < before - DAY)
        )


async def poke_after_writes(database: Database, bus: Bus) -> None:
    """Tell the relay at once whenever this process wrote something."""
    while True:
        await database.spoken.wait()
        database.spoken.clear()
        await bus.notify(POKE)
