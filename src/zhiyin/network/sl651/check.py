"""The check of SL 651-2014: CRC-16/MODBUS (tables 16 and 20), sent high byte first."""

from functools import cache
from struct import unpack


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)  # noqa: PLW2901
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


@cache
def _table_of_words() -> tuple[int, ...]:
    """Return what two bytes at once make of a check; a frame needs half as many steps so."""
    once = [n >> 8 ^ _TABLE[n & 0xFF] for n in range(0x10000)]
    return tuple([n >> 8 ^ _TABLE[n & 0xFF] for n in once])


def crc16(data: bytes) -> int:
    """Return the CRC of `data` (initial FFFF, polynomial 8005 reflected, no final change)."""
    crc, table, size = 0xFFFF, _table_of_words(), len(data)
    for word in unpack(f"<{size >> 1}H", data[: size & ~1]):
        crc = table[crc ^ word]
    if size & 1:
        crc = crc >> 8 ^ _TABLE[(crc ^ data[-1]) & 0xFF]
    return crc
