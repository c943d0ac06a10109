"""Whether a message comes from who it says: tokens, and signatures within a window of time."""

import base64
import hashlib
import hmac
import re
from typing import Any

from zhiyin.kernel import CallerFault, Words, iso, parse_duration
from zhiyin.network.frame import FrameFault
from zhiyin.network.payload.decode import Context, moment_of_text
from zhiyin.network.payload.model import Sign, TimeAt
from zhiyin.network.payload.path import MISSING, at
from zhiyin.network.payload.strict_json import read_json

_MARK = re.compile(r"\{(secret|body|timestamp|header:[^}]+|query:[^}]+|json:[^}]+)\}")


class NotSigned(CallerFault):
    """A message whose sender has not shown that it is who it says."""

    code = "network-180"
    status = 401
    what = Words("来源 {source} 的签名不对:{reason}。", "Source {source} is not proven: {reason}.")
    do = Words(
        "核对平台上填的密钥与 zhiyin.toml 里的 secret,以及两边的时钟。",
        "Compare the secret set at the platform with that in zhiyin.toml, and both clocks.",
    )


class _Request:
    """A message and the places a signature may stand at or cover."""

    def __init__(self, body: bytes, context: Context, limit: int) -> None:
        self.body, self._context, self._limit = body, context, limit
        self._tree: Any = MISSING

    def find(self, place: str) -> str:
        kind, _, name = place.partition(":")
        if kind == "header":
            return self._context.headers.get(name.lower(), "")
        if kind == "query":
            return self._context.query.get(name, "")
        if self._tree is MISSING:
            try:
                self._tree = read_json(self.body, self._limit)
            except FrameFault:
                self._tree = None
        found = at(name, self._tree, self._tree)
        return str(found) if isinstance(found, str | int) else ""


def verify(
    source: str, sign: Sign, secret: str, body: bytes, context: Context, now: int, limit: int
) -> str:
    """Return what makes this message this one, for a repetition of it; NotSigned otherwise.

    It is the signature itself where that covers a time, else empty: without a time two equal
    messages may be two readings.
    """
    request = _Request(body, context, limit)
    said = request.find(sign.at)
    if not said.startswith(sign.prefix) or not said:
        missing = f"nothing that begins {sign.prefix!r}" if sign.prefix else "nothing"
        raise NotSigned(source=source, reason=f"{missing} at {sign.at}")
    said = said.removeprefix(sign.prefix)
    stamp = request.find(sign.timestamp) if sign.timestamp else ""
    expected = secret if sign.kind in {"bearer", "token"} else _made(sign, secret, request, stamp)
    given = (
        said.lower() if sign.kind not in {"bearer", "token"} and sign.encoding == "hex" else said
    )
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotSigned(source=source, reason=f"what stands at {sign.at} is another")
    if not sign.timestamp:
        return ""
    _check_time(source, sign, stamp, now)
    return f"{stamp} {expected}"


def _made(sign: Sign, secret: str, request: _Request, stamp: str) -> str:
    parts: list[bytes] = []
    end = 0
    for mark in _MARK.finditer(sign.over):
        parts.append(sign.over[end : mark.start()].encode())
        end = mark.end()
        parts.append(_part(mark[1], sign, secret, request, stamp))
    covered = b"".join([*parts, sign.over[end:].encode()])
    if sign.kind == "hmac":
        digest = hmac.digest(secret.encode(), covered, sign.hash)
    else:
        digest = hashlib.new(sign.hash, covered, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode() if sign.encoding == "base64" else digest.hex()


def _part(name: str, sign: Sign, secret: str, request: _Request, stamp: str) -> bytes:
    if name == "body":
        return request.body
    if name == "timestamp":
        return stamp.encode()
    if name == "secret":
        return secret.encode() if sign.kind == "digest" else b""
    return request.find(name).encode()


def _check_time(source: str, sign: Sign, stamp: str, now: int) -> None:
    try:
        moment = moment_of_text(TimeAt("", sign.timestamp_format), stamp)
    except ValueError as fault:
        raise NotSigned(source=source, reason=str(fault)) from None
    if moment is None or abs(moment - now) > parse_duration(sign.within):
        raise NotSigned(
            source=source, reason=f"its time is {stamp}, the clock here says {iso(now)}"
        )
