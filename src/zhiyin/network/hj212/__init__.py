"""HJ 212-2017 and 2025: monitors of pollution sources and of the environment, over TCP."""

import re

from zhiyin.kernel import Words
from zhiyin.network.frame import Wire
from zhiyin.network.hj212.codec import KEY, decode, encode
from zhiyin.network.hj212.session import Hj212Session
from zhiyin.network.hj212.tables import orders

WIRE = Wire(
    key=KEY,
    title=Words("HJ 212 污染物在线监控", "HJ 212 pollutant monitoring"),
    session=Hj212Session,
    decode=decode,
    encode=encode,
    sender="MN",
    secret=re.compile(rb"PW=([^;&\r\n]*)"),
    secret_names=frozenset({"PW", "NewPW"}),
    text=True,
    orders={verb: (*shape.needs, *shape.may) for verb, shape in orders().items()},
)

__all__ = ["WIRE", "decode", "encode"]
