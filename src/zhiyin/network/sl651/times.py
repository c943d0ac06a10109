"""Times of SL 651-2014: BCD of the station's wall clock (GMT+8), years of 2000 to 2099."""

from datetime import datetime
from functools import lru_cache

from zhiyin.kernel import DISTRICT_ZONE


@lru_cache(8192)
def millis(digits: str) -> int:
    """Return UTC ms of YYMMDDHHmm[SS]; ValueError when it is no time."""
    if not digits.isdecimal() or len(digits) not in {8, 10, 12}:
        raise ValueError(f"{digits!r} is no time; it should be YYMMDDHHmm[SS]")
    pairs = [int(digits[n : n + 2]) for n in range(0, len(digits), 2)]
    moment = datetime(2000 + pairs[0], *pairs[1:], tzinfo=DISTRICT_ZONE)  # type: ignore[arg-type, misc]
    return int(moment.timestamp()) * 1000


@lru_cache(64)
def _digits(second: int) -> str:
    return datetime.fromtimestamp(second, DISTRICT_ZONE).strftime("%y%m%d%H%M%S")


def digits_of(millis: int) -> str:
    """Return YYMMDDHHmmSS in the district's time."""
    return _digits(millis // 1000)


def shown(digits: str) -> str:
    """Return `2026-07-01 08:00[:00]` of YYMMDDHHmm[SS]; anything else as `0x…`."""
    try:
        millis(digits)
    except ValueError:
        return f"0x{digits}"
    date = f"20{digits[:2]}-{digits[2:4]}-{digits[4:6]} {digits[6:8]}"
    rest = [digits[n : n + 2] for n in range(8, len(digits), 2)]
    return ":".join([date, *rest])


def read(text: str, length: int) -> str:
    """Return the digits of what `shown` gave; ValueError when they are not `length` long."""
    if text.startswith("0x"):
        digits = text[2:].lower()
        int(digits, 16)
    else:
        digits = "".join(letter for letter in text if letter.isdigit())[2:]
        millis(digits)
    if len(digits) != length:
        raise ValueError(f"{text!r} has {len(digits)} digits of time; it should have {length}")
    return digits
