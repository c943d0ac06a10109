"""The demonstration: a simulated district beside the brain, on a clock of its own."""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from zhiyin import cloud
from zhiyin.kernel import DAY, HOUR, SystemClock
from zhiyin.server.district.describe import describe, read_packs, start_of
from zhiyin.server.district.fleet.describe import fleet_of, sized
from zhiyin.server.district.fleet.plan import PROTOCOLS, FleetPlan, Kind
from zhiyin.server.district.plan import Plan, Sensor
from zhiyin.server.folders import packs_folder

Argv = Callable[[cloud.Settings], list[str]]
LEAD = 5 * 60_000  # the district starts this long (ms, its own time) before the day's first moment


def pack_folders(settings: cloud.Settings) -> list[Path]:
    """Return the folders of the packs that are on."""
    only = set(settings.packs.only)
    return [
        manifest.parent
        for manifest in sorted(packs_folder(settings).glob("*/manifest.yaml"))
        if not only or manifest.parent.name in only
    ]


def begin(settings: cloud.Settings, day: str, speed: float) -> tuple[int, Path]:
    """Return the district's first moment (UTC ms) and the data folder of this kind of day.

    At natural speed the clock is the machine's, so an ordinary day shows what time it is. A
    faster day begins at the hour its packs name, and in a folder of its own: its time runs ahead.
    """
    packs = read_packs(pack_folders(settings))
    first = start_of(packs, day)
    now = SystemClock().now()
    folder = settings.folder / "demo"
    if speed == 1 and day == "ordinary":
        return now, folder
    today = (now + 8 * HOUR) // DAY * DAY - 8 * HOUR
    return today + first, settings.folder / f"demo-{day}-{now // 1000}"


def players(plain: cloud.Settings, day: str, seed: int, size: int | None = None) -> dict[str, Argv]:
    """Return the processes of a demonstration: what starts each once the addresses are known.

    `size` is how many numbered devices of field protocols there are, where not as the packs say.
    """
    packs = read_packs(pack_folders(plain))
    kinds = fleet_of(packs, day)
    if size is not None:
        kinds = sized(kinds, size)
    return {
        "district": _district(describe(packs, day), day, seed),
        **({"fleet": _fleet(kinds, seed)} if kinds else {}),
    }


def _district(sensors: list[Sensor], day: str, seed: int) -> Argv:
    def argv(settings: cloud.Settings) -> list[str]:
        clock = settings.tell()
        plan = Plan(
            day=day, seed=seed, clock=settings.clock,
            http=f"http://{settings.web.host}:{settings.web.port}",
            mqtt=f"{settings.mqtt.host}:{settings.mqtt.port}",
            sensors=tuple(sensors),
            start=clock.now() - LEAD,
        )  # fmt: skip
        file = settings.folder / "run" / "district.json"
        file.write_bytes(msgspec.json.encode(plan))
        return [sys.executable, "-m", "zhiyin.server.district", "--plan", str(file)]

    return argv


def _fleet(kinds: tuple[Kind, ...], seed: int) -> Argv:
    def argv(settings: cloud.Settings) -> list[str]:
        there = settings.gateways
        plan = FleetPlan(
            seed=seed, clock=settings.clock,
            http=f"http://{settings.web.host}:{settings.web.port}",
            gateways={key: f"{there.host}:{getattr(there, key)}" for key in PROTOCOLS
                      if key in there.on},
            kinds=tuple(kind for kind in kinds if kind.gateway in there.on),
        )  # fmt: skip
        file = settings.folder / "run" / "fleet.json"
        file.write_bytes(msgspec.json.encode(plan))
        return [sys.executable, "-m", "zhiyin.server.district.fleet", "--plan", str(file)]

    return argv
