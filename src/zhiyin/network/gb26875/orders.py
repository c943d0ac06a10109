"""Orders to a transmitter (GB/T 26875.3-2011, 8.3.2): verb and parameters to a data unit."""

from collections.abc import Mapping, Sequence
from typing import Any

from zhiyin.kernel import CallerFault, Words, parse_time
from zhiyin.network.frame import FrameFault
from zhiyin.network.gb26875 import tables, times, units
from zhiyin.network.gb26875.codec import CONTROL, REQUEST

ORDERS: Mapping[str, Sequence[str]] = {
    "read_system_state": ("parts",),
    "read_component_state": ("parts",),
    "read_analogue": ("parts",),
    "read_operation": ("part", "count", "from"),
    "read_system_version": ("part",),
    "read_system_config": ("parts",),
    "read_component_config": ("parts",),
    "read_system_time": ("part",),
    "read_transmitter_state": (),
    "read_transmitter_operation": ("count", "from"),
    "read_transmitter_version": (),
    "read_transmitter_config": (),
    "read_transmitter_time": (),
    "initialise": (),
    "set_clock": (),
    "duty_check": ("minutes",),
}


class WrongOrder(CallerFault):
    """An order that the protocol cannot say."""

    code = "network-162"
    what = Words(
        "对用户信息传输装置的命令 {verb} 不成立:{detail}。",
        "Order {verb} to a GB/T 26875 transmitter cannot be: {detail}.",
    )
    do = Words(
        "按 docs/protocols/gb26875.md 的命令表改正。",
        "Correct it by the table of orders in docs/protocols/gb26875.md.",
    )


def ordered(verb: str, given: Mapping[str, Any], now: int) -> tuple[int, bytes]:
    """Return command and data unit of an order; WrongOrder."""
    if verb not in ORDERS:
        raise WrongOrder(verb=verb, detail=f"there are {', '.join(ORDERS)}")
    missing = [name for name in ORDERS[verb] if name not in given]
    if missing:
        raise WrongOrder(verb=verb, detail=f"{', '.join(missing)} should be given")
    kind = tables.named("type", verb) or 0
    try:
        data = units.packed(kind, _objects(kind, given, now))
    except FrameFault as fault:
        raise WrongOrder(verb=verb, detail=fault.detail) from fault
    except (ValueError, TypeError, AttributeError, OverflowError) as fault:
        raise WrongOrder(verb=verb, detail=str(fault)) from fault
    return (CONTROL if kind >= 89 else REQUEST), data


def _objects(kind: int, given: Mapping[str, Any], now: int) -> list[tuple[Any, ...]]:
    if kind == 90:
        return [(times.label(now),)]
    if kind == 91:
        return [(int(given["minutes"]),)]
    parts = [given["part"]] if "part" in given else list(given.get("parts", ()))
    places = [_place(str(part), with_component=kind in {62, 63, 67}) for part in parts]
    if kind in {64, 84}:
        since = (int(given["count"]), times.label(parse_time(str(given["from"]))))
        return [(*(places[0] if kind == 64 else ()), *since)]
    return places or [(0,)]


def _place(part: str, *, with_component: bool) -> tuple[Any, ...]:
    """Return the raw fields of `1.3` or `1.3/000600D9`; ValueError."""
    system, _, component = part.partition("/")
    kind, _, address = system.partition(".")
    place = (int(kind), int(address))
    if not with_component:
        return place
    return (*place, int(component, 16).to_bytes(4, "little"))
