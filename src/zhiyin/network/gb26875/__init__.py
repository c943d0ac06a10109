"""GB/T 26875.3-2011, alarm transmission of urban fire remote monitoring: transmitters."""

from collections.abc import Mapping
from typing import Any

from zhiyin.kernel import Words
from zhiyin.network.frame import Decoded, Field, FrameFault, Wire
from zhiyin.network.gb26875 import codec, reports, times, units
from zhiyin.network.gb26875.orders import ORDERS
from zhiyin.network.gb26875.session import Gb26875Session
from zhiyin.network.model import Reason


def decode(frame: bytes) -> Decoded:
    """Return one frame with all its fields; FrameFault when it is not as clauses 6.6 and 8 say.

    A unit of a type that is not defined is told as bytes.
    """
    found = codec.head(frame)
    if found is None:
        raise FrameFault(
            Reason.INCOMPLETE, f"{len(frame)} bytes; a frame has at least {codec.OVER}"
        )
    codec.check(frame, found)
    if not found.length:
        return Decoded("gb26875", found.address, f"command {found.command}", found.told())
    data = frame[codec.HEAD : -3]
    if data[0] not in units.LAYOUTS:
        fields = (Field("unit", "0x" + data.hex()),)
        unknown = f"data unit of type {data[0]}, which is not defined"
        return Decoded(
            "gb26875", found.address, str(data[0]), found.told(), fields, unknown=unknown
        )
    try:
        unit = units.unit(data)
    except FrameFault as fault:
        raise FrameFault(fault.reason, fault.detail, found.told()) from fault
    said = reports.said(unit, times.millis(found.time) or 0)
    return Decoded(
        "gb26875", found.address, str(unit.kind), found.told(), tuple(reports.fields_of(unit)),
        tuple(said.readings), tuple(said.happenings),
    )  # fmt: skip


def encode(told: Mapping[str, Any]) -> bytes:
    """Return the frame of what `zhiyin decode` printed; FrameFault for what cannot be."""
    header = codec.header_of(told.get("header", {}))
    fields = list(told.get("fields", ()))
    data = b""
    if fields and fields[0].get("name") == "unit":
        try:
            data = bytes.fromhex(str(fields[0].get("value")).removeprefix("0x"))
        except ValueError as fault:
            raise FrameFault(Reason.MALFORMED, f"field unit: {fault}") from fault
    elif fields:
        data = units.packed(*reports.objects_of(fields))
    return codec.framed(data=data, **header)


WIRE = Wire(
    key="gb26875",
    title=Words(
        "城市消防远程监控报警传输 GB/T 26875.3-2011", "Fire alarm transmission, GB/T 26875.3-2011"
    ),
    sender="address",
    session=Gb26875Session,
    decode=decode,
    encode=encode,
    orders=ORDERS,
)

__all__ = ["WIRE", "decode", "encode"]
