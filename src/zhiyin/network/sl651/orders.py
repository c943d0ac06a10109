"""Orders to a station (SL 651-2014, 6.6.4.9 to 6.6.4.31): verb and parameters to a body."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zhiyin.kernel import CallerFault, Words
from zhiyin.network.frame import FrameFault
from zhiyin.network.sl651 import tables, times
from zhiyin.network.sl651.write import body_of

ORDERS: Mapping[str, Sequence[str]] = {
    "take_picture": (),
    "query": (),
    "query_period": ("from", "to", "step", "element"),
    "query_manual": (),
    "query_elements": ("elements",),
    "set_base": ("values",),
    "read_base": ("names",),
    "set_run": ("values",),
    "read_run": ("names",),
    "query_motors": (),
    "query_version": (),
    "query_state": (),
    "set_clock": (),
    "switch_pumps": ("on",),
    "switch_valves": ("on",),
    "switch_gates": ("open", "openings"),
    "set_quota": ("on",),
    "query_events": (),
    "query_clock": (),
}
OPTIONAL = frozenset({"openings"})


_Fields = list[dict[str, Any]]


class WrongOrder(CallerFault):
    """An order that the protocol cannot say."""

    code = "network-161"
    what = Words(
        "对 SL 651 测站的命令 {verb} 不成立:{detail}。",
        "Order {verb} to an SL 651 station cannot be: {detail}.",
    )
    do = Words(
        "按 docs/protocols/sl651.md 的命令表改正。",
        "Correct it by the table of orders in docs/protocols/sl651.md.",
    )


def function_of(verb: str) -> int:
    """Return the function code of an order's verb; WrongOrder when there is none."""
    if verb not in ORDERS:
        raise WrongOrder(verb=verb, detail=f"there are {', '.join(ORDERS)}")
    return 0x36 if verb == "take_picture" else tables.named("function")[verb]


def ordered(verb: str, given: Mapping[str, Any], now: int) -> tuple[int, bytes]:
    """Return function code and body (HEX/BCD, serial number 0) of an order; WrongOrder."""
    function = function_of(verb)
    missing = [name for name in ORDERS[verb] if name not in given and name not in OPTIONAL]
    if missing:
        raise WrongOrder(verb=verb, detail=f"{', '.join(missing)} should be given")
    head: _Fields = [
        {"name": "serial", "value": 0},
        {"name": "time", "value": times.shown(times.digits_of(now))},
    ]
    try:
        fields = _FIELDS.get(verb, _none)(given)
        return function, body_of([*head, *fields], function, down=True)
    except FrameFault as fault:
        raise WrongOrder(verb=verb, detail=fault.detail) from fault
    except (ValueError, TypeError, AttributeError) as fault:
        raise WrongOrder(verb=verb, detail=str(fault)) from fault


def _none(_given: Mapping[str, Any]) -> _Fields:
    return []


def _period(given: Mapping[str, Any]) -> _Fields:
    return [
        {"name": "from", "value": str(given["from"])[:13]},
        {"name": "to", "value": str(given["to"])[:13]},
        {"name": "DR", "value": given["step"]},
        {"name": given["element"]},
    ]


def _names(key: str) -> Callable[[Mapping[str, Any]], _Fields]:
    return lambda given: [{"name": name} for name in given[key]]


def _values(given: Mapping[str, Any]) -> _Fields:
    return [{"name": name, "value": value} for name, value in given["values"].items()]


def _gates(given: Mapping[str, Any]) -> _Fields:
    opened = list(given["open"])
    heights = list(given.get("openings", ()))
    if heights and len(heights) != len(opened):
        raise ValueError(f"{len(heights)} openings of {len(opened)} gates")
    return [{"name": "gates", "value": opened}, {"name": "openings", "value": heights}]


_FIELDS: Mapping[str, Callable[[Mapping[str, Any]], _Fields]] = {
    "query_period": _period,
    "query_elements": _names("elements"),
    "read_base": _names("names"),
    "read_run": _names("names"),
    "set_base": _values,
    "set_run": _values,
    "switch_pumps": lambda given: [{"name": "pumps", "value": list(given["on"])}],
    "switch_valves": lambda given: [{"name": "valves", "value": list(given["on"])}],
    "switch_gates": _gates,
    "set_quota": lambda given: [{"name": "quota", "value": bool(given["on"])}],
}
