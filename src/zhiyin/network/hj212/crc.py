"""The check of HJ 212-2017 annex A: not the Modbus CRC, though it shares its polynomial.

Per byte the standard keeps only the register's high byte: high = table[high ^ byte] >> 8. That step
is linear, and eight of them give back what went in; so the eight-byte words of a text can be XORed
together first and the register run over one word. This is why only 256 values exist: the check is
weak, and lengths and fields are checked beside it.
"""

_POLYNOMIAL = 0xA001
_WORD = 8


def _row(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ _POLYNOMIAL if value & 1 else value >> 1
    return value


_TABLE = tuple(_row(byte) for byte in range(256))


def crc(data: bytes) -> int:
    """Return the check of a data segment; that of b"123456789" is 0x2F80."""
    size = len(data)
    if not size:
        return 0xFFFF
    # The register starts as FFFF: the same as a first byte that has been turned over.
    folded = int.from_bytes(data, "big") ^ (0xFF << 8 * (size - 1))
    while size > _WORD:  # the upper half onto the lower, in whole words
        size = (size + 15) >> 4 << 3
        folded = (folded >> 8 * size) ^ (folded & ((1 << 8 * size) - 1))
    register = 0
    for byte in folded.to_bytes(_WORD, "big"):
        register = _TABLE[(register >> 8) ^ byte]
    return register
