"""The demonstration: a simulated district beside the brain, on a clock of its own."""

import sys
from pathlib import Path
from typing import Any

import msgspec

from zhiyin import cloud
from zhiyin.kernel import DAY, HOUR, SystemClock
from zhiyin.server.district.describe import describe, read_packs, start_of
from zhiyin.server.district.plan import Plan
from zhiyin.server.folders import packs_folder

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


def player(plain: cloud.Settings, day: str, seed: int) -> Any:
    """Return what starts the district once the brain's addresses are known."""
    sensors = describe(read_packs(pack_folders(plain)), day)

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
