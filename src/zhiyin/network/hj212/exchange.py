"""Orders of the host and what the device says to them (HJ 212-2017 §6.4 and annex C).

A request is answered by 9011, then data where there are any, then 9012; a notice by 9013. All
repeat the QN of the order.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from zhiyin.kernel import DAY, CallerFault, Words, parse_time
from zhiyin.network.frame import Answer, Order
from zhiyin.network.hj212.clock import digits, long_digits, millis
from zhiyin.network.hj212.content import Pair, cp_of, pairs_of
from zhiyin.network.hj212.packet import Packet
from zhiyin.network.hj212.tables import OrderShape, orders, tables

PENDING = 64  # orders that one connection may wait for
PATIENCE = DAY  # ms after which an unanswered order is forgotten
_DATA_SIZE = 256  # items of answers that are kept for the last one
_MINUTES = frozenset({1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30})
_TIMES = frozenset({"SystemTime", "BeginTime", "EndTime", "SKCreateTime"})
_RANGES = {"RtdInterval": (30, 3600), "OverTime": (1, 99999), "ReCount": (0, 99), "Ctime": (1, 24)}


class OrderFault(CallerFault):
    """An order that HJ 212 has no frame for; the detail says which part."""

    code = "network-212"
    what = Words("指令不合 HJ 212:{detail}。", "HJ 212 has no such order: {detail}.")
    do = Words(
        "按规约的指令表改正参数。", "Give parameters as the protocol's table of orders has them."
    )

    def __init__(self, detail: str) -> None:
        super().__init__("", detail=detail)


class _Pending(Struct):
    order: str
    address: str
    since: int
    notice: bool
    frame: bytes = b""
    data: dict[str, Any] = field(default_factory=dict)


class Exchange:
    """The orders that one connection waits for, by QN."""

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}
        self._last = 0

    def ordered(self, order: Order, now: int, frame_of: Callable[[str, str, str], bytes]) -> bytes:
        """Return the frame of an order; `frame_of` makes it of QN, CN and CP text.

        The same order again gives the same frame with the same QN: a repeat. Raises OrderFault.
        """
        for waiting in self._pending.values():
            if waiting.order == order.id:
                return waiting.frame
        shape = orders().get(order.verb)
        if shape is None:
            raise OrderFault(f"{order.verb!r} · one of {', '.join(orders())}")
        cp = cp_of(_items(order.parameters, shape, now))
        self._forget(now)
        if len(self._pending) >= PENDING:
            raise OrderFault(f"{order.verb} · {PENDING} orders wait for this device's answer")
        qn = self.unique(now)
        frame = frame_of(qn, shape.cn, cp)
        self._pending[qn] = _Pending(order.id, order.address, now, shape.notice, frame)
        return frame

    def unique(self, now: int) -> str:
        """Return a QN that this connection has not given yet."""
        self._last = max(now, self._last + 1)
        return long_digits(self._last)

    def heard(self, packet: Packet) -> Answer | None:
        """Return what a packet says to an order, None when it belongs to none."""
        qn = packet.head.get("QN", "")
        waiting = self._pending.get(qn)
        if waiting is None or waiting.address != packet.mn:
            return None
        items = dict(pairs_of(packet.cp))
        done, detail = _verdict(packet.cn, items, waiting)
        if packet.cn not in {"9011", "9012", "9013", "9014"}:
            waiting.data.update(list(items.items())[: _DATA_SIZE - len(waiting.data)])
            return Answer(waiting.order, None, data=items)
        if done is not None:
            del self._pending[qn]
        return Answer(waiting.order, done, detail, dict(waiting.data))

    def _forget(self, now: int) -> None:
        for qn in [qn for qn, one in self._pending.items() if now - one.since > PATIENCE]:
            del self._pending[qn]


def _verdict(cn: str, items: Mapping[str, str], waiting: _Pending) -> tuple[bool | None, str]:
    known = tables()
    if cn == "9011":
        code = items.get("QnRtn", "")
        return (None if code == "1" else False), _said("QnRtn", code, known.request_results)
    if cn == "9012":
        code = items.get("ExeRtn", "")
        return code == "1", _said("ExeRtn", code, known.results)
    return (True if waiting.notice and cn in {"9013", "9014"} else None), ""


def _said(name: str, code: str, words: Mapping[str, tuple[str, str]]) -> str:
    zh, en = words.get(code, ("未定义", "of no table"))
    return f"{name}={code[:16]} {zh} · {en}"


def _items(given: Mapping[str, Any], shape: OrderShape, now: int) -> list[Pair]:
    for name in given:
        if name not in shape.needs and name not in shape.may:
            takes = ", ".join((*shape.needs, *shape.may)) or "none"
            raise OrderFault(f"{name} · no parameter of CN {shape.cn} · it takes: {takes}")
    missing = [name for name in shape.needs if name not in given]
    if missing:
        raise OrderFault(f"{', '.join(missing)} · absent · CN {shape.cn} needs it")
    names = [name for name in (*shape.may, *shape.needs) if name in given]
    names.sort(key=(*shape.needs, *shape.may).index)
    items = [(name, _worded(name, given[name])) for name in names]
    if shape.cn == "1012" and "SystemTime" not in given:
        items.append(("SystemTime", digits(now)))
    if shape.cn == "3021":  # the value goes under the name of what it sets
        told = dict(items)
        return [*items[:-1], (f"{told['InfoId']}-Info", told["Value"])]
    return items


def _worded(name: str, value: Any) -> str:
    """Return a parameter as text, checked against what the table of commands allows."""
    if name in _TIMES:
        return _timed(name, value)
    text = str(value).strip()
    if not text or len(text.encode()) > 200 or set(text) & set(";,=&\r\n"):
        raise OrderFault(f"{name} · {text[:40]!r} · text without ; , = & should be")
    if name in _RANGES:
        low, high = _RANGES[name]
        if not text.isdigit() or not low <= int(text) <= high:
            raise OrderFault(f"{name} · {text} · {low} to {high} should be")
    if name == "MinInterval" and (not text.isdigit() or int(text) not in _MINUTES):
        raise OrderFault(f"{name} · {text} · one of {', '.join(map(str, sorted(_MINUTES)))}")
    if name == "NewPW" and not (len(text) == 6 and text.isascii()):
        raise OrderFault(f"{name} · {len(text)} characters · 6 should be")
    if name == "CstartTime" and not (len(text) == 6 and text.isdigit()):
        raise OrderFault(f"{name} · {text} · hhmmss should be")
    return text


def _timed(name: str, value: Any) -> str:
    """Return 14 digits of UTC ms, of RFC 3339 text or of 14 digits."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return digits(value if value < 10**13 else millis(str(value)))
        text = str(value)
        return digits(millis(text) if text.isdigit() else parse_time(text))
    except (ValueError, OverflowError, OSError):
        raise OrderFault(f"{name} · {value!r} · RFC 3339, 14 digits or UTC ms should be") from None
