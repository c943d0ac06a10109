"""The acting worker: events to the bus, kept observations to their list, warnings to cases."""

import asyncio

import msgspec
import structlog

from zhiyin import cloud, command, network, watch
from zhiyin.kernel import HOUR
from zhiyin.server.brain import Brain

log = structlog.get_logger()


async def run_act(brain: Brain, bus: cloud.Bus, database: cloud.Database) -> None:
    """Run until cancelled."""
    cases = command.Cases(database, brain.clock, brain.cases)

    async def keep(messages: list[cloud.Message]) -> None:
        await network.keep_items(database, [message.data for message in messages])

    async def on_warnings(messages: list[cloud.Message]) -> None:
        async with database.write("system:command") as session:
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
            await cloud.prune(database, brain.clock.now())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(cloud.run_relay(database, bus))
        tasks.create_task(cloud.poke_after_writes(database, bus))
        tasks.create_task(bus.consume(cloud.QUARANTINE, "keeper", "quarantine.>", keep))
        tasks.create_task(bus.consume(cloud.EVENTS, "cases", "events.watch.warning.*", on_warnings))
        tasks.create_task(prune())
