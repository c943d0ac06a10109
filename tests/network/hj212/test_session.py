"""HJ 212: what one connection says and is answered."""

import random
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import hj212 as fuzz
from tests.network.hj212 import frames
from tests.network.hj212.frames import MN, NOW, Peers, wire
from zhiyin.kernel import HOUR, CallerFault
from zhiyin.network.frame import SHOWN, Facts, Order, Turn
from zhiyin.network.hj212 import WIRE, decode, encode
from zhiyin.network.model import Reason

_KEY = "30" * 16


def heard(data: bytes, peers: Peers | None = None) -> list[Turn]:
    session = WIRE.session(peers or Peers())
    return session.receive(data, NOW) + session.ended(NOW)


def counts(turns: list[Turn]) -> tuple[int, int]:
    """Frames understood, and runs refused."""
    return sum(turn.decoded is not None for turn in turns), sum(
        turn.fault is not None for turn in turns
    )


def test_data_are_answered_by_9014_where_they_ask() -> None:
    asks, silent = heard(wire(frames.AIR, frames.DUST))
    assert asks.reply == wire(frames.AIR_ANSWER)
    assert silent.reply == b""
    assert asks.decoded is not None
    assert len(asks.decoded.readings) == 4


def test_an_answer_speaks_the_edition_of_the_request() -> None:
    (anew,) = heard(wire(frames.SENT_ANEW))
    assert decode(anew.reply).header["Flag"] == "8"
    (old,) = heard(wire(frames.data("DataTime=20260701080000;011-Rtd=1", flag="1")))
    assert decode(old.reply).header["Flag"] == "0"


def test_notices_and_heartbeats_are_answered_by_9013() -> None:
    (notice,) = heard(wire(frames.data("PolId=w01018", cn="1013")))
    (beat,) = heard(wire(frames.HEARTBEAT))
    assert [decode(turn.reply).kind for turn in (notice, beat)] == ["9013", "9013"]
    (beat,) = heard(wire(frames.HEARTBEAT), Peers(heartbeat_answer="9014"))
    assert decode(beat.reply).kind == "9014"


def test_answers_are_not_answered() -> None:
    assert [turn.reply for turn in heard(wire(frames.READY, frames.DONE))] == [b"", b""]


def test_a_wrong_crc_is_told_only_where_an_answer_is_asked() -> None:
    spoilt = [frame.replace("N&&", "M&&") for frame in (frames.AIR, frames.DUST)]
    asked, silent = heard(wire(*spoilt))
    assert asked.fault is not None
    assert asked.fault.reason == Reason.CHECKSUM
    told = decode(asked.reply)
    assert (told.kind, told.fields[0].value, told.header["ST"]) == ("9011", "9", "91")
    assert told.header["QN"] == "20260701080000123"
    assert silent.reply == b""


def test_another_password_is_refused_and_does_not_take_the_address() -> None:
    session = WIRE.session(Peers(key="654321"))
    (turn,) = session.receive(wire(frames.AIR), NOW)
    assert turn.fault is not None
    assert turn.fault.reason == Reason.WRONG_KEY
    assert turn.decoded is None
    assert decode(turn.reply).fields[0].value == "3"
    assert session.address == ""


def test_a_device_of_no_register_is_still_understood() -> None:
    peers = Peers()
    peers.facts = None
    (turn,) = heard(wire(frames.AIR), peers)
    assert turn.decoded is not None
    assert turn.decoded.address == MN


def test_an_order_of_the_host_is_no_report_of_a_device() -> None:
    (turn,) = heard(wire(frames.SET_TIME))
    assert turn.fault is not None
    assert turn.fault.reason == Reason.UNSUPPORTED
    assert decode(turn.reply).fields[0].value == "8"


def test_flags_that_a_device_may_have_are_its_own_setting() -> None:
    frame = wire(frames.data("DataTime=20260701080000;w01018-Rtd=9,w01018-Flag=T"))
    (turn,) = heard(frame, Peers(take_flags="NT", units={"w01018": "µg/L"}))
    assert turn.decoded is not None
    assert [(one.value, one.unit) for one in turn.decoded.readings] == [(9.0, "µg/L")]


