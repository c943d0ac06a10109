"""Frames cut out of a stream of bytes, for protocols whose header tells a frame's length.

What is no frame is told, never silently dropped, and does not take the next good frame with it.
"""

import re
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from zhiyin.network.frame import SHOWN, FrameFault, Turn
from zhiyin.network.model import Reason

SILENCE = 30_000  # ms within a frame after which its rest is not waited for
JUNK = 65_536  # bytes without a start mark after which a peer does not speak this protocol
LOOKS = 8  # frames looked for inside another, each time bytes come


class HeadLike(Protocol):
    """A header as far as cutting needs it."""

    @property
    def total(self) -> int: ...  # bytes of the whole frame
    @property
    def stop(self) -> int: ...  # where the end mark should stand
    def told(self) -> dict[str, Any]: ...


Head = TypeVar("Head", bound=HeadLike)
Bytes = bytes | bytearray


class Cutter(Generic[Head]):
    """The bytes of one connection that are not yet a frame; it keeps one frame at most.

    `start` finds a start mark, or the beginning of one at the end; `head` reads a header (None
    when too little is there, FrameFault when it is none); `check` raises FrameFault for a frame
    that is not good. Frames up to `small` bytes are looked for inside unfinished ones.
    """

    def __init__(
        self, mark: bytes, start: re.Pattern[bytes], head: Callable[[Bytes], Head | None],
        check: Callable[[bytes, Head], object], small: int,
    ) -> None:  # fmt: skip
        self._mark, self._start, self._head, self._check = mark, start, head, check
        self._small = small
        self._buffer = bytearray()
        self._heard = 0  # when bytes came last, UTC ms
        self._probe = len(mark)  # from where a frame is looked for inside an unfinished one
        self._junk = bytearray()
        self._skipped = 0
        self._why: FrameFault | None = None

    def cut(self, data: bytes, now: int) -> list[tuple[bytes, Head] | Turn]:
        """Return good frames with their headers, and turns for what is none, in order."""
        found: list[tuple[bytes, Head] | Turn] = []
        buffer = self._buffer
        if buffer and now - self._heard > SILENCE:
            self._give_up(found, f"silent for {(now - self._heard) // 1000} s")
        self._heard = now
        buffer += data
        while buffer:
            if not buffer.startswith(self._mark) and not self._to_start():
                break
            try:
                head = self._head(buffer)
            except FrameFault as fault:
                self._skip(1, fault)
                continue
            if head is None:
                break
            if len(buffer) >= head.total:
                self._whole(found, head)
            elif not self._inside(found, head):
                break
        if self._skipped > JUNK:
            self._tell_junk(found, close=True)
        return found

    def ended(self) -> list[Turn]:
        """Return what is left when no more will come."""
        found: list[tuple[bytes, Head] | Turn] = []
        self._tell_junk(found)
        if self._buffer:
            self._give_up(found, "the connection ended")
        return [turn for turn in found if isinstance(turn, Turn)]

    def _whole(self, found: list[tuple[bytes, Head] | Turn], head: Head) -> None:
        self._tell_junk(found)
        buffer, self._probe = self._buffer, len(self._mark)
        frame = bytes(buffer[: head.total])
        try:
            self._check(frame, head)
        except FrameFault as fault:
            frame = bytes(buffer[: self._bad(head, fault.reason)])
            del buffer[: len(frame)]
            found.append(Turn(frame[:SHOWN], fault=fault))
        else:
            del buffer[: head.total]
            found.append((frame, head))

    def _bad(self, head: Head, reason: Reason) -> int:
        """Return how many bytes a bad frame has: to the next start mark that may be one.

        A frame that came without its end is followed by another where its check should stand.
        """
        buffer, mark = self._buffer, self._mark
        if reason is Reason.LENGTH:
            following = buffer.find(mark, len(mark))
            return following if following > 0 else len(buffer)
        at = buffer.find(mark, len(mark), head.total + len(mark) - 1)
        for _ in range(LOOKS):
            if at < 0:
                break
            try:
                inner = self._head(bytes(buffer[at : at + 64]))
                if at >= head.stop:
                    return at
                if inner and inner.total <= min(self._small, len(buffer) - at):
                    self._check(bytes(buffer[at : at + inner.total]), inner)
                    return at
            except FrameFault:
                pass
            at = buffer.find(mark, at + 1, head.total + len(mark) - 1)
        return head.total

    def _to_start(self) -> bool:
        """Skip to the next start mark; False when there is none."""
        start = self._start.search(self._buffer)
        at = start.start() if start else len(self._buffer)
        if at:
            self._skip(at, FrameFault(Reason.MALFORMED, f"no start mark {self._mark.hex()}"))
        return start is not None

    def _skip(self, count: int, why: FrameFault) -> None:
        self._why = self._why or why
        self._skipped += count
        self._junk += self._buffer[: min(count, SHOWN - len(self._junk))]
        self._probe = len(self._mark)
        del self._buffer[:count]

    def _tell_junk(self, found: list[tuple[bytes, Head] | Turn], *, close: bool = False) -> None:
        if self._why is not None:
            why = self._why
            detail = f"{self._skipped} bytes skipped: {why.detail}"
            fault = FrameFault(why.reason, detail, why.header)
            found.append(Turn(bytes(self._junk), fault=fault, close=close))
            self._skipped, self._why = 0, None
            self._junk.clear()

    def _inside(self, found: list[tuple[bytes, Head] | Turn], outer: Head) -> bool:
        """Look whether a whole good frame lies in one that is not finished; cut there if so."""
        buffer, mark = self._buffer, self._mark
        at = buffer.find(mark, self._probe)
        for _ in range(LOOKS):
            if at < 0:
                self._probe = max(len(mark), len(buffer) - len(mark) + 1)
                return False
            self._probe = at
            try:
                inner = self._head(bytes(buffer[at : at + 64]))
                if inner is None or (inner.total <= self._small and at + inner.total > len(buffer)):
                    return False  # it may become whole
                if inner.total <= self._small:
                    self._check(bytes(buffer[at : at + inner.total]), inner)
                    self._cut_off(found, at, outer)
                    return True
            except FrameFault:
                pass
            at = buffer.find(mark, at + 1)
        return False

    def _cut_off(self, found: list[tuple[bytes, Head] | Turn], at: int, outer: Head) -> None:
        self._tell_junk(found)
        detail = f"the next frame begins after {at} bytes; the header says {outer.total}"
        frame = bytes(self._buffer[: min(at, SHOWN)])
        found.append(Turn(frame, fault=FrameFault(Reason.LENGTH, detail, outer.told())))
        del self._buffer[:at]
        self._probe = len(self._mark)

    def _give_up(self, found: list[tuple[bytes, Head] | Turn], why: str) -> None:
        """Tell of what is in the buffer as a frame that never came to its end."""
        self._tell_junk(found)
        header: dict[str, Any] = {}
        size = ""
        try:
            head = self._head(self._buffer)
            if head:
                header, size = head.told(), f" of {head.total}"
        except FrameFault as fault:
            header = dict(fault.header)
        detail = f"{len(self._buffer)} bytes{size} came: {why}"
        frame = bytes(self._buffer[:SHOWN])
        found.append(Turn(frame, fault=FrameFault(Reason.INCOMPLETE, detail, header)))
        self._buffer.clear()
        self._probe = len(self._mark)
