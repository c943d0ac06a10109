"""What a gateway remembers of its senders: when they spoke, how often, and their last frames."""

import itertools
from collections import OrderedDict, deque
from statistics import median
from typing import Any, NamedTuple

from zhiyin.kernel import iso

LAST = 5  # frames kept of each sender
ARRIVALS = 8  # from which the rhythm is learned
STRANGERS = 2_000  # senders no device has the address of


class Heard(NamedTuple):
    """One frame as it came; `reason` is empty when it was good."""

    at: int  # UTC ms
    frame: bytes
    reason: str
    detail: str


class Contact:
    """One sender."""

    __slots__ = ("address", "arrivals", "bad", "device", "frames", "heard", "last",
                 "link", "peer")  # fmt: skip

    def __init__(self, address: str) -> None:
        self.address = address
        self.device = ""
        self.peer = ""
        self.frames = self.bad = 0
        self.last = 0
        self.arrivals: deque[int] = deque(maxlen=ARRIVALS)
        self.heard: deque[Heard] = deque(maxlen=LAST)
        self.link: Any = None  # the connection it spoke on last

    def rhythm(self) -> int:
        """Return the usual ms between its frames, 0 while there are too few to tell."""
        if len(self.arrivals) < 4:
            return 0
        times = list(self.arrivals)
        return int(median(b - a for a, b in itertools.pairwise(times)))

    def told(self) -> dict[str, Any]:
        return {
            "device": self.device, "address": self.address, "peer": self.peer,
            "frames": self.frames, "bad": self.bad, "last": self.last, "rhythm": self.rhythm(),
            "connected": self.link is not None,
        }  # fmt: skip


class Contacts:
    """All senders of one gateway; strangers only as many as are worth remembering."""

    def __init__(self) -> None:
        self._known: dict[str, Contact] = {}
        self._strangers: OrderedDict[str, Contact] = OrderedDict()
        self._changed: dict[str, Contact] = {}
        self.frames = self.bad = self.last = 0

    def __len__(self) -> int:
        return len(self._known)

    def find(self, address: str) -> Contact | None:
        return self._known.get(address) or self._strangers.get(address)

    def of(self, address: str, device: str) -> Contact:
        """Return the sender's contact, made when it is new."""
        contact = self._known.get(address)
        if contact is not None and device:
            return contact
        if device:
            contact = self._strangers.pop(address, None) or Contact(address)
            contact.device, contact.last = device, 0  # nothing of before was taken
            contact.arrivals.clear()
            self._known[address] = contact
            return contact
        if contact is not None:  # no longer a device of ours
            del self._known[address]
            contact.device = ""
        else:
            contact = self._strangers.pop(address, None) or Contact(address)
        self._strangers[address] = contact
        if len(self._strangers) > STRANGERS:
            gone, _ = self._strangers.popitem(last=False)
            self._changed.pop(gone, None)
        return contact

    def note(self, contact: Contact, heard: Heard) -> None:
        """Remember one frame of a sender."""
        contact.frames += 1
        contact.last = heard.at
        self.frames += 1
        self.last = heard.at
        if heard.reason:
            contact.bad += 1
            self.bad += 1
        else:
            contact.arrivals.append(heard.at)
        contact.heard.append(heard)
        self._changed[contact.address] = contact

    def nameless(self, at: int) -> None:
        """Count bytes that no sender could be told from."""
        self.frames += 1
        self.bad += 1
        self.last = at

    def touch(self, contact: Contact) -> None:
        self._changed[contact.address] = contact

    def changes(self, most: int) -> list[dict[str, Any]]:
        """Return what has changed since it was last asked for, at most so many."""
        taken = list(self._changed)[:most]
        return [self._changed.pop(address).told() for address in taken]

    def all(self) -> list[Contact]:
        return [*self._known.values(), *self._strangers.values()]


def frame_text(frame: bytes, *, text: bool) -> str:
    """Return a frame as its protocol's engineers write it: as text, or as hex."""
    if text:
        return frame.decode("utf-8", "backslashreplace").rstrip("\r\n")
    return frame.hex().upper()


def shown(heard: Heard, *, text: bool) -> dict[str, Any]:
    return {
        "at": iso(heard.at), "frame": frame_text(heard.frame, text=text),
        "reason": heard.reason, "detail": heard.detail,
    }  # fmt: skip
