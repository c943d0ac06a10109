"""The operations store on SQLite and on PostgreSQL: schema, outbox, rollback, many writers."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import new_database
from zhiyin import cloud
from zhiyin.kernel import ManualClock, new_id
from zhiyin.network.store import DeviceRow
from zhiyin.server.setup import alembic_config
from zhiyin.server.tables import METADATA


def migrate(url: str) -> None:
    with ThreadPoolExecutor(1) as thread:  # the migrations run a loop of their own
        thread.submit(command.upgrade, alembic_config(url), "head").result()


@pytest.fixture(scope="module")
def first_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("first") / "operations.db"
    migrate(f"sqlite+aiosqlite:///{file}")
    return file


@pytest.fixture(scope="module")
def first_postgres(postgres: dict[str, str]) -> str:
    name = new_id()
    migrate(asyncio.run(new_database(postgres, name)))
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store brought up from nothing by the migrations, as `zhiyin up` does: a copy of it."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("first_sqlite"), tmp_path / "operations.db")
        return f"sqlite+aiosqlite:///{file}"
    first = request.getfixturevalue("first_postgres")
    return asyncio.run(new_database(request.getfixturevalue("postgres"), new_id(), first))


@pytest.fixture
async def database(url: str) -> AsyncIterator[cloud.Database]:
    store = cloud.Database(url, ManualClock(1_000))
    yield store
    await store.close()


def device(name: str, kind: str = "lake") -> DeviceRow:
    return DeviceRow(id=name, thing="t", type=kind, source="test", created_at=1)


async def events(database: cloud.Database) -> list[cloud.OutboxRow]:
    async with database.read() as session:
        return list(await session.scalars(select(cloud.OutboxRow).order_by(cloud.OutboxRow.id)))


async def test_the_migrations_make_what_the_models_say(database: cloud.Database) -> None:
    def difference(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(difference) == []


async def test_migrating_again_changes_nothing(database: cloud.Database, url: str) -> None:
    async with database.write("user:a") as session:
        session.add(device("kept"))
    migrate(url)
    async with database.read() as session:
        assert await session.get(DeviceRow, "kept")


async def test_each_change_leaves_who_when_before_and_after(database: cloud.Database) -> None:
    async with database.write("user:a") as session:
        session.add(device("one"))
    async with database.write("user:b") as session:
        (await session.get_one(DeviceRow, "one")).type = "air_station"
    async with database.write("user:c") as session:
        await session.delete(await session.get_one(DeviceRow, "one"))
    made, changed, removed = await events(database)
    texts = dict.fromkeys(
        ("template", "gateway", "address", "key", "certificate", "model", "firmware"), ""
    )
    after = {
        "id": "one", "type": "lake", "source": "test", "created_at": 1, "thing": "t", **texts,
        "settings": {}, "every": 0, "repair": False,
    }  # fmt: skip
    assert (made.kind, made.actor, made.at) == ("row.network.device.created", "user:a", 1_000)
    assert made.data == {"before": None, "after": after}
    assert (changed.kind, changed.actor) == ("row.network.device.changed", "user:b")
    assert changed.data == {"before": {"type": "lake"}, "after": {**after, "type": "air_station"}}
    assert (removed.kind, removed.actor) == ("row.network.device.removed", "user:c")
    assert removed.data == {"before": {**after, "type": "air_station"}, "after": None}
    assert {row.subject for row in (made, changed, removed)} == {"one"}


async def test_a_secret_is_in_the_row_and_in_no_event(database: cloud.Database) -> None:
    async with database.write("user:a") as session:
        one = device("one")
        one.key = "123456"
        session.add(one)
    async with database.write("user:a") as session:
        (await session.get_one(DeviceRow, "one")).key = "654321"
    async with database.read() as session:
        assert (await session.get_one(DeviceRow, "one")).key == "654321"
    made, changed = await events(database)
    assert made.data["after"]["key"] == "***"
    assert changed.data["before"] == {"key": "***"}
    assert "123456" not in str([made.data, changed.data])
    assert "654321" not in str([made.data, changed.data])


async def test_what_is_announced_goes_with_the_rows(database: cloud.Database) -> None:
    async with database.write("user:a") as session:
        cloud.announce(session, "network.device.greeted", "one", {"again": False})
        session.add(device("one"))
    assert [row.kind for row in await events(database)] == [
        "row.network.device.created",
        "network.device.greeted",
    ]


async def test_a_row_written_without_change_says_nothing(database: cloud.Database) -> None:
    async with database.write("user:a") as session:
        session.add(device("one"))
    async with database.write("user:a") as session:
        (await session.get_one(DeviceRow, "one")).type = "lake"
    assert len(await events(database)) == 1


async def test_rollback_leaves_neither_row_nor_event(database: cloud.Database) -> None:
    async def half(session: AsyncSession) -> None:
        session.add(device("one"))
        cloud.announce(session, "network.device.greeted", "one", {})
        await session.flush()
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        async with database.write("user:a") as session:
            await half(session)
    assert await events(database) == []
    async with database.read() as session:
        assert await session.get(DeviceRow, "one") is None


async def test_a_rolled_back_savepoint_leaves_no_event(database: cloud.Database) -> None:
    async def inner(session: AsyncSession) -> None:
        async with session.begin_nested():
            session.add(device("inner"))
            await session.flush()
            raise RuntimeError("half way")

    async with database.write("user:a") as session:
        session.add(device("outer"))
        with pytest.raises(RuntimeError, match="half way"):
            await inner(session)
    assert [row.subject for row in await events(database)] == ["outer"]


async def test_many_writers_lose_nothing(database: cloud.Database, url: str) -> None:
    other = cloud.Database(url, ManualClock(2_000))  # as another process has it

    async def write(store: cloud.Database, writer: int) -> None:
        for number in range(10):
            async with store.write(f"user:{writer}") as session:
                session.add(device(f"{writer}-{number}"))

    await asyncio.gather(*(write(store, n) for n, store in enumerate([database, other] * 4)))
    await other.close()
    found = await events(database)
    assert len(found) == len({row.subject for row in found}) == 80
    assert all(row.actor == f"user:{row.subject.partition('-')[0]}" for row in found)


async def test_numbers_stay_exact(database: cloud.Database) -> None:
    async with database.write("user:a") as session:
        session.add(
            DeviceRow(id="when", thing="t", type="lake", source="汉阳", created_at=2**53 + 1)
        )
    async with database.read() as session:
        row = await session.get_one(DeviceRow, "when")
    assert (row.created_at, row.source) == (2**53 + 1, "汉阳")
