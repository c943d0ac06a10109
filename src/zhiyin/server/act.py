"""The acting worker: events to the bus, kept observations to their list, warnings to cases."""

import asyncio

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin import cloud, command, network, watch
from zhiyin.kernel import HOUR
from zhiyin.server.brain import Brain
from zhiyin.server.sense import CASES, WARNINGS

log = structlog.get_logger()


async def run_act(brain: Brain, bus: cloud.Bus, database: cloud.Database) -> None:
    """Run until cancelled."""
    cases = command.Cases(database, brain.clock, brain.cases)

    async def keep(session: AsyncSession, messages: list[cloud.Message]) -> None:
        await network.keep_items(session, [message.data for message in messages])

    async def on_warnings(session: AsyncSession, messages: list[cloud.Message]) -> None:
        for message in messages:
            event = msgspec.json.decode(message.data)
            if event["type"].rpartition(".")[2] not in {"raised", "level", "cleared"}:
                continue
            warning = event["data"]
            event["data"] = {
                "warning": warning,
                "level": warning["level"],
                "opens": warning["opens"],
            }
            case = await cases.on_warning(session, event)
            if case is not None:
                await watch.attach_case(session, warning["id"], case.id)

    async def prune() -> None:
        while True:
            await asyncio.sleep(HOUR / 1000)
            try:
                await cloud.prune(database, brain.clock.now())
            except SQLAlchemyError as fault:
                log.warning("pruning waits", fault=str(fault))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(cloud.run_relay(database, bus))
        tasks.create_task(cloud.poke_after_writes(database, bus))
        kept = cloud.take_in(
            bus, database, cloud.QUARANTINE, ">",
            reader="keeper", actor="system:network", handle=keep, forget=True,
        )  # fmt: skip
        warned = cloud.take_in(
            bus, database, cloud.EVENTS, WARNINGS,
            reader=CASES, actor="system:command", handle=on_warnings,
        )  # fmt: skip
        tasks.create_task(kept)
        tasks.create_task(warned)
        tasks.create_task(prune())
