"""Frames out of a stream of bytes: `7E … 7E`, with garbage, shared marks and half frames."""

from collections.abc import Iterator

from zhiyin.network.frame import SHOWN, FrameFault, Turn
from zhiyin.network.jt808.framing import LONGEST
from zhiyin.network.model import Reason

_MARK = b"\x7e"
_SHORTEST = 15  # header of 2013, check and two marks


class Stream:
    """Cuts a stream at its marks; keeps at most one unfinished frame.

    The mark that ends a frame may begin the next one: so the stream finds its feet again after
    half a frame, and takes terminals that send one mark between two frames.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._junk = bytearray()
        self._junk_size = 0
        self._junk_reason = Reason.MALFORMED
        self._open = False  # in a run of bytes whose end has not been seen

    def cut(self, data: bytes) -> Iterator[bytes | Turn]:
        """Give frames with their marks, and turns for what was skipped between them."""
        data = self._rest + data
        self._rest = b""
        at = 0
        while at < len(data):
            start = data.find(_MARK, at)
            if start != at:
                self._skip(data[at:start] if start > 0 else data[at:], self._junk_reason)
                self._open = start < 0
                if start < 0:
                    break
                self._open = False
            end = data.find(_MARK, start + 1)
            size = (end if end >= 0 else len(data)) - start + 1
            if size > LONGEST:
                self._skip(data[start:end] if end >= 0 else data[start:], Reason.OVERSIZE)
                self._open = end < 0
            elif end < 0:
                self._rest = data[start:]
            elif end > start + 1:
                if size < _SHORTEST:
                    self._skip(data[start:end], self._junk_reason)
                else:
                    yield from self._flush()
                    yield data[start : end + 1]
            at = end if end >= 0 else len(data)
        if not self._open:
            yield from self._flush()

    def end(self) -> Iterator[Turn]:
        """Give what is left when the stream has ended."""
        yield from self._flush()
        if len(self._rest) > 1:
            detail = f"the frame ended after {len(self._rest)} bytes without its end mark 7E"
            yield Turn(self._rest, fault=FrameFault(Reason.INCOMPLETE, detail))
        self._rest = b""

    def _skip(self, data: bytes, reason: Reason) -> None:
        self._junk_reason = reason
        self._junk_size += len(data)
        self._junk += data[: SHOWN - len(self._junk)]

    def _flush(self) -> Iterator[Turn]:
        if not self._junk_size:
            return
        detail = f"{self._junk_size} bytes that are no frame were skipped up to the next 7E"
        if self._junk_reason is Reason.OVERSIZE:
            detail = f"{self._junk_size} bytes without an end mark; a frame has at most {LONGEST}"
        yield Turn(bytes(self._junk), fault=FrameFault(self._junk_reason, detail))
        self._junk.clear()
        self._junk_size, self._junk_reason, self._open = 0, Reason.MALFORMED, False
