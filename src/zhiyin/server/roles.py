"""The processes of a brain, by name: what each runs once it has settings, bus and database."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from zhiyin import cloud, network
from zhiyin.server.act import run_act
from zhiyin.server.brain import Brain, load_brain
from zhiyin.server.pulled import Places
from zhiyin.server.sense import run_sense

log = structlog.get_logger()
BUS_URL = "ZHIYIN_BUS__URL"


async def run_gateway(brain: Brain, bus: cloud.Bus, database: cloud.Database) -> None:
    """Take what comes over MQTT and by the field protocols."""
    door = network.Door(brain.settings, brain.clock, bus, database, brain.declared)
    await door.open()
    stations = await _stations(brain, bus, database, door, brain.settings.gateways.on)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(network.run_gateway(brain.settings, bus, door))
        tasks.create_task(stations.run())
        tasks.create_task(
            network.run_pulls(
                brain.settings, brain.clock, bus, database, door, brain.declared,
                Places(database, brain.clock).take,
            )
        )  # fmt: skip


async def _stations(
    brain: Brain, bus: cloud.Bus, database: cloud.Database, door: network.Door,
    keys: tuple[str, ...],
) -> network.Stations:  # fmt: skip
    stations = network.Stations(
        brain.settings, brain.clock, bus, database, door, brain.templates, brain.types
    )
    await stations.open(keys)
    return stations


async def run_one_gateway(settings: cloud.Settings, key: str) -> None:
    """Run one protocol's gateway by itself, beside a brain that runs elsewhere."""
    brain = load_brain(settings)
    bus = await cloud.Bus.connect(settings.bus.url, f"gateway-{key}")
    database = cloud.Database(settings.database_url, brain.clock)
    door = network.Door(settings, brain.clock, bus, database)
    await door.open()
    stations = await _stations(brain, bus, database, door, (key,))
    await stations.run()


WORK: dict[str, Callable[[Brain, cloud.Bus, cloud.Database], Awaitable[None]]] = {
    "gateway": run_gateway,
    "sense": run_sense,
    "act": run_act,
}


async def _work(name: str, settings: cloud.Settings) -> None:
    brain = load_brain(settings)
    bus = await cloud.Bus.connect(settings.bus.url, name)
    database = cloud.Database(settings.database_url, brain.clock)
    task = asyncio.ensure_future(WORK[name](brain, bus, database))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await bus.close()
    await database.close()


def run_role(name: str, settings: cloud.Settings) -> None:
    """Run one worker in this process until it is told to end."""
    cloud.log_to_file(settings, name)
    log.info("starting", pid=os.getpid())
    if name == "web":
        from zhiyin.server.web import serve  # noqa: PLC0415  (only the web process needs a web server)

        uvloop.run(serve(settings))
    else:
        uvloop.run(_work(name, settings))
