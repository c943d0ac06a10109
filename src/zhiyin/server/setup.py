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
        await network.enrol(
            database, None, brain.types, _devices(brain),
            source="pack", actor="system:setup", now=now,
        )  # fmt: skip
        await network.complete_series(database, brain.types, "system:setup", now)
    finally:
        await database.close()


def _devices(brain: Brain) -> list[network.Device]:
    """Return a device for each thing that nothing else senses, and those bound by the packs.

    Its template is the one of its type, where there is one only.
    """
    of_type: dict[str, list[network.DeviceTemplate]] = {}
    for template in brain.templates.values():
        of_type.setdefault(template.for_, []).append(template)
    bound = {one.thing for one in brain.bound}
    devices = list(brain.bound)
    for element in brain.elements:
        templates = of_type.get(element.type, [])
        if element.type not in brain.types or element.id in bound:
            continue
        if any(one.by == "itself" for one in templates):
            continue  # the process it stands for registers it
        only = templates[0] if len(templates) == 1 else None
        devices.append(
            network.Device(
                id=element.id, type=element.type, thing=element.id,
                template=only.device if only else "", gateway=only.by if only else "",
            )
        )  # fmt: skip
    return devices
