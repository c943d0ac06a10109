"""Setting up: the database's tables, and what the packs bring, before any process starts."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from asyncpg import InterfaceError, PostgresError
from sqlalchemy.exc import SQLAlchemyError

from zhiyin import atlas, network
from zhiyin.cloud import Database, Settings
from zhiyin.kernel import Words, WorldFault
from zhiyin.server.brain import Brain

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


class StoreUnreachable(WorldFault):
    """The operations store could not be opened or migrated."""

    code = "server-003"
    what = Words("数据库打不开:{reason}。", "The operations store cannot be opened: {reason}.")
    do = Words(
        "看它是否在运行,并核对 database.url。", "See that it is running, and check database.url."
    )


class StoreOfAnotherVersion(WorldFault):
    """A store whose schema this version does not know."""

    code = "server-004"
    what = Words(
        "数据库的结构不是本版本认识的:{reason}。",
        "The operations store has a schema this version does not know: {reason}.",
    )
    do = Words(
        "用建它的版本打开,或用 --data 指定另一个目录。",
        "Open it with the version that made it, or name another folder with --data.",
    )


def migrate(settings: Settings) -> None:
    """Bring the operations store to the newest schema; does nothing when it is there."""
    try:
        command.upgrade(alembic_config(settings.database_url), "head")
    except CommandError as fault:
        raise StoreOfAnotherVersion("database.url", reason=str(fault)) from fault
    except (OSError, SQLAlchemyError, PostgresError, InterfaceError) as fault:
        reason = str(fault).partition("\n")[0] or type(fault).__name__
        raise StoreUnreachable("database.url", reason=reason) from fault


async def seed(brain: Brain) -> None:
    """Put the packs' elements on the map and their devices in the register; known ones stay."""
    database = Database(brain.settings.database_url, brain.clock)
    now = brain.clock.now()
    try:
        async with database.write("system:setup") as session:
            await atlas.seed(session, brain.elements, at=now)
        devices = {one.id: one.type for one in brain.elements if one.type in brain.types}
        await network.register_devices(
            database, None, brain.types, devices, source="pack", actor="system:setup", now=now
        )
        await network.complete_series(database, brain.types, "system:setup", now)
    finally:
        await database.close()
