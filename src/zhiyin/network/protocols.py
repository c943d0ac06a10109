"""The field protocols that the house speaks, each loaded when it is asked for."""

from functools import cache
from importlib import import_module

from zhiyin.kernel import CallerFault, Words
from zhiyin.network.frame import Wire

KEYS = ("hj212", "sl651", "jt808", "gb26875")


class NoSuchProtocol(CallerFault):
    """A protocol that the house does not speak."""

    code = "network-021"
    what = Words("没有规约 {key};有:{known}。", "There is no protocol {key}; there are: {known}.")
    do = Words("换成其中之一。", "Name one of these.")


@cache
def wire(key: str) -> Wire:
    """Return a protocol; NoSuchProtocol."""
    if key not in KEYS:
        raise NoSuchProtocol(key, key=key, known=", ".join(KEYS))
    found: Wire = import_module(f"zhiyin.network.{key}").WIRE
    return found
