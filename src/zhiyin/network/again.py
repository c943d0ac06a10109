"""Frames that were kept apart, read again: after a device was registered or its template mended."""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.decoding import frame_of
from zhiyin.network.directory import Directory
from zhiyin.network.frame import SHOWN, FrameFault
from zhiyin.network.intake import Message
from zhiyin.network.model import Rejected
from zhiyin.network.protocols import KEYS, wire
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.types import Types


class FrameReader:
    """Turns kept frames into observations by the register as it is now."""

    def __init__(self, templates: Mapping[str, DeviceTemplate], types: Types) -> None:
        self.directories = {key: Directory(key, templates, types) for key in KEYS}

    def message(self, item: Rejected) -> Message | None:
        """Return what a kept frame says now, None when it is no frame or still says nothing."""
        raw: Any = item.raw
        if not isinstance(raw, dict) or raw.get("protocol") not in self.directories:
            return None
        if int(raw.get("bytes", 0)) > SHOWN:
            return None  # only its beginning was kept
        key = raw["protocol"]
        protocol = wire(key)
        try:
            decoded = protocol.decode(frame_of(protocol, str(raw.get("frame", ""))))
        except FrameFault:
            return None
        rows = self.directories[key].rows(decoded.address, decoded.readings)
        if not rows:
            return None
        things, properties, times, values = zip(*rows, strict=True)
        return Message(things, properties, times, values)
