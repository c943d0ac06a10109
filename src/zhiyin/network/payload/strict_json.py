"""JSON as strangers send it: refused, with the place and reason, wherever it could mean two things.

Duplicate keys, NaN and Infinity, numbers beyond a double, half surrogates, nesting beyond 32
levels and bodies above the limit are refused; the decoder below takes all of these.
"""

import json
import math
from typing import Any

from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason

DEPTH = 32
DIGITS = 400  # of a whole number; the largest double has 309


def read_json(body: bytes, limit: int) -> Any:
    """Return what the body says; FrameFault (oversize, malformed) when it is not clear."""
    if len(body) > limit:
        raise FrameFault(Reason.OVERSIZE, f"{len(body)} bytes; it should be at most {limit}")
    try:
        tree = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number,
            parse_float=_finite, parse_int=_whole,
        )  # fmt: skip
    except FrameFault:
        raise
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as fault:
        raise _malformed(f"byte {fault.start} is not UTF-8") from None
    except ValueError as fault:
        raise _malformed(f"no JSON: {fault}") from None
    if body.count(b"[") + body.count(b"{") > DEPTH:
        _check_depth(tree)
    if b"\\ud" in body or b"\\uD" in body:
        _check_text(tree)
    return tree


def _malformed(detail: str) -> FrameFault:
    return FrameFault(Reason.MALFORMED, detail[:300])


def _too_deep() -> FrameFault:
    return _malformed(f"nested deeper than {DEPTH} levels")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _malformed(f"key {twice[:80]!r} stands twice in one object")
    return found


def _no_number(word: str) -> float:
    raise _malformed(f"{word} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _malformed(f"number {text[:40]} is beyond what a double holds")
    return number


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise _malformed(f"a number of {len(text)} digits; it should have at most {DIGITS}")
    return int(text)


def _check_depth(tree: Any) -> None:
    level = [tree]
    for _ in range(DEPTH + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise _too_deep()


def _check_text(tree: Any) -> None:
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError as fault:
        raise _malformed(f"half a character (\\u{ord(fault.object[fault.start]):x})") from None
