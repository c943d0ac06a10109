"""Connections of transmitters: pieces, confirms and denials, clocks, orders."""

from typing import Any

import pytest

from tests.network.gb26875.transmitters import (
    CENTRE,
    CONFIRM,
    DEVICE,
    NOW,
    SMOKE,
    frame,
    session,
)
from zhiyin.kernel import CallerFault
from zhiyin.network.frame import Order, Turn
from zhiyin.network.gb26875 import WIRE
from zhiyin.network.gb26875.codec import framed
from zhiyin.network.gb26875.times import label
from zhiyin.network.model import Reason


def reasons(turns: list[Turn]) -> list[Reason | None]:
    return [turn.fault.reason if turn.fault else None for turn in turns]


def test_data_are_confirmed_with_their_serial_number() -> None:
    (turn,) = session().receive(SMOKE, NOW)
    assert turn.reply == CONFIRM
    assert turn.decoded
    assert turn.decoded.happenings[0].kind == "fire"


@pytest.mark.parametrize("size", [1, 2, 26, 27, 28, 79, 1000])
def test_frames_in_any_pieces(size: int) -> None:
    """The sum of the first is itself `#`: frames are parsed by length."""
    own, beat = session(), frame("")
    stream = SMOKE + beat + SMOKE + frame("1801 20 01 1E0F0801071A")
    turns = [
        turn
        for at in range(0, len(stream), size)
        for turn in own.receive(stream[at : at + size], NOW)
    ]
    assert reasons(turns) == [None] * 4
    assert b"".join(turn.frame for turn in turns) == stream
    assert own.ended(NOW) == []


def test_after_garbage_it_goes_on() -> None:
    turns = session().receive(b"##\x00@1@" + SMOKE + b"@@@junk" + SMOKE, NOW)
    good = [turn for turn in turns if turn.fault is None]
    assert len(good) == 2
    assert reasons(turns)[0] is Reason.MALFORMED


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (SMOKE[:40] + b"\x55" + SMOKE[41:], Reason.CHECKSUM),
        (SMOKE[:24] + b"\x2e" + SMOKE[25:], Reason.LENGTH),
        (SMOKE[:24] + b"\x31" + SMOKE[25:], Reason.LENGTH),
        (SMOKE[:24] + b"\xff\x03" + SMOKE[26:], Reason.LENGTH),
        (SMOKE[:24] + b"\xff\xff" + SMOKE[26:], Reason.OVERSIZE),
        (SMOKE[:50], Reason.LENGTH),
    ],
)
def test_a_bad_frame_does_not_take_the_next_with_it(bad: bytes, reason: Reason) -> None:
    for chunks in ([bad + SMOKE + SMOKE], [bad, SMOKE, SMOKE]):
        own = session()
        turns = [turn for chunk in chunks for turn in own.receive(chunk, NOW)]
        assert len([turn for turn in turns if turn.fault is None]) == 2
        assert reasons(turns)[0] is reason


def test_a_wrong_sum_is_denied() -> None:
    (turn,) = session().receive(SMOKE[:40] + b"\x55" + SMOKE[41:], NOW)
    assert WIRE.decode(turn.reply).header["command"] == 6
    assert WIRE.decode(turn.reply).header["serial"] == 1


def test_half_a_frame_then_the_end() -> None:
    own = session()
    own.receive(SMOKE[:50], NOW)
    (turn,) = own.ended(NOW)
    assert turn.fault
    assert (turn.fault.reason, turn.fault.header["address"]) == (Reason.INCOMPLETE, DEVICE)


@pytest.mark.parametrize(
    ("data", "command", "reason", "reply"),
    [
        ("0901 00", 2, Reason.UNSUPPORTED, 3),  # reserved type: kept apart, confirmed
        ("8001 00", 2, Reason.UNSUPPORTED, 3),
        ("00", 200, Reason.UNSUPPORTED, 3),
        ("00", 9, Reason.UNSUPPORTED, 6),
        ("0105 00", 2, Reason.LENGTH, 6),
    ],
)
def test_what_is_not_defined(data: str, command: int, reason: Reason, reply: int) -> None:
    (turn,) = session().receive(frame(data, command), NOW)
    assert reasons([turn]) == [reason]
    assert WIRE.decode(turn.reply).header["command"] == reply


