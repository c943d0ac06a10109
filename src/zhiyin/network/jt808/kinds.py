"""Kinds of fields in the layouts: how each is read from a body and written to it."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from zhiyin.network.frame import FrameFault
from zhiyin.network.jt808 import located, parameters
from zhiyin.network.jt808.values import clock_bytes, clock_text, text_of
from zhiyin.network.model import Reason


def need(data: bytes, at: int, size: int, name: str) -> int:
    """Return where a field of `size` bytes ends; FrameFault when the body is shorter."""
    if at + size > len(data):
        raise FrameFault(
            Reason.LENGTH,
            f"body byte {at}: {name} should have {size} bytes; {len(data) - at} are left",
        )
    return at + size


def _number(size: int) -> tuple[Any, Any]:
    def read(data: bytes, at: int, name: str) -> tuple[int, int]:
        end = need(data, at, size, name)
        return int.from_bytes(data[at:end], "big"), end

    return read, lambda value: int(value).to_bytes(size, "big")


def _counted(size: int, count: int) -> tuple[Any, Any]:
    """Numbers of `size` bytes after their count (`count` bytes; 0: to the end)."""

    def read(data: bytes, at: int, name: str) -> tuple[list[int], int]:
        if count:
            start = need(data, at, count, name)
            end = need(data, start, int.from_bytes(data[at:start], "big") * size, name)
        else:
            start, end = at, len(data)
        found = [int.from_bytes(data[x : x + size], "big") for x in range(start, end, size)]
        return found, end

    def write(value: Any) -> bytes:
        head = len(value).to_bytes(count, "big") if count else b""
        return head + b"".join(int(one).to_bytes(size, "big") for one in value)

    return read, write


def _sized(
    size: int, shown: Callable[[bytes], str], back: Callable[[Any], bytes]
) -> tuple[Any, Any]:
    """A field of exactly `size` bytes; what is written shorter gets zeros behind."""

    def read(data: bytes, at: int, name: str) -> tuple[str, int]:
        end = need(data, at, size, name)
        return shown(data[at:end]), end

    def write(value: Any) -> bytes:
        found = back(value)
        if len(found) > size:
            raise ValueError(f"it has {len(found)} bytes; at most {size} fit")
        return found.ljust(size, b"\0")

    return read, write


def _measured(
    length: int, shown: Callable[[bytes], str], back: Callable[[Any], bytes]
) -> tuple[Any, Any]:
    """A field after its length of `length` bytes (0: to the end of the body)."""

    def read(data: bytes, at: int, name: str) -> tuple[str, int]:
        start, end = at, len(data)
        if length:
            start = need(data, at, length, name)
            end = need(data, start, int.from_bytes(data[at:start], "big"), name)
        return shown(data[start:end]), end

    def write(value: Any) -> bytes:
        found = back(value)
        return (len(found).to_bytes(length, "big") if length else b"") + found

    return read, write


def _gbk(value: Any) -> bytes:
    return str(value).encode("gbk")


def _digits(data: bytes) -> str:
    return data.hex()


def _hex(data: bytes) -> str:
    return data.hex().upper()


def _unhex(value: Any) -> bytes:
    return bytes.fromhex(str(value))


def _time(data: bytes, at: int, name: str) -> tuple[str | None, int]:
    end = need(data, at, 6, name)
    return clock_text(data[at:end], name), end


def _degree(data: bytes, at: int, name: str) -> tuple[float, int]:
    end = need(data, at, 4, name)
    return int.from_bytes(data[at:end], "big") / 1e6, end


def _located16(data: bytes, at: int, name: str) -> tuple[dict[str, Any], int]:
    start = need(data, at, 2, name)
    end = need(data, start, int.from_bytes(data[at:start], "big"), name)
    return located.read_values(data[start:end])[0], end


def _located16_bytes(value: Mapping[str, Any]) -> bytes:
    found = located.write_values(value, more=True)
    return len(found).to_bytes(2, "big") + found


_BITS = {"u8": 1, "u16": 2, "u32": 4}
_WHOLE: dict[str, tuple[Any, Any]] = {
    "time": (_time, clock_bytes),
    "deg": (_degree, lambda value: round(float(value) * 1e6).to_bytes(4, "big")),
    "text": _measured(0, text_of, _gbk),
    "s8": _measured(1, text_of, _gbk),
    "s16": _measured(2, text_of, _gbk),
    "hex": _measured(0, _hex, _unhex),
    "hex[u32]": _measured(4, _hex, _unhex),
    "position": (
        lambda data, at, _: located.read_values(data, at, more=False),
        partial(located.write_values, more=False),
    ),
    "located": (
        lambda data, at, _: located.read_values(data, at),
        partial(located.write_values, more=True),
    ),
    "located16": (_located16, _located16_bytes),
    "parameters": (parameters.read, parameters.write),
}  # fmt: skip
INLINE = {"position", "located", "located16"}


def kind_of(kind: str) -> tuple[Any, Any]:
    """Return how a kind of field is read and written; the kinds are told in `messages.yaml`."""
    if kind in _BITS:
        return _number(_BITS[kind])
    if kind in _WHOLE:
        return _WHOLE[kind]
    if found := re.fullmatch(r"(u8|u16|u32)\[(u8|u16|u32)?\]", kind):
        return _counted(_BITS[found[1]], _BITS.get(found[2] or "", 0))
    word, size = re.fullmatch(r"([a-z]+)(\d+)", kind).groups()  # type: ignore[union-attr]
    shown, back = {
        "text": (text_of, _gbk), "hex": (_hex, _unhex), "bcd": (_digits, _unhex),
    }[word]  # fmt: skip
    return _sized(int(size), shown, back)
