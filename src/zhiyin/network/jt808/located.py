"""The position of JT/T 808 §8.12 as values and as fields: 28 bytes and additional items."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zhiyin.network.frame import Field, FrameFault
from zhiyin.network.jt808.parameters import bytes_of, value_of
from zhiyin.network.jt808.position import FIXED, SIZE, SOUTH, WEST, bits, items, signed
from zhiyin.network.jt808.values import clock_bytes, clock_text
from zhiyin.network.model import Reason

_PLACE = ("location_type", 1, "", "位置类型 0 无 1 圆形 2 矩形 3 多边形 4 路段")
_AREA = ("area", 4, "", "区域或路段 ID")
# What stands in the items 11, 12 and 13, by id and length: name, bytes, unit, title.
_PACKED = {
    (0x11, 1): (_PLACE,),
    (0x11, 5): (_PLACE, _AREA),
    (0x12, 6): (_PLACE, _AREA, ("crossing", 1, "", "方向 0 进 1 出")),
    (0x13, 7): (
        ("section", 4, "", "路段 ID"), ("section_duration", 2, "s", "路段行驶时间"),
        ("section_result", 1, "", "结果 0 不足 1 过长"),
    ),
}  # fmt: skip
# Bits of the items 25 and 2A, from bit 0.
_BITS = {
    0x25: (
        "low_beam", "high_beam", "right_turn", "left_turn", "brake", "reverse", "fog_lamp",
        "clearance_lamp", "horn", "air_conditioner", "neutral", "retarder", "abs", "heater",
        "clutch",
    ),
    0x2A: ("deep_sleep", "sleep"),
}  # fmt: skip
_FIELDS = (
    ("altitude", "m", "海拔"), ("speed", "km/h", "速度"), ("direction", "°", "方向"),
    ("time", "", "时间"),
)  # fmt: skip


def read_values(data: bytes, at: int = 0, *, more: bool = True) -> tuple[dict[str, Any], int]:
    """Return the values of a position at `at`, and where it ends; `more`: with the items behind."""
    if at + SIZE > len(data):
        raise FrameFault(
            Reason.LENGTH,
            f"body byte {at}: the position should have {SIZE} bytes; {len(data) - at} are left",
        )
    alarm, status, lat, lon, altitude, speed, direction = FIXED.unpack_from(data, at)
    north, east = signed(status, lat, lon)
    values: dict[str, Any] = {
        "alarm": alarm, "status": status, "lat": north, "lon": east, "altitude": altitude,
        "speed": speed / 10, "direction": direction,
        "time": clock_text(data[at + 22 : at + SIZE], "time"),
    }  # fmt: skip
    if more:
        values["items"] = _read_items(data, at + SIZE)
        return values, len(data)
    return values, at + SIZE


def _read_items(data: bytes, at: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while at < len(data):
        start = at + 2
        if start > len(data) or start + data[at + 1] > len(data):
            found["rest"] = data[at:].hex().upper()  # no whole item; the position itself stands
            break
        label = f"{data[at]:02X}"
        value = value_of(items().get(data[at]), data[start : start + data[at + 1]])
        found[label if label not in found else f"{label}#{len(found)}"] = value
        at = start + data[at + 1]
    return found


def _set(word: str, value: int) -> list[str]:
    return [bit.name for bit in bits(word) if value >> bit.bit & 1]


def fields_of(values: Mapping[str, Any], path: str) -> Iterator[Field]:
    """Give the fields of a position: what it has, and the named bits of its two words."""
    alarm, status = values["alarm"], values["status"]
    yield Field("alarm", alarm, "", "报警标志", path)
    yield Field("alarms", _set("alarm", alarm), "", "报警", path)
    yield Field("status", status, "", "状态", path)
    yield Field("states", _set("status", status), "", "状态位", path)
    yield Field("load", status >> 8 & 3, "", "载货 0 空 1 半 3 满", path)
    yield Field("lat", values["lat"], "°", "纬度", path)
    yield Field("lon", values["lon"], "°", "经度", path)
    for name, unit, title in _FIELDS:
        yield Field(name, values[name], unit, title, path)
    for label, value in values.get("items", {}).items():
        field = _item_field(label, value, f"{path}.items".lstrip("."))
        yield field
        yield from (Field(*told, field.part) for told in explained(label, value))


def explained(label: str, value: Any) -> list[tuple[str, Any, str, str]]:
    """Return name, value, unit and title of what the standard packs into one item (§8.12)."""
    try:
        item = int(label.partition("#")[0], 16)
    except ValueError:
        return []  # the bytes that are no item
    if isinstance(value, int):
        if item in _BITS:
            names = [name for bit, name in enumerate(_BITS[item]) if value >> bit & 1]
            return [("item_states", names, "", "状态位")]
        if item == 0x2B:
            return [("ad0", value & 0xFFFF, "", "AD0"), ("ad1", value >> 16, "", "AD1")]
        return []
    data = bytes.fromhex(value) if isinstance(value, str) else b""
    told, at = [], 0
    if (item, len(data)) not in _PACKED:
        return []
    for name, width, unit, title in _PACKED[item, len(data)]:
        told.append((name, int.from_bytes(data[at : at + width], "big"), unit, title))
        at += width
    return told


def _item_field(label: str, value: Any, path: str) -> Field:
    if label == "rest":
        return Field("rest", value, "", "不成项的字节", path)
    kind = items().get(int(label.partition("#")[0], 16))
    if kind is None:
        return Field(f"item_{label[:2]}", value, "", "", f"{path}.{label}")
    unit = kind.unit if not isinstance(value, str) else ""
    return Field(kind.name, value, unit, kind.title, f"{path}.{label}")


def _word(values: Mapping[str, Any], word: str, named: str) -> int:
    if word in values:
        return int(values[word])
    names: Sequence[str] = values.get(named, ())
    return sum(1 << bit.bit for bit in bits(word) if bit.name in names)


def _micro(value: Any) -> int:
    return round(abs(float(value)) * 1e6)


def _sign(value: Any, bit: int) -> int:
    return bit if float(value) < 0 else 0


def write_values(values: Mapping[str, Any], *, more: bool) -> bytes:
    """Return the bytes of a position; negative degrees set the status bits of south and west.

    ValueError, KeyError or OverflowError when a value is missing or does not fit.
    """
    lat, lon = values["lat"], values["lon"]
    status = _word(values, "status", "states") | _sign(lat, SOUTH) | _sign(lon, WEST)
    fixed = (
        _word(values, "alarm", "alarms").to_bytes(4, "big") + status.to_bytes(4, "big")
        + _micro(lat).to_bytes(4, "big") + _micro(lon).to_bytes(4, "big")
        + int(values.get("altitude", 0)).to_bytes(2, "big")
        + round(float(values.get("speed", 0)) * 10).to_bytes(2, "big")
        + int(values.get("direction", 0)).to_bytes(2, "big") + clock_bytes(values["time"])
    )  # fmt: skip
    return fixed + _write_items(values.get("items", {})) if more else fixed


def _write_items(given: Mapping[str, Any]) -> bytes:
    out, rest = b"", b""
    for label, said in given.items():
        value = next(iter(said.values())) if isinstance(said, Mapping) else said
        if label == "rest":
            rest = bytes.fromhex(str(value))
            continue
        key = int(label.partition("#")[0], 16)
        data = bytes_of(items().get(key), value)
        out += bytes((key, len(data))) + data
    return out + rest