def test_a_bad_value_is_a_fault_beside_the_good_ones_and_is_answered() -> None:
    (turn,) = heard(wire(frames.data("DataTime=20260701080000;w01018-Rtd=x;w01001-Rtd=7")))
    assert turn.decoded is not None
    assert len(turn.decoded.readings) == 1
    assert turn.fault is not None
    assert turn.fault.reason == Reason.MALFORMED
    assert decode(turn.reply).kind == "9014"


def test_encrypted_data_are_read_with_the_devices_key() -> None:
    secret = encode({"header": decode(wire(frames.SENT_ANEW)).header}, key=_KEY)
    (turn,) = heard(secret, Peers(sm4_key=_KEY, version="2025"))
    assert turn.decoded is not None
    assert [one.value for one in turn.decoded.readings] == [40, 45, 52]
    (turn,) = heard(secret, Peers(sm4_key="31" * 16))
    assert turn.fault is not None
    assert turn.fault.reason == Reason.WRONG_KEY
    spoilt = secret[:140] + bytes([secret[140] ^ 1]) + secret[141:]
    (turn,) = heard(spoilt, Peers(sm4_key=_KEY))
    assert turn.fault is not None
    assert turn.fault.reason == Reason.CHECKSUM


def test_plain_data_of_a_device_with_a_key_are_taken() -> None:
    (turn,) = heard(wire(frames.SENT_ANEW), Peers(sm4_key=_KEY))
    assert turn.fault is None


# --- the stream ---


def test_all_frames_in_one_segment_or_byte_by_byte_are_the_same() -> None:
    data = wire(*frames.ALL)
    whole = heard(data)
    session = WIRE.session(Peers())
    single = [turn for byte in data for turn in session.receive(bytes([byte]), NOW)]
    assert [turn.frame.strip() for turn in whole] == [turn.frame.strip() for turn in single]
    assert [turn.reply for turn in whole] == [turn.reply for turn in single]
    assert session.ended(NOW) == []


def test_line_feeds_alone_or_none_at_all_end_a_frame() -> None:
    assert counts(heard("\n".join(frames.ALL[:5]).encode())) == (5, 0)
    assert counts(heard("".join(frames.ALL[:5]).encode())) == (5, 0)


def test_half_a_frame_then_the_end() -> None:
    (turn,) = heard(wire(frames.AIR)[:100])
    assert turn.fault is not None
    assert turn.fault.reason == Reason.INCOMPLETE
    assert turn.fault.header["MN"] == MN


@pytest.mark.parametrize(
    "spoilt",
    [
        b"##0100" + wire(frames.AIR)[6:],
        b"##0326" + wire(frames.AIR)[6:],
        b"##9226" + wire(frames.AIR)[6:],
        b"##O226" + wire(frames.AIR)[6:],
        b"#!0226" + wire(frames.AIR)[6:],
        wire(frames.AIR).replace(b"Rtd", b"R##td", 1),
        wire(frames.AIR).replace(b"N&&0", b"N&!0"),
        wire(frames.AIR).replace(b"0140\r\n", b"01x0\r\n"),
        b"\x00\xff noise and more ##",
    ],
)
def test_one_spoilt_frame_costs_no_other(spoilt: bytes) -> None:
    turns = heard(wire(frames.RIVER) + spoilt + wire(frames.NOISE, frames.DUST))
    assert sum(turn.fault is not None for turn in turns) >= 1
    assert sum(turn.decoded is not None for turn in turns) == 3
    assert b"".join(turn.frame.strip() for turn in turns if turn.fault) == spoilt.strip()


def test_spoilt_frames_are_counted_one_by_one() -> None:
    spoilt = b"x" + wire(frames.AIR)[1:]
    assert counts(heard(spoilt * 7 + wire(frames.AIR))) == (1, 7)


