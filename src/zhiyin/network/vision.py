"""What senders of vision events tell (GA/T 1400): into the store, or kept apart."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from zhiyin.cloud import Database, Settings
from zhiyin.kernel import Clock, Words, WorldFault, new_id
from zhiyin.network.collector import Found
from zhiyin.network.directory import Directory
from zhiyin.network.frame import Facts, FrameFault, Happening
from zhiyin.network.happenings import Records
from zhiyin.network.model import Rejected
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.service import Door
from zhiyin.network.types import Types

KEY = "gat1400"


class StoreBusy(WorldFault):
    """The store did not take what a camera saw."""

    code = "network-150"
    what = Words("现在存不下({reason})。", "It could not be kept just now ({reason}).")
    do = Words("稍后重发。", "Send it again later.")


class Vision:
    """The senders of vision events and where what they tell goes."""

    def __init__(
        self, settings: Settings, clock: Clock, database: Database, door: Door,
        templates: Mapping[str, DeviceTemplate], types: Types,
    ) -> None:  # fmt: skip
        self._clock, self._database, self._door = clock, database, door
        self.directory = Directory(KEY, templates, types)
        self._records = Records(database, clock, settings.folder)

    def find(self, address: str) -> Facts | None:
        return self.directory.find(address)

    async def report(self, address: str, happenings: Sequence[Happening]) -> None:
        """Keep what was seen; StoreBusy when that cannot be now."""
        found = [
            Found(device, one)
            for one in happenings
            if (device := self.directory.device(address, one.part)) is not None
        ]
        try:
            if found:
                await self._records.happenings(KEY, found)
        except (SQLAlchemyError, OSError) as fault:
            raise StoreBusy(address, reason=type(fault).__name__) from fault

    async def refuse(self, address: str, fault: FrameFault, raw: Any) -> None:
        """Keep apart what was not taken."""
        device = self.directory.device(address)
        thing = device.thing if device else address[:128]
        kept = {"protocol": KEY, "address": address[:128], "object": raw}
        item = Rejected(
            new_id(), fault.reason, fault.detail[:400], KEY, self._clock.now(), thing, "", kept
        )
        await self._door.keep([item])
