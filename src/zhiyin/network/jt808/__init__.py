"""JT/T 808-2011/2013/2019: terminals of vehicles, which say where they are and what is on."""

import re

from zhiyin.kernel import Words
from zhiyin.network.frame import Wire
from zhiyin.network.jt808.codec import KEY, decode, encode
from zhiyin.network.jt808.orders import ORDERS
from zhiyin.network.jt808.session import Terminal

WIRE = Wire(
    KEY, Words("JT/T 808 车载终端", "JT/T 808 vehicle terminals"), Terminal, decode, encode,
    sender="address", orders=ORDERS,
    # Of an authentication (0102) all that follows the header, also where that is longer (2019).
    secret=re.compile(rb"~\x01\x02.{10}([^~]+)", re.DOTALL), secret_names=frozenset({"token"}),
)  # fmt: skip

__all__ = ["WIRE"]