def test_a_wrong_length_is_told_at_once_where_the_end_is_there() -> None:
    session = WIRE.session(Peers())
    (turn,) = session.receive(b"##0326" + wire(frames.AIR)[6:], NOW)
    assert turn.fault is not None
    assert turn.fault.reason == Reason.LENGTH
    assert "226" in turn.fault.detail


def test_a_flood_without_frames_is_bounded_and_told() -> None:
    session = WIRE.session(Peers())
    turns = [turn for _ in range(256) for turn in session.receive(b"x" * 4096, NOW)]
    turns += session.ended(NOW)
    assert len(turns) == 16
    assert all(len(turn.frame) <= SHOWN for turn in turns)
    assert counts(heard(b"#" * 100_000 + wire(frames.AIR)))[0] == 1


def test_a_frame_over_the_limit_is_refused_before_it_is_held() -> None:
    session = WIRE.session(Peers())
    turns = session.receive(b"##9999QN=" + b"1" * 1_000_000, NOW)
    turns += session.receive(b"\r\n" + wire(frames.AIR), NOW)
    assert turns[0].fault is not None
    assert turns[0].fault.reason == Reason.OVERSIZE
    assert turns[-1].decoded is not None


# --- packets ---


def packet(at: int, of: int, cp: str, flag: str = "7") -> bytes:
    more = f"PNUM={of};PNO={at};"
    return wire(frames.data(cp, cn="2061", flag=flag, more=more, qn="20260701090500200"))


def test_packets_that_stand_alone_are_taken_and_answered_at_once() -> None:
    session = WIRE.session(Peers())
    for frame in frames.SPLIT:
        (turn,) = session.receive(wire(frame), NOW)
        assert turn.decoded is not None
        assert len(turn.decoded.readings) == 1
        assert decode(turn.reply).kind == "9014"
    assert session.ended(NOW) == []


