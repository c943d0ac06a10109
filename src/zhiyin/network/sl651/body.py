"""The body of a HEX/BCD frame of SL 651-2014 (6.6): which groups it has, and where."""

from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason

TT, ST, RGZS, PIC, DATA, STEP = 0xF0, 0xF1, 0xF2, 0xF3, 0xFD, 0x04
CLASS, TAIL, PERIOD = 0x1001, 0x1002, 0x1003  # groups without an identifier
SERIES = 0x100  # set on the definition of an element whose values follow one another to the end
WITH_CLASS = frozenset({0x30, 0x31, 0x32, 0x33, 0x34, 0x36, 0x37, 0x38, 0x3A, 0x44})
OF_PARAMETERS = frozenset({0x40, 0x41, 0x42, 0x43, 0x47, 0x48, 0x49})
WITH_TAIL = frozenset({0x45, 0x4C, 0x4D, 0x4E, 0x4F, 0x50})
ASKING = frozenset({0x38, 0x3A, 0x41, 0x43})  # what goes down names elements without values
HEAD = 8  # bytes of serial number and time of sending
_SIZES = {TT << 8 | TT: 5, ST << 8 | ST: 5}
_TO_THE_END = frozenset({RGZS << 8 | RGZS, PIC << 8 | PIC, DATA << 8 | 0xF6})


Group = tuple[int, int, int, int]
"""One group of a body: lead byte, definition byte, and where its data begin and end."""


def malformed(where: int, detail: str) -> FrameFault:
    return FrameFault(Reason.MALFORMED, f"body byte {where}: {detail}")


def groups(body: bytes, function: int, *, down: bool = False) -> list[Group]:
    """Return the groups behind serial number and time; FrameFault where the body breaks off."""
    found: list[Group] = []
    at, end = HEAD, len(body)
    bare = down and function in ASKING
    if down and function == 0x38 and end > at:
        found.append((PERIOD, 0, at, _within(body, at, 8)))
        at += 8
    ordinary = not bare and function not in OF_PARAMETERS and function not in WITH_TAIL
    while at < end:
        lead = body[at]
        if lead < TT and lead != STEP and ordinary and at + 2 <= end:  # most are such; be quick
            definition, start = body[at + 1], at + 2
            at = start + (definition >> 3)
            if at > end:
                raise malformed(start, f"{end - start} bytes are left; {definition >> 3} should be")
            found.append((lead, definition, start, at))
            continue
        if function in WITH_TAIL and body[at : at + 2] != b"\xf1\xf1":
            found.append((TAIL, 0, at, end))
            break
        group = _group(body, at, function, bare=bare)
        found.append(group)
        at = group[3]
        if lead == ST and _has_class(body, at, function):
            found.append((CLASS, 0, at, _within(body, at, 1)))
            at += 1
        elif lead == STEP and not bare and _has_series(body, group, function):
            first, definition, start, _ = _group(body, at, function, bare=True)
            found.append((first, definition | SERIES, start, end))
            break
    return found


def _has_series(body: bytes, step: Group, function: int) -> bool:
    """Tell whether values of one element follow a time step (table 30).

    No step at all announces values of an hour (table C.1 g); some stations state 5 minutes there.
    """
    _, _, start, stop = step
    if function in OF_PARAMETERS or stop >= len(body) or not any(body[start:stop]):
        return False
    return not 0xF4 <= body[stop] <= 0xFC


def _group(body: bytes, at: int, function: int, *, bare: bool) -> Group:
    start = _within(body, at, 2)
    lead, definition = body[at], body[at + 1]
    both = lead << 8 | definition
    if lead == 0xFF:
        _within(body, at, 3)
        lead, definition, start = both, body[at + 2], at + 3
        size = definition >> 3
    elif both in _TO_THE_END:
        size = len(body) - start
    elif lead == 0x0E and function in OF_PARAMETERS:
        size = definition  # annex D.1: all eight bits count bytes
    else:
        size = _SIZES.get(both) or definition >> 3
    if bare and lead not in {ST, TT, STEP}:
        size = 0
    return lead, definition, start, _within(body, start, size)


def _within(body: bytes, at: int, size: int) -> int:
    if at + size > len(body):
        raise malformed(at, f"{len(body) - at} bytes are left; there should be {size}")
    return at + size


def _has_class(body: bytes, at: int, function: int) -> bool:
    """Tell whether a class byte follows a station's address; some stations leave it out."""
    if at >= len(body):
        return False
    if function in WITH_CLASS:
        return body[at : at + 2] != b"\xf0\xf0"
    return body[at + 1 : at + 3] == b"\xf0\xf0"
