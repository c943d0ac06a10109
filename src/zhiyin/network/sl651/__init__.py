"""SL 651-2014, data of hydrological telemetry: stations of rain, level, flow, soil and water."""

import re
from collections.abc import Mapping
from typing import Any

from zhiyin.kernel import Words
from zhiyin.network.frame import Decoded, FrameFault, Wire
from zhiyin.network.model import Reason
from zhiyin.network.sl651 import codec, plain, reports
from zhiyin.network.sl651.orders import ORDERS
from zhiyin.network.sl651.session import Sl651Session
from zhiyin.network.sl651.tables import alias
from zhiyin.network.sl651.write import body_of


def decode(frame: bytes) -> Decoded:
    """Return one frame with all its fields; FrameFault when it is not as 6.4 to 6.6 say."""
    found = codec.head(frame)
    if found is None:
        least = codec.HEAD_ASCII if frame[:1] == codec.SOH else codec.HEAD
        raise FrameFault(
            Reason.INCOMPLETE, f"{len(frame)} bytes; a header alone has at least {least}"
        )
    end = codec.check(frame, found)
    try:
        return reports.decoded(found, frame[found.start : found.stop], end)
    except FrameFault as fault:
        raise FrameFault(fault.reason, fault.detail, fault.header or found.told()) from fault


def encode(told: Mapping[str, Any]) -> bytes:
    """Return the frame of what `zhiyin decode` printed; FrameFault for what cannot be."""
    header = codec.header_of(told.get("header", {}))
    fields = told.get("fields", ())
    write = plain.body_of if header["text"] else body_of
    body = write(fields, header["function"], down=header["down"])
    return codec.framed(body=body, **header)


WIRE = Wire(
    key="sl651",
    title=Words("水文监测数据通信规约 SL 651-2014", "Hydrological telemetry, SL 651-2014"),
    session=Sl651Session,
    sender="address",
    decode=decode,
    encode=encode,
    orders=ORDERS,
    secret=re.compile(rb"~~.{6}(..)|\x01[0-9A-Fa-f]{12}([0-9A-Fa-f]{4})", re.DOTALL),
    secret_names=frozenset({"password"}),
)

__all__ = ["WIRE", "alias", "decode", "encode"]
