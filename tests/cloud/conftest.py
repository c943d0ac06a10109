"""A bus and a store for the tests of the ground."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from zhiyin import cloud
from zhiyin.kernel import DAY, ManualClock
from zhiyin.server.tables import METADATA


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> cloud.Settings:
    folder = tmp_path_factory.mktemp("ground")
    cloud.claim(folder).close()
    port = cloud.free_port()
    return cloud.load(
        environ={},
        given={
            "data_folder": str(folder),
            "bus": {"url": f"nats://127.0.0.1:{port}", "port": port, "stream_mib": 64},
        },
    )


@pytest.fixture(scope="module")
def server(settings: cloud.Settings) -> Iterator[subprocess.Popen[bytes]]:
    config = cloud.write_config(settings, settings.bus.port, mqtt=False)
    process = subprocess.Popen([cloud.binary(), "-c", str(config)])
    yield process
    process.terminate()
    process.wait()


@pytest.fixture
async def bus(
    settings: cloud.Settings, server: subprocess.Popen[bytes]
) -> AsyncIterator[cloud.Bus]:
    connected = await cloud.Bus.connect(settings.bus.url, "test")
    await cloud.prepare(connected, settings)
    for stream in (cloud.OBSERVATIONS, cloud.EVENTS):
        await connected.api(f"STREAM.PURGE.{stream}")
    yield connected
    await connected.close()


DAYS = count(DAY, DAY)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(next(DAYS))  # no two stores speak in the same millisecond


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[cloud.Database]:
    database = cloud.Database(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}", clock)
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    yield database
    await database.close()
