"""Frames of HJ 212 in a stream of bytes: `##`, four digits of length, the data segment, CRC, CR LF.

Knows lengths and marks only (HJ 212-2017 §6.3.1); the check and the words are read elsewhere.
Whatever is no frame comes out as a run of bytes with its fault, so that nothing is lost unseen.
"""

import re
from typing import NamedTuple

from zhiyin.network.frame import SHOWN, FrameFault
from zhiyin.network.model import Reason

START = b"##"
LIMIT = 4096  # bytes of a data segment that are taken; the standard ends at 1024, loggers do not
RUN = 65536  # bytes without a frame after which the run is reported and a new one begun
_HEAD = 6  # start mark and length
_CRC = re.compile(rb" {0,4}([0-9A-Fa-f]{4})")
_BLANK = re.compile(rb"[\r\n \t]*")
_TAIL = re.compile(rb"&&[ ]{0,4}[0-9A-Fa-f]{4}[ ]?\r?\n")
_TAIL_MOST = 13
# Where a run that is no frame ends: after an end of frame, or before a start mark that may be one.
_RUN_END = re.compile(_TAIL.pattern + rb"|#(?:\Z|#(?:[0-9]{0,3}\Z|[0-9]{4}))")


class Piece(NamedTuple):
    """A frame by its length, or a run of bytes that is none and why."""

    frame: bytes
    segment: bytes = b""
    crc: bytes = b""
    fault: FrameFault | None = None


def _length_fault(said: int, data: bytes, at: int) -> FrameFault:
    tail = _TAIL.search(data + b"\n", at)
    has = (
        f"the segment has {tail.start() + 2 - at - _HEAD}" if tail else "no `&&` and CRC are there"
    )
    return FrameFault(Reason.LENGTH, f"bytes 2–5 · length {said:04d} · {has}", head_near(data[at:]))


def head_near(frame: bytes) -> dict[str, str]:
    """Return the header items that can still be told in a frame that is not whole."""
    head, _, _ = frame[_HEAD : _HEAD + 300].partition(b"CP=")
    return dict(
        re.findall(r"(QN|ST|CN|PW|MN|Flag|PNUM|PNO|RF)=([^;]{1,64})", head.decode("latin1"))
    )


def _begun(head: bytes) -> int | FrameFault | None:
    """Return the length that the six bytes say, None while they may still become a head."""
    digits = head[2:]
    if head[:2] != START[: len(head)] or not (digits.isdigit() or not digits):
        shown = head.decode("latin1")
        return FrameFault(Reason.MALFORMED, f"byte 0 · {shown!r} · `##` and four digits should be")
    if len(digits) < _HEAD - 2:
        return None
    length = int(digits)
    if length > LIMIT:
        detail = f"bytes 2–5 · length {length} · at most {LIMIT} is taken"
        return FrameFault(Reason.OVERSIZE, detail)
    return length


def frame_at(data: bytes, at: int) -> Piece | FrameFault | None:
    """Return the frame that begins at `at`, why it is none, or None while more may come."""
    length = _begun(data[at : at + _HEAD])
    if not isinstance(length, int):
        return length
    start = at + _HEAD
    end = start + length
    size = len(data)
    if size < end + 4:
        # The frame has ended although more was announced: no need to wait for it.
        if data.endswith(b"\n") and _TAIL.search(data, start):
            return _length_fault(length, data, at)
        return None
    check = _CRC.match(data, end)
    if check and data[start:end].rstrip(b" ").endswith(b"&&"):
        stop = check.end()
        ends = 2 if data.startswith(b"\r\n", stop) else int(data.startswith(b"\n", stop))
        return Piece(data[at : stop + ends], data[start:end], check[1])
    if data[end : end + 1] == b" " and size < end + 8:
        return None
    # The end mark or the CRC is spoilt but the tail stands where the length says: the CRC decides.
    if data[end + 4 : end + 6] in {b"", b"\r"}:
        return None
    if data[end + 4 : end + 6] == b"\r\n":
        return Piece(data[at : end + 6], data[start:end], data[end : end + 4])
    return _length_fault(length, data, at)


