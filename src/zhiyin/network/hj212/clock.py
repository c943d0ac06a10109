"""Times of HJ 212: `YYYYMMDDhhmmss[zzz]` of UTC+8 to UTC ms and back."""

from datetime import datetime, timedelta
from functools import lru_cache

from zhiyin.kernel import DISTRICT_ZONE, MINUTE, SECOND, millis_of, moment_of


@lru_cache(maxsize=1024)
def _hour(text: str) -> int:
    """Return UTC ms of an hour `YYYYMMDDhh`; ValueError when there is none."""
    year, month, day, hour = int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:])
    return millis_of(datetime(year, month, day, hour, tzinfo=DISTRICT_ZONE))


@lru_cache(maxsize=256)
def millis(text: str) -> int:
    """Return UTC ms of 14 digits, or 17 with milliseconds; ValueError for anything else."""
    if len(text) not in {14, 17} or not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text[:32]!r} is no time of 14 or 17 digits")
    minute, second = int(text[10:12]), int(text[12:14])
    if minute > 59 or second > 59:
        raise ValueError(f"{text!r} has minute {minute}, second {second}; they end at 59")
    return _hour(text[:10]) + minute * MINUTE + second * SECOND + int(text[14:] or 0)


def digits(at: int) -> str:
    """Return 14 digits of the district's wall clock."""
    return moment_of(at).astimezone(DISTRICT_ZONE).strftime("%Y%m%d%H%M%S").zfill(14)


def long_digits(at: int) -> str:
    """Return the 17 digits of a QN."""
    whole, part = divmod(at, SECOND)
    moment = moment_of(0) + timedelta(seconds=whole)
    return f"{moment.astimezone(DISTRICT_ZONE):%Y%m%d%H%M%S}{part:03d}"
