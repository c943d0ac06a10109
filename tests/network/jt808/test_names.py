"""Fields of JT/T 808 by the standard's names, and what it packs into one item."""

from collections.abc import Iterator

from zhiyin.network.jt808 import WIRE
from zhiyin.network.jt808.framing import Header, write_frame
from zhiyin.network.jt808.kinds import INLINE
from zhiyin.network.jt808.layout import Part, messages, titles

POSITION = bytes.fromhex("0000000000000003 01D233A8 06CED410 001A 0131 005C 260701081530")


def names_of(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if part.kind == "list":
            yield from names_of(part.of)
        elif part.kind not in INLINE | {"count", "parameters"}:
            yield part.name


def test_every_field_of_a_layout_has_the_standard_s_name() -> None:
    names = {name for message in messages().values() for name in names_of(message.body)}
    assert names - titles().keys() == set()


def test_the_header_tells_message_and_length() -> None:
    frame = write_frame(Header(0x0102, "13912345678", 5, 2013), b"token")
    header = WIRE.decode(frame).header
    assert (header["title"], header["length"]) == ("终端鉴权 authenticate", 5)
    packet = write_frame(Header(0x0801, "13912345678", 5, 2013, total=2, number=1), b"12")
    assert WIRE.decode(packet).header["length"] == 2


def test_items_of_several_values_are_told_one_by_one() -> None:
    items = bytes.fromhex(
        "1101 00 1105 02 00000007 1206 04 00000009 01 1307 00000003 0078 01"
        "2504 00000011 2A02 0002 2B04 00020001"
    )
    frame = write_frame(Header(0x0200, "13912345678", 5, 2019, 1), POSITION + items)
    decoded = WIRE.decode(frame)
    told = [
        (one.name, one.value, one.unit) for one in decoded.fields if one.part.startswith("items.")
    ]
    assert ("area", 7, "") in told
    assert [one for one in told if one[0] == "location_type"] == [
        ("location_type", 0, ""), ("location_type", 2, ""), ("location_type", 4, ""),
    ]  # fmt: skip
    assert {("crossing", 1, ""), ("section", 3, ""), ("section_duration", 120, "s")} <= {
        one for one in told if not isinstance(one[1], list)
    }
    assert ("item_states", ["low_beam", "brake"], "") in told
    assert ("item_states", ["sleep"], "") in told
    assert {("ad0", 1, ""), ("ad1", 2, "")} <= {one for one in told if not isinstance(one[1], list)}
    fields = [{"name": one.name, "value": one.value, "part": one.part} for one in decoded.fields]
    assert WIRE.encode({"header": decoded.header, "fields": fields}) == frame
