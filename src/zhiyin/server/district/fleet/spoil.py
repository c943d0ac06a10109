"""What a bad line makes of a frame: a flipped bit, a wrong check, a wrong length, half a frame.

Every spoilt frame is one that its gateway cannot take for a good one, and that it can tell from
the next: so each has to end as exactly one frame in quarantine.
"""

from collections.abc import Callable

from zhiyin.network.jt808.framing import escape, unescape

WAYS = ("flip", "check", "length", "cut")
_DIGITS = frozenset(b"0123456789")
_SL651_BODY, _SL651_ENDS = 14, frozenset(b"\x03\x17")
_JT808_HEAD = 12


def clear(protocol: str, frame: bytes) -> bool:
    """Return whether a frame, once spoilt, can be told from the next: no start mark lies in it."""
    return protocol != "sl651" or b"\x7e\x7e" not in frame[2:]


def spoilt(protocol: str, way: str, frame: bytes, turn: float) -> bytes:
    """Return the frame spoilt in one of WAYS; `turn` in [0, 1) chooses where."""
    if way == "cut":
        return frame[: int(len(frame) * (0.3 + 0.5 * turn))]
    return _SPOIL[protocol, way](frame, turn)


def _changed(frame: bytes, at: int, byte: int) -> bytes:
    return frame[:at] + bytes([byte]) + frame[at + 1 :]


def _hj212_flip(frame: bytes, turn: float) -> bytes:
    """Flip the lowest bit of a digit behind `DataTime=`."""
    begin = frame.index(b"CP=&&")
    digits = [at for at in range(begin, len(frame) - 8) if frame[at] in _DIGITS]
    at = digits[int(turn * len(digits))]
    return _changed(frame, at, frame[at] ^ 1)


def _hj212_check(frame: bytes, turn: float) -> bytes:
    check = int(frame[-6:-2], 16) ^ (1 + int(turn * 0xFFFE))
    return frame[:-6] + b"%04X\r\n" % check


def _hj212_length(frame: bytes, turn: float) -> bytes:
    length = int(frame[2:6]) + (1 + int(turn * 20)) * (-1 if turn < 0.5 else 1)
    return b"##%04d" % length + frame[6:]


def _sl651_flip(frame: bytes, turn: float) -> bytes:
    at = _SL651_BODY + int(turn * (len(frame) - _SL651_BODY - 3))
    bit = next(bit for bit in (1, 2) if frame[at] ^ bit != 0x7E)  # never a new start mark
    return _changed(frame, at, frame[at] ^ bit)


def _sl651_check(frame: bytes, turn: float) -> bytes:
    bit = 1 << int(turn * 3)
    return _changed(frame, len(frame) - 1, frame[-1] ^ bit)


def _sl651_length(frame: bytes, turn: float) -> bytes:
    """Let the header say some bytes less, so that no end mark stands where the body should end."""
    end = _SL651_BODY + frame[12]
    least = 1 + int(turn * 8)
    less = next(n for n in range(least, 20) if frame[end - n] not in _SL651_ENDS)
    return _changed(frame, 12, frame[12] - less)


def _jt808_flip(frame: bytes, turn: float) -> bytes:
    data = unescape(frame[1:-1])
    at = _JT808_HEAD + int(turn * (len(data) - _JT808_HEAD - 1))
    return escape(_changed(data, at, data[at] ^ 1))


def _jt808_check(frame: bytes, turn: float) -> bytes:
    data = unescape(frame[1:-1])
    return escape(_changed(data, len(data) - 1, data[-1] ^ (1 << int(turn * 8))))


def _jt808_length(frame: bytes, turn: float) -> bytes:
    """Let the header say some bytes more or less, and the check agree with it."""
    data = unescape(frame[1:-1])
    bit = 1 << int(turn * 4)
    wrong = _changed(data, 3, data[3] ^ bit)
    return escape(_changed(wrong, len(data) - 1, data[-1] ^ bit))


_SPOIL: dict[tuple[str, str], Callable[[bytes, float], bytes]] = {
    ("hj212", "flip"): _hj212_flip,
    ("hj212", "check"): _hj212_check,
    ("hj212", "length"): _hj212_length,
    ("sl651", "flip"): _sl651_flip,
    ("sl651", "check"): _sl651_check,
    ("sl651", "length"): _sl651_length,
    ("jt808", "flip"): _jt808_flip,
    ("jt808", "check"): _jt808_check,
    ("jt808", "length"): _jt808_length,
}