_TORN = (
    "DataTime=20260701080000;w01001-Av",
    "g=7.5,w01001-Flag=N;w01009-Avg=5",
    ".1,w01009-Flag=N",
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_torn_packets_are_put_together_in_any_order(order: tuple[int, ...]) -> None:
    session = WIRE.session(Peers())
    turns = [turn for at in order for turn in session.receive(packet(at + 1, 3, _TORN[at]), NOW)]
    readings = [one for turn in turns if turn.decoded for one in turn.decoded.readings]
    assert [(one.name, one.value) for one in readings] == [("w01001-Avg", 7.5), ("w01009-Avg", 5.1)]
    assert [turn.reply.count(b"9014") for turn in turns] == [0, 0, 3]


def test_a_held_packet_is_answered_when_it_is_sent_anew() -> None:
    session = WIRE.session(Peers())
    first, anew = (session.receive(packet(1, 3, _TORN[0]), NOW)[0] for _ in range(2))
    assert (first.reply, decode(anew.reply).kind) == (b"", "9014")


def test_packets_without_a_time_have_that_of_their_set() -> None:
    session = WIRE.session(Peers())
    session.receive(packet(1, 2, "DataTime=20260701080000;w01001-Avg=7.5,w01001-Flag=N"), NOW)
    (turn,) = session.receive(packet(2, 2, "w01009-Avg=5.1,w01009-Flag=N"), NOW)
    assert turn.decoded is not None
    assert [(one.name, one.time) for one in turn.decoded.readings] == [("w01009-Avg", NOW)]


def test_a_set_that_never_ends_is_told_with_what_came() -> None:
    session = WIRE.session(Peers())
    session.receive(packet(1, 3, _TORN[0]), NOW)
    (lost,) = session.receive(b"", NOW + HOUR)
    assert lost.fault is not None
    assert lost.fault.reason == Reason.INCOMPLETE
    assert "2, 3 of 3" in lost.fault.detail
    assert b"PNO=1" in lost.frame
    session.receive(packet(1, 3, _TORN[0]), NOW)
    assert [turn.fault is not None for turn in session.ended(NOW)] == [True]


@pytest.mark.parametrize("numbers", ["PNUM=2;PNO=3;", "PNUM=x;PNO=1;", "PNUM=0;PNO=0;", "PNO=1;"])
def test_numbers_that_cannot_be_are_refused(numbers: str) -> None:
    (turn,) = heard(wire(frames.data("DataTime=20260701080000", more=numbers)))
    assert turn.fault is not None
    assert turn.fault.reason == Reason.MALFORMED


def test_packets_of_no_known_command_are_refused_one_by_one() -> None:
    session = WIRE.session(Peers())
    frame = frames.data("x", cn="2999", flag="7", more="PNUM=2;PNO=1;")
    (turn,) = session.receive(wire(frame), NOW)
    assert turn.fault is not None
    assert turn.fault.reason == Reason.UNSUPPORTED
    assert session.ended(NOW) == []


def test_sets_are_bounded() -> None:
    session = WIRE.session(Peers())
    turns = []
    for number in range(100):
        cp = "w01001-Avg=" + "7" * 900
        one = frames.data(cp, cn="2061", flag="7", more="PNUM=64;PNO=1;", qn=f"2026{number:04d}")
        turns += session.receive(wire(one), NOW + number)
    assert sum(turn.fault is not None for turn in turns) == 92


# --- orders ---


def reply_of(order: bytes, cn: str, cp: str = "", mn: str = MN) -> bytes:
    qn = decode(order).header["QN"]
    head = {"QN": qn, "ST": "91", "CN": cn, "PW": "123456", "MN": mn, "Flag": "4", "CP": cp}
    return encode({"header": head})


def order(verb: str, **parameters: Any) -> Order:
    return Order("o1", MN, verb, parameters)


def test_an_order_asks_in_the_devices_own_words() -> None:
    session = WIRE.session(Peers(key="123456"))
    session.receive(wire(frames.AIR), NOW)
    frame = session.order(order("set_time"), NOW)
    sent = decode(frame)
    assert sent.header | {"QN": "20260701080000000", "ST": "22", "Flag": "5"} == sent.header
    assert sent.fields[0].value == "20260701080000"
    assert session.order(order("set_time"), NOW + 1) == frame


def test_a_history_query_is_the_example_of_the_standard() -> None:
    session = WIRE.session(Peers(st="21"))
    at = NOW + HOUR + 360_000
    span = {"BeginTime": "2026-07-01T06:00:00+08:00", "EndTime": NOW}
    assert session.order(order("read_hours", **span), at) == wire(frames.HISTORY)


def test_an_order_is_followed_to_its_result() -> None:
    session = WIRE.session(Peers())
    frame = session.order(order("read_time"), NOW)
    said = [
        session.receive(reply_of(frame, "9011", "QnRtn=1"), NOW)[0].answers[0],
        session.receive(reply_of(frame, "1011", "SystemTime=20260701080000"), NOW)[0].answers[0],
        session.receive(reply_of(frame, "9012", "ExeRtn=1"), NOW)[0].answers[0],
    ]
    assert [one.done for one in said] == [None, None, True]
    assert said[1].data == said[2].data == {"SystemTime": "20260701080000"}
    assert session.receive(reply_of(frame, "9012", "ExeRtn=1"), NOW)[0].answers == []


@pytest.mark.parametrize(
    ("cn", "cp", "done", "word"),
    [
        ("9011", "QnRtn=2", False, "refused"),
        ("9011", "QnRtn=3", False, "wrong PW"),
        ("9012", "ExeRtn=5", False, "busy"),
        ("9012", "ExeRtn=77", False, "of no table"),
    ],
)
def test_a_refusal_says_the_words_of_the_table(cn: str, cp: str, done: bool, word: str) -> None:
    session = WIRE.session(Peers())
    frame = session.order(order("start_realtime"), NOW)
    (turn,) = session.receive(reply_of(frame, cn, cp), NOW)
    assert turn.answers[0].done is done
    assert word in turn.answers[0].detail


def test_a_notice_is_done_when_it_is_answered() -> None:
    session = WIRE.session(Peers())
    frame = session.order(order("stop_realtime"), NOW)
    assert session.receive(reply_of(frame, "9013"), NOW)[0].answers[0].done is True


def test_another_device_does_not_answer_for_it() -> None:
    session = WIRE.session(Peers())
    frame = session.order(order("read_time"), NOW)
    assert session.receive(reply_of(frame, "9012", "ExeRtn=1", mn="M2"), NOW)[0].answers == []


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("dance", {}),
        ("read_hours", {"BeginTime": NOW}),
        ("set_realtime_interval", {"RtdInterval": 29}),
        ("set_minute_interval", {"MinInterval": 7}),
        ("set_password", {"NewPW": "12345"}),
        ("set_time", {"SystemTime": "yesterday"}),
        ("calibrate", {"PolId": "a;CN=1"}),
        ("read_time", {"Speed": 1}),
    ],
)
def test_an_order_that_cannot_be_is_refused(verb: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(CallerFault):
        WIRE.session(Peers()).order(order(verb, **parameters), NOW)


def test_every_verb_has_a_frame() -> None:
    some: dict[str, Any] = {
        "BeginTime": NOW,
        "EndTime": NOW,
        "SKCreateTime": NOW,
        "SystemTime": NOW,
    }
    some |= {"RtdInterval": 30, "MinInterval": 10, "OverTime": 5, "ReCount": 3, "NewPW": "654321"}
    some |= {"PolId": "w01018", "InfoId": "i13004", "Value": "120", "CstartTime": "000000"}
    some |= {"Ctime": 2, "NewSK": "31" * 16}
    session = WIRE.session(Peers())
    for verb, names in WIRE.orders.items():
        frame = session.order(Order(verb, MN, verb, {name: some[name] for name in names}), NOW)
        assert decode(frame).header["Flag"] == "5"


def test_secret_orders_of_2025_are_encrypted() -> None:
    peers = Peers(sm4_key=_KEY, version="2025")
    session = WIRE.session(peers)
    frame = session.order(order("set_key", SKCreateTime=NOW, NewSK="31" * 16), NOW)
    assert b"NewSK" not in frame
    session = WIRE.session(peers)
    (turn,) = session.receive(frame, NOW)
    assert turn.decoded is not None


def test_a_key_that_is_none_makes_no_order() -> None:
    session = WIRE.session(Peers(sm4_key="secret", version="2025"))
    with pytest.raises(CallerFault):
        session.order(order("set_key", SKCreateTime=NOW, NewSK="31" * 16), NOW)


# --- any bytes ---


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_leave_a_reason_or_a_frame(data: bytes) -> None:
    fuzz.one(data)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_spoilt_streams_leave_a_reason_or_a_frame(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(wire(*chance.choices(frames.ALL, k=6)))
    for _ in range(chance.randrange(12)):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = chance.choice(
            (b"", b"#", b"&&", b"\n", b"\xff", b"=")
        )
    fuzz.one(bytes(data))


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), max_size=30))
def test_every_way_to_cut_a_stream_gives_the_same_readings(cuts: list[int]) -> None:
    data = wire(*frames.ALL)
    session = WIRE.session(Peers())
    turns, at = [], 0
    for cut in [*cuts, len(data)]:
        turns += session.receive(data[at : at + cut], NOW)
        at += cut
    names = [one for turn in turns if turn.decoded for one in turn.decoded.readings]
    assert names == [one for turn in heard(data) if turn.decoded for one in turn.decoded.readings]


def test_the_device_is_asked_for_by_its_own_name() -> None:
    asked: list[str] = []

    class Asked(Peers):
        def find(self, address: str) -> Facts | None:
            asked.append(address)
            return None

    heard(wire(frames.AIR), Asked())
    assert set(asked) == {MN}
