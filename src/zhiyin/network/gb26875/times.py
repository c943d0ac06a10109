"""Time labels of GB/T 26875.3-2011 (8.2.2): second, minute, hour, day, month, year - 2000."""

from datetime import datetime
from functools import lru_cache

from zhiyin.kernel import DISTRICT_ZONE


@lru_cache(8192)
def millis(data: bytes) -> int | None:
    """Return UTC ms of 6 bytes of the wall clock (GMT+8), None when they are no time."""
    second, minute, hour, day, month, year = data
    try:
        moment = datetime(2000 + year, month, day, hour, minute, second, tzinfo=DISTRICT_ZONE)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000


@lru_cache(64)
def _label(second: int) -> bytes:
    at = datetime.fromtimestamp(second, DISTRICT_ZONE)
    return bytes([at.second, at.minute, at.hour, at.day, at.month, at.year % 100])


def label(millis: int) -> bytes:
    """Return the 6 bytes of a time in the district's zone."""
    return _label(millis // 1000)


def shown(data: bytes) -> str:
    """Return `2026-07-01 08:15:30`; as `0x…` what is no time."""
    if millis(data) is None:
        return "0x" + data.hex()
    second, minute, hour, day, month, year = data
    return f"{2000 + year}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}:{second:02d}"


def read(text: str) -> bytes:
    """Return the bytes of what `shown` gave; ValueError for what it cannot have given."""
    if text.startswith("0x"):
        data = bytes.fromhex(text[2:])
        if len(data) != 6:
            raise ValueError(f"{text}; a time has 6 bytes")
        return data
    at = datetime.fromisoformat(text)
    if not 2000 <= at.year <= 2255:
        raise ValueError(f"{text}; years are 2000 to 2255")
    return bytes([at.second, at.minute, at.hour, at.day, at.month, at.year - 2000])
