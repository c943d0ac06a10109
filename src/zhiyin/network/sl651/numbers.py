"""BCD numbers of SL 651-2014 (6.6.3.3): no point, FF in front of a negative, all F is no value."""

from decimal import Decimal, InvalidOperation

EXACT = 15  # digits that a float holds exactly; longer ones are told as decimal text
MOST_DIGITS = 62  # 31 bytes (table 26)
Number = int | float | str | None


def number(data: bytes, decimals: int) -> Number:
    """Return the value of a field; None when it is invalid, `0x…` when it is no number."""
    digits = data.hex()
    if not digits or not digits.strip("f"):
        return None
    negative = digits.startswith("ff")
    if negative:
        digits = digits[2:]
    if not digits.isdecimal():
        return "0x" + data.hex().upper()
    whole = -int(digits) if negative else int(digits)
    if decimals == 0 and len(digits) <= EXACT:
        return whole
    exact = Decimal(whole).scaleb(-decimals)
    return float(exact) if len(digits) <= EXACT else str(exact)


def raw(text: str) -> bytes:
    """Return the bytes of `0x…`; ValueError when it is none."""
    if not text.startswith("0x"):
        raise ValueError(f"{text!r} is neither a number nor 0x and hex digits")
    return bytes.fromhex(text[2:])


def packed(value: Number, size: int, decimals: int) -> bytes:
    """Return the bytes of a value in `size` bytes; ValueError when it does not fit exactly."""
    if value is None:
        return b"\xff" * size
    if isinstance(value, str) and value.startswith("0x"):
        data = raw(value)
        if len(data) != size:
            raise ValueError(f"{value} has {len(data)} bytes; it should have {size}")
        return data
    whole = scaled(value, decimals)
    digits = str(abs(whole))
    room = 2 * size - (2 if whole < 0 else 0)
    if len(digits) > room:
        raise ValueError(f"{value} has {len(digits)} digits; there is room for {room}")
    return bytes.fromhex(("ff" if whole < 0 else "") + digits.zfill(room))


def scaled(value: Number, decimals: int) -> int:
    """Return `value` times 10 to the `decimals`; ValueError when that is no whole number."""
    try:
        exact = Decimal(str(value)).scaleb(decimals)
        if exact.adjusted() > MOST_DIGITS:
            raise ValueError(f"{value} has more than {MOST_DIGITS} digits")
        if exact != exact.to_integral_value():
            raise ValueError(f"{value} has more than {decimals} decimals")
        return int(exact)
    except (InvalidOperation, OverflowError) as fault:
        raise ValueError(f"{value!r} is no number") from fault