def test_a_clock_that_is_off_is_set_once_where_wanted() -> None:
    late = frame("1501 01 1E0F0801071A", at=NOW - 120_000)
    (turn,) = session().receive(late, NOW)
    assert WIRE.decode(turn.reply).header["command"] == 3
    own = session(set_clock=True)
    (turn,) = own.receive(late, NOW)
    clock = turn.reply[30:]
    decoded = WIRE.decode(clock)
    assert (decoded.kind, decoded.address) == ("90", DEVICE)
    assert decoded.fields[1].value == "2026-07-01 08:15:30"
    assert len(own.receive(late, NOW + 1000)[0].reply) == 30
    assert len(own.receive(late, NOW + 700_000)[0].reply) > 30
    assert len(session(set_clock=True, clock_off_s=300).receive(late, NOW)[0].reply) == 30


@pytest.mark.parametrize(
    ("verb", "parameters", "command", "data"),
    [
        ("read_system_state", {"parts": ["1.2", "13.3"]}, 4, "3D02 0102 0D03"),
        ("read_component_state", {"parts": ["1.1/01110203"]}, 4, "3E01 0101 03021101"),
        ("read_analogue", {"parts": ["1.1/01110203"]}, 4, "3F01 0101 03021101"),
        (
            "read_operation", {"part": "1.1", "count": 5, "from": "2026-07-01 00:00"},
            4, "4001 0101 05 00000001071A",
        ),
        ("read_system_config", {"parts": ["1.3", "13.2"]}, 4, "4202 0103 0D02"),
        ("read_component_config", {"parts": ["1.1/12345678"]}, 4, "4301 0101 78563412"),
        ("read_system_version", {"part": "1.1"}, 4, "4101 0101"),
        ("read_system_time", {"part": "1.1"}, 4, "4401 0101"),
        ("read_transmitter_state", {}, 4, "5101 00"),
        (
            "read_transmitter_operation", {"count": 5, "from": "2026-07-01 00:00"},
            4, "5401 05 00000001071A",
        ),
        ("read_transmitter_version", {}, 4, "5501 00"),
        ("read_transmitter_config", {}, 4, "5601 00"),
        ("read_transmitter_time", {}, 4, "5801 00"),
        ("initialise", {}, 1, "5901 00"),
        ("set_clock", {}, 1, "5A01 1E0F0801071A"),
        ("duty_check", {"minutes": 10}, 1, "5B01 0A"),
    ],
)  # fmt: skip
def test_orders(verb: str, parameters: dict[str, Any], command: int, data: str) -> None:
    own = session()
    own.receive(SMOKE, NOW)
    sent = own.order(Order("o1", DEVICE, verb, parameters), NOW)
    expected = framed(1, (1, 1), label(NOW), CENTRE, DEVICE, command, bytes.fromhex(data))
    assert sent == expected
    assert WIRE.decode(sent).address == DEVICE


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("dance", {}),
        ("read_system_state", {}),
        ("read_system_state", {"parts": ["x"]}),
        ("read_component_state", {"parts": ["1.1"]}),
        ("read_component_state", {"parts": ["1.1/00000001"] * 30}),
        ("duty_check", {"minutes": 300}),
        ("duty_check", {"minutes": "soon"}),
    ],
)
def test_orders_that_cannot_be(verb: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(CallerFault):
        session().order(Order("o1", DEVICE, verb, parameters), NOW)
    with pytest.raises(CallerFault):
        session().order(Order("o1", "nowhere", "initialise"), NOW)


def test_answers_are_matched_by_their_serial_number() -> None:
    own = session()
    own.receive(SMOKE, NOW)
    own.order(Order("o1", DEVICE, "duty_check", {"minutes": 10}), NOW)
    own.order(Order("o2", DEVICE, "read_transmitter_state"), NOW)
    own.order(Order("o3", DEVICE, "initialise"), NOW)
    (turn,) = own.receive(frame("", 3, 1), NOW)
    assert [(one.order, one.done) for one in turn.answers] == [("o1", True)]
    assert turn.reply == b""
    (turn,) = own.receive(frame("1501 08 1E0F0801071A", 5, 2), NOW)
    (answer,) = turn.answers
    assert (answer.order, answer.done) == ("o2", True)
    assert ["main_power_fault", True, "1 state"] in answer.data["fields"]
    assert turn.decoded
    assert turn.decoded.readings
    (turn,) = own.receive(frame("", 6, 3), NOW)
    assert [(one.order, one.done) for one in turn.answers] == [("o3", False)]
    assert own.receive(frame("", 3, 1), NOW)[0].answers == []
