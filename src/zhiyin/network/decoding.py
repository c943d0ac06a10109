"""Frames as engineers read and write them: text or hex in, one plain object out, and back."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from zhiyin.network.frame import Decoded, FrameFault, Wire
from zhiyin.network.model import Reason

# What tools write between the bytes of a frame: `7E 02`, `7e-02`, `0x7E, 0x02`, `\\x7e\\x02`, "…".
_BETWEEN = re.compile(r"[\s,;:'\"-]+|(?:(?<=[\s,;:'\"-])|\A)0[xX]|\\[xX]")


def frame_of(wire: Wire, line: str) -> bytes:
    """Return the bytes of a frame written as text (HJ 212) or as hex; FrameFault."""
    if wire.text:
        return line.rstrip("\r\n").encode("utf-8", "surrogateescape")
    packed = _BETWEEN.sub("", line)
    try:
        return bytes.fromhex(packed)
    except ValueError:
        bad = next((n for n, c in enumerate(packed) if c not in "0123456789abcdefABCDEF"), None)
        where = f"character {bad + 1} is {packed[bad]!r}" if bad is not None else "odd length"
        raise FrameFault(
            Reason.MALFORMED, f"{where}; it should be hex, two digits a byte"
        ) from None


def read_frame(wire: Wire, line: str) -> Decoded:
    """Decode a frame as it is written; FrameFault."""
    return wire.decode(frame_of(wire, line))


def plain(decoded: Decoded) -> dict[str, Any]:
    """Return a decoded frame as JSON can hold it, without what only the house needs."""
    fields = [
        {name: value for name, value in msgspec.structs.asdict(one).items()
         if value or name in {"name", "value"}}
        for one in decoded.fields
    ]  # fmt: skip
    header: dict[str, Any] = msgspec.to_builtins(decoded.header)
    return {
        "protocol": decoded.protocol, "address": decoded.address, "kind": decoded.kind,
        "header": header, "fields": msgspec.to_builtins(fields),
    }  # fmt: skip


def decode_line(wire: Wire, line: str) -> dict[str, Any]:
    """Return what `zhiyin decode` prints of one line: `ok`, `reason`, header and fields.

    A well-formed frame of a code that no table has is `unsupported` in every protocol; its fields
    are its body as bytes where the protocol can tell that apart.
    """
    return _told(wire, lambda: read_frame(wire, line))


def decode_bytes(wire: Wire, frame: bytes) -> dict[str, Any]:
    """Return the same of a frame's bytes."""
    return _told(wire, lambda: wire.decode(frame))


def _told(wire: Wire, decode: Callable[[], Decoded]) -> dict[str, Any]:
    try:
        decoded = decode()
    except FrameFault as fault:
        header = msgspec.to_builtins(fault.header)
        return {
            "ok": False, "reason": fault.reason.value, "detail": fault.detail,
            "protocol": wire.key, "header": header, "fields": [],
        }  # fmt: skip
    if decoded.unknown:
        told = {"ok": False, "reason": Reason.UNSUPPORTED.value, "detail": decoded.unknown}
        return {**told, **plain(decoded)}
    return {"ok": True, "reason": "", **plain(decoded)}


def encode_line(wire: Wire, line: str) -> bytes:
    """Return the frame of a line: JSON as `decode_line` prints it, or a frame as it is written.

    Raises FrameFault, or msgspec.DecodeError for what begins as JSON and is none.
    """
    if line.lstrip().startswith("{"):
        return _encoded(wire, line)
    frame = frame_of(wire, line)
    return frame + b"\r\n" if wire.text else frame


def _encoded(wire: Wire, line: str) -> bytes:
    try:
        told = msgspec.json.decode(line, type=dict[str, Any])
    except RecursionError:
        raise FrameFault(Reason.MALFORMED, "JSON nested too deep") from None
    header, fields = told.get("header"), told.get("fields", [])
    if told.get("ok") is False:  # what could be read of it would make another frame
        raise FrameFault(
            Reason.MALFORMED,
            f"the line says that its frame was bad ({told.get('reason')}); send the frame itself",
        )
    if not isinstance(header, dict):
        raise FrameFault(Reason.MALFORMED, "header · an object should be")
    if not isinstance(fields, list) or not all(isinstance(one, dict) for one in fields):
        raise FrameFault(Reason.MALFORMED, "fields · a list of objects should be", header)
    try:
        return wire.encode(told)
    except FrameFault:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as fault:
        # A value of a kind that no decoder gives: a list where a number stands, and the like.
        raise FrameFault(
            Reason.MALFORMED, f"header or fields · {type(fault).__name__}: {fault}", header
        ) from fault
