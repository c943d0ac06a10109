"""The pulls of one brain, run beside its gateways; without an address none is loaded."""

from zhiyin.cloud import Bus, Database, Settings
from zhiyin.kernel import Clock
from zhiyin.network.declared import Declared
from zhiyin.network.pull.around import Hand
from zhiyin.network.service import Door


async def run_pulls(
    settings: Settings, clock: Clock, bus: Bus, database: Database, door: Door,
    declared: Declared, hand: Hand,
) -> None:  # fmt: skip
    """Fetch what packs declare and settings give addresses for, on schedule, for ever.

    `hand` takes places (pull, layer, GeoJSON): `stations`, `vehicles` and `geofencing_zones` of
    GBFS; the server brings them to the atlas. Returns at once when no pull has an address.
    """
    if not settings.pull:
        return
    # HTTP, SFTP and spreadsheets take 50 MiB; only a brain that pulls has them.
    from zhiyin.network.pull.run import Runner  # noqa: PLC0415

    await Runner(settings, clock, bus, database, door, declared, hand).run()
