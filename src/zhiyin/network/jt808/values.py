"""Small values of JT/T 808 §4.2: BCD, times of the device's wall clock (UTC+8), GBK text."""

from datetime import datetime, timedelta
from functools import lru_cache

from zhiyin.kernel import DISTRICT_ZONE, HOUR, MINUTE, SECOND, moment_of
from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason

BCD = [(n >> 4) * 10 + (n & 15) if n >> 4 < 10 and n & 15 < 10 else 255 for n in range(256)]


@lru_cache(1024)
def _midnight(day: bytes) -> int:
    year, month, date = (BCD[byte] for byte in day)
    if year > 99:
        raise ValueError("the year is no BCD")
    return round(datetime(2000 + year, month, date, tzinfo=DISTRICT_ZONE).timestamp()) * SECOND


def millis(data: bytes, at: int, where: str = "time") -> int:
    """Return UTC ms of six bytes BCD YYMMDDhhmmss; FrameFault when they are no time."""
    hour, minute, second = BCD[data[at + 3]], BCD[data[at + 4]], BCD[data[at + 5]]
    try:
        if hour < 24 and minute < 60 and second < 60:
            day = _midnight(data[at : at + 3])
            return day + hour * HOUR + minute * MINUTE + second * SECOND
    except ValueError:
        pass
    raise FrameFault(
        Reason.MALFORMED,
        f"{where}: {data[at : at + 6].hex()} is no time; it should be BCD YYMMDDhhmmss",
    )


def clock_text(data: bytes, where: str) -> str | None:
    """Return the time as ISO text with +08:00, None for twelve zeros (which say "any")."""
    if not any(data):
        return None
    moment = moment_of(millis(data, 0, where)).astimezone(DISTRICT_ZONE)
    return moment.isoformat(timespec="seconds")


def clock_bytes(value: object) -> bytes:
    """Return six bytes BCD of ISO text (without a zone: the district's); ValueError otherwise."""
    if value is None:
        return bytes(6)
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is not None:
        moment = moment.astimezone(DISTRICT_ZONE)
    if not 2000 <= moment.year < 2100:
        raise ValueError(f"the year is {moment.year}; it should be 2000 to 2099")
    return bytes.fromhex(moment.strftime("%y%m%d%H%M%S"))


def bcd_now(now: int, *, utc: bool) -> str:
    """Return `now` (UTC ms) as twelve digits, in UTC or in the district's time."""
    moment = moment_of(now) + (timedelta() if utc else timedelta(hours=8))
    return moment.strftime("%y%m%d%H%M%S")


def text_of(data: bytes) -> str:
    r"""Return GBK text without the zeros behind; bytes that are none stand as `\\xff`."""
    return data.rstrip(b"\0").decode("gbk", "backslashreplace")