class Scanner:
    """Cuts what one connection says into pieces; keeps at most one frame or one run's beginning."""

    def __init__(self) -> None:
        self._rest = b""
        self._why: FrameFault | None = None  # of the run we are in
        self._run = b""
        self._size = 0

    def feed(self, data: bytes) -> list[Piece]:
        """Take bytes as they came; return what they complete."""
        if self._rest:
            data = self._rest + data
        self._rest = b""
        pieces: list[Piece] = []
        at = 0
        while at < len(data):
            if self._why is not None:
                at = self._run_on(data, at, at, pieces)
                continue
            at = _BLANK.match(data, at).end()  # type: ignore[union-attr]
            piece = frame_at(data, at) if at < len(data) else None
            if piece is None:
                self._rest = data[at:]
                break
            if isinstance(piece, FrameFault):
                self._why = piece
                at = self._run_on(data, at, at + 1, pieces)
            else:
                pieces.append(piece)
                at += len(piece.frame)
        return pieces

    def end(self) -> list[Piece]:
        """Return what is left when nothing more will come."""
        pieces: list[Piece] = []
        if self._why is not None:
            self._absorb(self._rest, pieces)
            self._close(pieces)
        elif self._rest:
            left = self._rest
            pieces.append(Piece(left[:SHOWN], fault=unfinished(left)))
        self._rest = b""
        return pieces

    def _run_on(self, data: bytes, at: int, look: int, pieces: list[Piece]) -> int:
        """Follow the run from `at`, its end sought from `look`; return where it stopped."""
        found = _RUN_END.search(data, look)
        if found:
            stop = found.start() if data[found.start()] == START[0] else found.end()
            self._absorb(data[at:stop], pieces)
            self._close(pieces)
            return stop
        keep = max(look, len(data) - _TAIL_MOST)  # an end mark may lie across two segments
        self._absorb(data[at:keep], pieces)
        self._rest = data[keep:]
        return len(data)

    def _absorb(self, data: bytes, pieces: list[Piece]) -> None:
        self._size += len(data)
        if len(self._run) < SHOWN:
            self._run += data[: SHOWN - len(self._run)]
        if self._size >= RUN:
            why = self._why
            self._close(pieces)
            self._why = why

    def _close(self, pieces: list[Piece]) -> None:
        if self._size and self._why is not None:
            why = self._why
            if self._size > len(self._run):
                why = FrameFault(
                    why.reason, f"{why.detail} · {self._size} bytes in all", why.header
                )
            pieces.append(Piece(self._run, fault=why))
        self._why, self._run, self._size = None, b"", 0


def unfinished(left: bytes) -> FrameFault:
    """Return the fault of a frame whose rest never came."""
    said = left[2:_HEAD].decode("latin1")
    has = f"{max(0, len(left) - _HEAD)} bytes of the segment"
    detail = f"bytes 2–5 · length {said} · {has} came, then the end"
    return FrameFault(Reason.INCOMPLETE, detail, head_near(left))


def whole(frame: bytes) -> Piece:
    """Return the one frame that these bytes are, with or without CR LF; raises FrameFault."""
    text = frame.strip(b"\r\n \t")
    piece = frame_at(text, 0) if text else None
    if piece is None and len(text) > _HEAD:  # the tail of a frame may be left off
        piece = frame_at(text + b"\r\n", 0)
    if piece is None:
        raise unfinished(text)
    if isinstance(piece, FrameFault):
        raise piece
    if len(piece.frame.rstrip()) < len(text):
        left = len(text) - len(piece.frame)
        raise FrameFault(Reason.MALFORMED, f"end of frame · {left} more bytes · none should follow")
    return piece
