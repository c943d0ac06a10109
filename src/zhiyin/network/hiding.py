"""Frames as they are shown to people: the part that is a device's password is not.

What is kept stays whole, so that it can be read again once the register has changed.
"""

import re
from typing import Any

from zhiyin.network.decoding import frame_of
from zhiyin.network.frame import FrameFault, Wire
from zhiyin.network.protocols import KEYS, wire

_MASK = "******"


def hidden_frame(protocol: Wire, text: str) -> str:
    """Return a frame as it is written, with `*` where its protocol has a password."""
    if protocol.secret is None:
        return text
    if protocol.text:
        raw = text.encode("utf-8", "surrogateescape")
        masked = _masked(protocol.secret, raw, b"*")
        return masked.decode("utf-8", "backslashreplace")
    try:
        raw = frame_of(protocol, text)
    except FrameFault:
        return text
    digits = [f"{byte:02X}" for byte in raw]
    for start, stop in _spans(protocol.secret, raw):
        digits[start:stop] = ["**"] * (stop - start)
    return "".join(digits)


def _spans(secret: re.Pattern[bytes], raw: bytes) -> list[tuple[int, int]]:
    return [
        found.span(group)
        for found in secret.finditer(raw)
        for group in range(1, secret.groups + 1)
        if found.start(group) >= 0
    ]


def _masked(secret: re.Pattern[bytes], raw: bytes, mark: bytes) -> bytes:
    """Return bytes with marks instead of passwords, the same number for each: it tells nothing."""
    parts, end = [], 0
    for start, stop in _spans(secret, raw):
        parts += [raw[end:start], mark * len(_MASK)]
        end = stop
    return b"".join([*parts, raw[end:]])


def hidden(protocol: Wire, decoded: dict[str, Any]) -> dict[str, Any]:
    """Return a frame as `plain` tells it, without its password."""
    secret = protocol.secret_names
    header = {k: _MASK if k in secret else v for k, v in decoded["header"].items()}
    fields = [
        {**one, "value": _MASK} if one["name"] in secret else one for one in decoded["fields"]
    ]
    return {**decoded, "header": header, "fields": fields}


def hidden_raw(raw: Any) -> Any:
    """Return what the quarantine keeps of something, as it is shown."""
    if not isinstance(raw, dict) or raw.get("protocol") not in KEYS or "frame" not in raw:
        return raw
    return {**raw, "frame": hidden_frame(wire(raw["protocol"]), str(raw["frame"]))}
