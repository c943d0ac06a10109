"""Orders to a terminal: verbs, the messages they are, and what answers them (JT/T 808 §8)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from zhiyin.kernel import CallerFault, Words
from zhiyin.network.frame import FrameFault, Order
from zhiyin.network.jt808.codec import body_of
from zhiyin.network.jt808.parameters import key_of, known


class NoOrder(CallerFault):
    """An order that cannot be sent to this terminal."""

    code = "network-808"
    what = Words("这条指令发不出去:{reason}。", "This order cannot be sent: {reason}.")
    do = Words(
        "对照 docs/protocols/jt808.md 的指令表改。",
        "Compare with the orders in docs/protocols/jt808.md.",
    )


class Verb(NamedTuple):
    """One order: its message, its parameters, and which message answers it in the end."""

    message: int
    parameters: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = {}
    answer: int = 0x0001


_PHOTO = {
    "channel": 1, "command": 1, "interval": 0, "keep": 0, "resolution": 1, "quality": 5,
    "brightness": 127, "contrast": 64, "saturation": 64, "chroma": 128,
}  # fmt: skip
_SEARCH = {"media_type": 0, "channel": 0, "event": 0, "from": None, "until": None}

VERBS: dict[str, Verb] = {
    "set_parameters": Verb(0x8103, ("parameters",)),
    "read_parameters": Verb(0x8104, ("ids",), {}, 0x0104),
    "control": Verb(0x8105, ("command", "parameter"), {"parameter": ""}),
    "read_properties": Verb(0x8107, (), {}, 0x0107),
    "ask_position": Verb(0x8201, (), {}, 0x0201),
    "track": Verb(0x8202, ("interval", "duration")),
    "confirm_alarm": Verb(0x8203, ("answered", "alarms"), {"answered": 0}),
    "text": Verb(0x8300, ("text", "flags", "text_type"), {"flags": 12, "text_type": 1}),
    "vehicle_control": Verb(0x8500, ("flags", "controls"), {}, 0x0500),
    "set_circles": Verb(0x8600, ("action", "areas"), {"action": 1}),
    "delete_circles": Verb(0x8601, ("areas",), {"areas": []}),
    "set_rectangles": Verb(0x8602, ("action", "areas"), {"action": 1}),
    "delete_rectangles": Verb(0x8603, ("areas",), {"areas": []}),
    "set_polygon": Verb(
        0x8604,
        ("area", "attribute", "from", "until", "max_speed", "over_speed_time", "points",
         "night_max_speed", "name"),
        {"attribute": 0, "name": ""},
    ),
    "delete_polygons": Verb(0x8605, ("areas",), {"areas": []}),
    "set_route": Verb(
        0x8606, ("route", "attribute", "from", "until", "points", "name"),
        {"attribute": 0, "name": ""},
    ),
    "delete_routes": Verb(0x8607, ("areas",), {"areas": []}),
    "ask_driver": Verb(0x8702, (), {}, 0x0702),
    "take_photo": Verb(0x8801, tuple(_PHOTO), _PHOTO, 0x0805),
    "search_media": Verb(0x8802, tuple(_SEARCH), _SEARCH, 0x0802),
    "ask_media": Verb(0x8803, (*_SEARCH, "delete"), _SEARCH | {"delete": 0}),
    "transparent": Verb(0x8900, ("content", "data")),
}  # fmt: skip

ORDERS = {name: verb.parameters for name, verb in VERBS.items()}


def message_for(order: Order, year: int) -> tuple[int, bytes, int]:
    """Return message id, body and the message that answers it; NoOrder for one that cannot be."""
    verb = VERBS.get(order.verb)
    if verb is None:
        raise NoOrder(
            "verb", reason=f"{order.verb!r} is none of {', '.join(VERBS)}"
        )  # fmt: skip
    unknown = sorted(set(order.parameters) - set(verb.parameters))
    if unknown:
        raise NoOrder("parameters", reason=f"{order.verb} has no {', '.join(unknown)}")
    values = {**verb.defaults, **order.parameters}
    message = verb.message
    try:
        _check_numbers(values.get("parameters") or {})
        if values.get("ids"):
            message, values["ids"] = 0x8106, [key_of(one) for one in values["ids"]]
        return message, body_of(f"{message:04X}", year, values), verb.answer
    except FrameFault as fault:
        raise NoOrder("parameters", reason=fault.detail) from fault
    except (ValueError, TypeError, AttributeError) as fault:
        raise NoOrder("parameters", reason=str(fault)) from fault


def _check_numbers(parameters: Mapping[str, Any]) -> None:
    """Numbers come as numbers: text would be taken for the bytes in hexadecimal digits."""
    for name, value in parameters.items():
        kind = known().get(key_of(name))
        if kind is not None and kind.scale and not isinstance(value, int | float):
            raise ValueError(f"{name} is {value!r}; it should be a number")
