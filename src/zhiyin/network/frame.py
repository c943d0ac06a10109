"""What a field protocol is to the house: frames in, fields and readings out. No bytes move here.

Each protocol has a package of its own beside this module with a pure codec (bytes to values and
back) and a session (what one connection says and is answered). The listener moves the bytes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, field

from zhiyin.kernel import CallerFault, Words
from zhiyin.network.model import Reason

SHOWN = 4096  # bytes of a frame that are kept with its reason


class FrameFault(CallerFault):
    """A frame that is not as its protocol says; `reason` counts it, the detail says where."""

    code = "network-020"
    what = Words("帧不合规约:{detail}。", "The frame is not as its protocol says: {detail}.")
    do = Words(
        "原帧已存入隔离区;核对设备的规约版本与设置。",
        "It is kept in quarantine; check the device's protocol version and settings.",
    )

    def __init__(
        self, reason: Reason, detail: str, header: Mapping[str, Any] | None = None
    ) -> None:
        """`header` is as much of the frame's header as could be read."""
        self.reason, self.detail, self.header = reason, detail, dict(header or {})
        super().__init__("", detail=detail)


class Field(Struct, frozen=True, omit_defaults=True):
    """One field of a frame by its standard name, for the eyes of an engineer."""

    name: str
    value: Any
    unit: str = ""
    title: str = ""
    part: str = ""  # which group, object or position of the frame it belongs to


class Reading(NamedTuple):
    """One value that a register may know as a property of a thing.

    `group` is what kind of report brought it (command, function or message code), `name` the
    standard's name, `part` the sender's own part (loop, component, channel) or empty, `time` UTC
    ms, `value` in `unit` as the standard has it.
    """

    group: str
    name: str
    time: int
    value: float | bool
    unit: str = ""
    part: str = ""


class Happening(Struct, frozen=True):
    """Something that happened once: an alarm, an operation, a vision event with a picture."""

    kind: str
    time: int  # UTC ms
    part: str = ""
    place: tuple[float, float] | None = None  # lon, lat
    data: dict[str, Any] = {}
    picture: bytes = b""
    picture_type: str = ""  # MIME type of `picture`


class Decoded(Struct, frozen=True):
    """A frame understood: who sent it, its header, all its fields, and what they mean to us."""

    protocol: str
    address: str  # by which the sender names itself: MN, station address, terminal phone
    kind: str  # command, function or message code as text
    header: dict[str, Any]
    fields: tuple[Field, ...] = ()
    readings: tuple[Reading, ...] = ()
    happenings: tuple[Happening, ...] = ()
    unknown: str = ""  # the code that no table has, of a frame that is well formed


class Facts(NamedTuple):
    """What a codec may be told of the device that sends: its settings, by name."""

    key: str = ""
    settings: Mapping[str, Any] = {}


class Peers(Protocol):
    """The register, as a session asks it."""

    def find(self, address: str) -> Facts | None:
        """Return what is known of the device, None when none has this address."""


class Order(Struct, frozen=True):
    """A command to a device: `verb` and parameters are those of its protocol's ORDERS."""

    id: str
    address: str
    verb: str
    parameters: dict[str, Any] = {}


class Answer(Struct, frozen=True):
    """What a device said to an order; `done` is None while it is still at it."""

    order: str
    done: bool | None
    detail: str = ""
    data: dict[str, Any] = {}


class Turn(Struct):
    """What came of one frame (or of a run of bytes that is none).

    With both `decoded` and `fault` a part of the frame could be read: that part counts, and the
    frame is kept apart as well. `reply` is sent once everything read from it is kept: readings on
    the stream, happenings in the store, a fault in quarantine.
    """

    frame: bytes
    decoded: Decoded | None = None
    fault: FrameFault | None = None
    reply: bytes = b""
    close: bool = False
    answers: list[Answer] = field(default_factory=list)


class Session(Protocol):
    """One connection, without I/O."""

    address: str  # of the device; empty until it has said it

    def receive(self, data: bytes, now: int) -> list[Turn]:
        """Take bytes as they came, at `now` (UTC ms); never raises for what they hold.

        What it keeps of unfinished frames and packets is bounded.
        """

    def order(self, order: Order, now: int) -> bytes:
        """Return the frame of an order; raises CallerFault for one that cannot be."""

    def ended(self, now: int) -> list[Turn]:
        """Return what is left when the connection has ended: half a frame, packets of a set."""


class Wire(NamedTuple):
    """A protocol, whole: how to listen, to decode one frame, to encode one, and to order."""

    key: str
    title: Words
    session: Callable[[Peers], Session]
    decode: Callable[[bytes], Decoded]  # one frame; raises FrameFault
    encode: Callable[[Mapping[str, Any]], bytes]  # what `zhiyin decode` printed; raises FrameFault
    sender: str = ""  # the header's field that names the sender
    text: bool = False  # frames are text, one a line; otherwise hex
    orders: Mapping[str, Sequence[str]] = {}  # verb → names of its parameters
    secret: re.Pattern[bytes] | None = None  # its groups are the password in a frame, if it has one
    secret_names: frozenset[str] = frozenset()  # and what header and fields call it
