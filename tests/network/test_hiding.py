"""A device's password is kept with its frame and shown to nobody; unknown codes are told alike."""

import functools

import pytest

from zhiyin.network.again import FrameReader
from zhiyin.network.decoding import decode_line, plain, read_frame
from zhiyin.network.gb26875 import codec as gb26875
from zhiyin.network.gb26875 import times
from zhiyin.network.hiding import hidden, hidden_frame, hidden_raw
from zhiyin.network.hj212.packet import compose
from zhiyin.network.model import Reason, Rejected
from zhiyin.network.protocols import wire
from zhiyin.network.sl651.codec import ETX, framed

HJ212 = wire("hj212").encode(
    {"header": {"QN": "20261123100000123", "ST": "39", "CN": "2011", "PW": "s3cr3t",
                "MN": "42010500000000000000AB", "Flag": "5"},
     "fields": [{"name": "DataTime", "value": "20261123100000"},
                {"name": "LA-Rtd", "value": 61.5}]}
).decode()  # fmt: skip


def _sl651(function: int, more: str = "") -> str:
    body = bytes.fromhex("0001261123100000" + more)
    return framed("0011223344", 1, "BEEF", function, body, ETX, down=False).hex().upper()


def _checked(body: bytes) -> str:
    return (b"~" + body + bytes([functools.reduce(int.__xor__, body)]) + b"~").hex().upper()


SL651 = _sl651(0x2F)
LOGIN = bytes.fromhex("01020006013912345678000A") + b"s3cr3t"
JT808 = _checked(LOGIN)


@pytest.mark.parametrize(
    ("key", "frame", "password"),
    [("hj212", HJ212, "s3cr3t"), ("sl651", SL651, "BEEF"),
     ("jt808", JT808, b"s3cr3t".hex().upper())],
)  # fmt: skip
def test_the_password_is_not_shown(key: str, frame: str, password: str) -> None:
    protocol = wire(key)
    assert password in frame
    shown = hidden_frame(protocol, frame)
    assert password not in shown
    assert "**" in shown
    for part in (frame[: len(frame) // 4 * 2], "00" + frame, frame * 2):
        assert password not in hidden_frame(protocol, part)
    told = plain(read_frame(protocol, frame))
    words = str(told)
    assert (password in words) or bytes.fromhex(password).decode() in words
    words = str(hidden(protocol, told))
    assert password not in words
    assert "s3cr3t" not in words
    raw = {"protocol": key, "frame": frame, "bytes": 9, "peer": "x"}
    assert hidden_raw(raw) == {**raw, "frame": shown}
    assert raw["frame"] == frame  # as it is kept, and read again
    item = Rejected("1", Reason.WRONG_KEY, "", key, 0, "", "", raw)
    assert FrameReader({}, {}).message(item) is None


def test_what_is_no_frame_is_shown_as_it_is() -> None:
    for raw in ({"mapping": "m", "payload": "PW=1;"}, {"protocol": "x", "frame": "PW=1"}, 7, None):
        assert hidden_raw(raw) == raw
    assert hidden_frame(wire("sl651"), "no hex") == "no hex"
    assert hidden_frame(wire("gb26875"), "4040") == "4040"


def _gb26875(kind: int) -> str:
    data, time = bytes([kind, 1, 255]), times.label(1_795_399_200_000)
    places = ("000000000001", "000000000002")
    return gb26875.framed(1, (1, 1), time, *places, gb26875.SEND, data).hex()


def test_a_code_of_no_table_is_unsupported_in_every_protocol() -> None:
    head = {"QN": "20261123100000123", "ST": "39", "CN": "7777", "PW": "1", "MN": "M", "Flag": "4"}
    body = bytes.fromhex("0FFF00020139123456780001ABCD")
    for key, line in (
        ("hj212", compose(head, "", "").decode()), ("sl651", _sl651(0xE5, "0102")),
        ("sl651", _sl651(0x7A)), ("gb26875", _gb26875(200)), ("jt808", _checked(body)),
    ):  # fmt: skip
        told = decode_line(wire(key), line)
        assert (told["ok"], told["reason"], bool(told["header"])) == (False, "unsupported", True)
        assert told["detail"]
    assert decode_line(wire("sl651"), _sl651(0xE5, "0102"))["fields"][-1]["value"] == "0x0102"
