"""What a terminal may do on its connection, what it is answered, and what it is refused."""

import random
from typing import Any

import pytest

from tests.network.jt808.terminal import NOW, PHONE, Truck, Vehicles, heard, one, place, values
from zhiyin.network.frame import Facts, Order
from zhiyin.network.jt808.orders import NoOrder
from zhiyin.network.jt808.packets import LIFE
from zhiyin.network.jt808.position import wanted
from zhiyin.network.jt808.session import TRIES, Terminal
from zhiyin.network.model import Reason

REGISTER = {
    "province": 42, "city": 105, "maker": "ZY", "model": "T1", "terminal": "0000001",
    "plate_colour": 2, "plate": "鄂A12345",
}  # fmt: skip


def reasons(truck: Truck) -> list[Reason]:
    return [turn.fault.reason for turn in truck.turns if turn.fault]


@pytest.mark.parametrize("year", [2013, 2019])
@pytest.mark.parametrize("key", ["", "secret-of-1"])
def test_register_authenticate_and_send_positions(year: int, key: str) -> None:
    truck = Truck(one(key), year)
    answer = truck.says("0100", REGISTER)[0]
    assert (answer.kind, values(answer)["result"]) == ("8100", 0)
    assert answer.header["year"] == year
    assert (values(answer)["token"] == key) == bool(key)
    truck.login(values(answer)["token"])
    assert truck.session.address == PHONE
    reply = truck.says("0200", place())[0]
    assert values(reply) == {"answered": 3, "answered_message": "0200", "result": 0}
    decoded = truck.turns[0].decoded
    assert decoded is not None
    found = {one.name: (one.value, one.unit, one.group) for one in decoded.readings}
    assert found["lat"] == (30.553, "°", "0200")
    assert found["mileage"] == (12345.6, "km", "0200")
    assert values(truck.says("0002")[0])["result"] == 0


@pytest.mark.parametrize("year", [2013, 2019])
def test_a_device_with_anothers_key_is_refused(year: int) -> None:
    truck = Truck(one("mine"), year)
    said = {"token": "yours", "imei": "1", "software": ""}
    assert values(truck.says("0102", said)[0])["result"] == 1
    assert reasons(truck) == [Reason.WRONG_KEY]
    for _ in range(TRIES - 1):
        assert not truck.turns[0].close
        truck.says("0102", said)
    assert truck.turns[0].close


def test_without_a_key_only_the_token_that_was_given_holds_unless_open() -> None:
    truck = Truck(one())
    assert values(truck.says("0102", {"token": "guess"})[0])["result"] == 1
    assert values(Truck(one(open=True)).says("0102", {"token": "guess"})[0])["result"] == 0
    given = values(Truck(one()).says("0100", REGISTER)[0])["token"]
    assert values(Truck(one()).says("0102", {"token": given})[0])["result"] == 0  # days later
    secret = one(token_secret="long")
    assert values(Truck(secret).says("0100", REGISTER)[0])["token"] != given


def test_positions_before_an_authentication() -> None:
    truck = Truck(one())
    assert values(truck.says("0200", place())[0])["result"] == 1
    assert reasons(truck) == [Reason.WRONG_KEY]
    truck = Truck(one(require_authentication=False))
    assert values(truck.says("0200", place())[0])["result"] == 0


def test_strangers_and_wrong_terminals() -> None:
    truck = Truck(Vehicles())
    assert values(truck.says("0100", REGISTER)[0]) == {"answered": 1, "result": 4}
    assert reasons(truck) == [Reason.UNKNOWN_DEVICE]
    assert values(truck.says("0200", place())[0])["result"] == 1
    truck = Truck(one("mine", terminal="0000002"))
    assert values(truck.says("0100", REGISTER)[0]) == {"answered": 1, "result": 4}
    assert reasons(truck) == [Reason.WRONG_KEY]
    assert values(Truck(one(plate="鄂A12345")).says("0100", REGISTER)[0])["result"] == 0


def test_a_second_phone_on_a_connection_is_refused() -> None:
    peers = Vehicles(v1=Facts(), v2=Facts("", {"require_authentication": False}))
    truck = Truck(peers, phone="1").login()
    truck.phone = "2"
    assert values(truck.says("0200", place())[0])["result"] == 1
    assert reasons(truck) == [Reason.WRONG_KEY]


def test_unregister_ends_the_authentication() -> None:
    truck = Truck(one()).login()
    assert values(truck.says("0003")[0])["result"] == 0
    assert values(truck.says("0200", place())[0])["result"] == 1


def test_the_time() -> None:
    truck = Truck(one(), 2019)
    assert values(truck.says("0004")[0]) == {"time": "260701001530"}
    truck = Truck(one(time_answer="district"), 2019)
    assert values(truck.says("0004")[0]) == {"time": "260701081530"}


@pytest.mark.parametrize(
    ("change", "reason", "result"),
    [
        ({"encryption": 1}, Reason.UNSUPPORTED, 3),
        ({"message": 0x0091}, Reason.UNSUPPORTED, 3),
        ({"message": 0x8104}, Reason.UNSUPPORTED, 3),
        ({"message": 0x0704}, Reason.LENGTH, 2),
    ],
)
def test_what_is_well_formed_but_not_taken(
    change: dict[str, Any], reason: Reason, result: int
) -> None:
    from zhiyin.network.jt808.framing import Header, write_frame

    truck = Truck(one()).login()
    header = Header(0x0200, PHONE, 9, 2013)._replace(**change)
    body = b"" if change.get("message") else bytes(28)
    reply = truck.hears(write_frame(header, body))[0]
    assert values(reply)["result"] == result
    assert reasons(truck) == [reason]
    assert truck.turns[0].fault.header["serial"] == 9  # type: ignore[union-attr]


def test_a_wrong_check_is_not_answered_and_a_wrong_length_is() -> None:
    truck = Truck(one()).login()
    good = truck.frame("0200", place())
    bad = good[:-2] + bytes((good[-2] ^ 1,)) + good[-1:]
    assert truck.hears(bad) == []
    assert reasons(truck) == [Reason.CHECKSUM]
    short = bytes.fromhex("7E00020001013912345678000A") + b"\x00"
    data = short[1:-1]
    from zhiyin.network.jt808.framing import check_of, escape

    assert values(truck.hears(escape(data + bytes((check_of(data),))))[0])["result"] == 2
    assert reasons(truck) == [Reason.LENGTH]


def test_a_position_without_a_time_or_a_fix() -> None:
    truck = Truck(one()).login()
    truck.says("0200", place(status=1))
    decoded = truck.turns[0].decoded
    assert decoded is not None
    found = {one.name: one.value for one in decoded.readings}
    assert "lat" not in found
    assert found["located"] is False
    assert values(truck.says("0200", place(time=None))[0])["result"] == 2
    assert reasons(truck) == [Reason.MALFORMED]
    truck.says("0200", place(status=3 | 32))  # encrypted coordinates
    assert "lat" not in {one.name for one in truck.turns[0].decoded.readings}  # type: ignore[union-attr]


def test_south_and_west_are_negative() -> None:
    truck = Truck(one()).login()
    truck.says("0200", place(lat=-30.5, lon=-114.25))
    found = {one.name: one.value for one in truck.turns[0].decoded.readings}  # type: ignore[union-attr]
    assert (found["lat"], found["lon"]) == (-30.5, -114.25)


def test_batches_have_the_time_of_each_position() -> None:
    truck = Truck(one()).login()
    times = ["2026-07-01T08:00:00+08:00", "2026-07-01T08:05:00+08:00"]
    batch = {"batch_type": 1, "positions": [place(time=time) for time in times]}
    assert values(truck.says("0704", batch)[0])["result"] == 0
    decoded = truck.turns[0].decoded
    assert decoded is not None
    assert (decoded.kind, decoded.header["batch_type"], decoded.header["blind"]) == (
        "0704",
        1,
        True,
    )
    assert {one.group for one in decoded.readings} == {"0200"}
    lats = [one.time for one in decoded.readings if one.name == "lat"]
    assert [time - NOW for time in lats] == [-930_000, -630_000]


def rises(truck: Truck, alarm: int) -> list[str]:
    truck.says("0200", place(alarm=alarm))
    decoded = truck.turns[0].decoded
    assert decoded is not None
    return [happening.part for happening in decoded.happenings]


def test_an_alarm_happens_once_when_its_bit_rises() -> None:
    truck = Truck(one()).login()
    steps = [1, 1, 3, 0, 1 | 1 << 29, 1 << 29 | 1 << 31]
    assert [rises(truck, alarm) for alarm in steps] == [
        ["emergency"], [], [], [], ["emergency", "collision"], ["illegal_door"],
    ]  # fmt: skip
    truck = Truck(one(alarm_happenings=["over_speed", 2])).login()
    assert rises(truck, 0b111) == ["over_speed", "fatigue"]


def test_settings_name_bits_and_vendor_items() -> None:
    items = {
        "E1": {"name": "cover", "bytes": 1, "bit": 0},
        "E2": [
            {"name": "weight", "bytes": 4, "width": 2, "scale": 0.1, "unit": "t"},
            {"name": "lift", "bytes": 4, "at": 3, "bit": 7},
        ],
        "2A": {"name": "spraying", "bytes": 2, "bit": 2},
    }
    truck = Truck(one(items=items, bits=["alarm_over_speed", "custom"])).login()
    sent = {"E1": "01", "E2": "00C80080", "2A": 4, "E3": "0102"}
    truck.says("0200", place(alarm=2, status=3 | 1 << 17 | 3 << 8, items=sent))
    found = {one.name: one.value for one in truck.turns[0].decoded.readings}  # type: ignore[union-attr]
    assert found["load"] == 3
    assert found["alarm_over_speed"] is found["custom"] is found["cover"] is True
    assert found["lift"] is found["spraying"] is True
    assert found["weight"] == pytest.approx(20.0)
    assert wanted({}).mapped == {}


def test_settings_that_are_none_are_shown_and_positions_go_on() -> None:
    truck = Truck(one(items={"XX": 1})).login()
    assert values(truck.says("0200", place())[0])["result"] == 0
    decoded = truck.turns[0].decoded
    assert decoded is not None
    assert "not understood" in decoded.header["settings_fault"]
    assert decoded.readings


# Bytes ------------------------------------------------------------------------------------------


def test_two_frames_in_a_segment_one_byte_by_byte_and_half_of_one() -> None:
    truck = Truck(one()).login()
    first, second = truck.frame("0200", place()), truck.frame("0002")
    assert len(truck.hears(first + second)) == 2
    replies = [said for byte in first for said in truck.hears(bytes((byte,)))]
    assert len(replies) == 1
    assert truck.hears(first[:20]) == []
    (turn,) = truck.session.ended(NOW)
    assert turn.fault is not None
    assert turn.fault.reason is Reason.INCOMPLETE
    assert turn.frame == first[:20]


def test_garbage_is_skipped_once_and_frames_behind_it_are_read() -> None:
    truck = Truck(one()).login()
    good = truck.frame("0200", place())
    assert len(truck.hears(good + b"HELLO" + good)) == 2
    assert reasons(truck) == [Reason.MALFORMED]
    assert len(truck.hears(good[:30] + good)) == 1  # half a frame, then a whole one
    assert len(truck.hears(good + good[1:])) == 2  # one mark between two
    assert reasons(truck) == []


def test_a_megabyte_without_a_mark_is_one_fault_of_bounded_size() -> None:
    truck = Truck(one()).login()
    good = truck.frame("0002")
    assert len(truck.hears(b"\x7e" + bytes(1_000_000) + good)) == 1
    assert reasons(truck) == [Reason.OVERSIZE]
    assert len(truck.turns[0].frame) <= 4096
    for _ in range(100):
        truck.hears(b"\x55" * 10_000)
        assert truck.turns == []
    assert len(truck.hears(good)) == 1
    assert "1000001 bytes" in str(truck.turns[0].fault)
    assert len(truck.session.receive(b"\x7e\x00" * 500_000, NOW)) == 1


# Packets ----------------------------------------------------------------------------------------

PICTURE = bytes(range(256)) * 12
MEDIA = {
    "media": 77, "media_type": 0, "format": 0, "event": 3, "channel": 2, "data": PICTURE.hex(),
    **{name: value for name, value in place().items() if name != "items"},
}  # fmt: skip


@pytest.mark.parametrize("year", [2013, 2019])
def test_a_picture_in_packets_of_any_order(year: int) -> None:
    truck = Truck(one(), year).login()
    frames = truck.frames("0801", MEDIA)
    assert len(frames) > 3
    random.Random(1).shuffle(frames)
    replies = [truck.hears(frame)[0] for frame in [*frames[:1], *frames]]  # the first one twice
    assert {said.kind for said in replies[:-1]} == {"8001"}
    assert (replies[-1].kind, values(replies[-1])) == ("8800", {"media": 77})
    decoded = truck.turns[0].decoded
    assert decoded is not None
    (happening,) = decoded.happenings
    assert (happening.kind, happening.picture_type) == ("media", "image/jpeg")
    assert happening.picture == PICTURE
    assert happening.place == (114.218, 30.553)
    assert happening.time == NOW


def test_missing_packets_are_asked_for_once_and_given_up_in_time() -> None:
    truck = Truck(one(), 2019).login()
    frames = truck.frames("0801", MEDIA)
    for frame in frames[:1] + frames[2:-1]:
        truck.hears(frame)
    answer, again = truck.hears(frames[-1])
    assert (answer.kind, again.kind) == ("8001", "8003")
    assert values(again) == {"answered": 3, "packets": [2]}
    assert len(truck.hears(frames[-1])) == 1
    truck.hears(b"", NOW + LIFE + 1)
    assert reasons(truck) == [Reason.INCOMPLETE]
    assert truck.turns[0].frame == frames[0]


def test_unfinished_sets_are_bounded_and_reported_at_the_end() -> None:
    from zhiyin.network.jt808.framing import Header, write_frame

    truck = Truck(one()).login()
    found = []
    for total in range(2, 40):
        header = Header(0x0801, PHONE, total, 2013, 0, 0, total, 1)
        truck.hears(write_frame(header, bytes(1000)))
        found += reasons(truck)
    assert found == [Reason.INCOMPLETE] * 34
    assert len(truck.session.ended(NOW)) == 4
    found = []
    for number in range(1, 1300):
        header = Header(0x0801, PHONE, number, 2013, 0, 0, 60_000, number)
        truck.hears(write_frame(header, bytes(1000)))
        found += reasons(truck)
    assert found == [Reason.OVERSIZE]


# Orders -----------------------------------------------------------------------------------------


def order(truck: Truck, verb: str, **parameters: Any) -> Any:
    sent = truck.session.order(Order("o1", PHONE, verb, parameters), NOW)
    (message,) = heard(sent)
    return message


def test_a_position_is_asked_and_answered() -> None:
    truck = Truck(one()).login()
    asked = order(truck, "ask_position")
    assert asked.kind == "8201"
    truck.says(
        "0001", {"answered": asked.header["serial"], "answered_message": "8201", "result": 0}
    )
    assert [answer.done for answer in truck.turns[0].answers] == [None]
    truck.says("0201", {"answered": asked.header["serial"], **place()})
    (answer,) = truck.turns[0].answers
    assert (answer.order, answer.done, answer.data["speed"]) == ("o1", True, 30.5)
    assert truck.turns[0].decoded.readings[0].group == "0200"  # type: ignore[union-attr]
    truck.says("0201", {"answered": asked.header["serial"], **place()})
    assert truck.turns[0].answers == []


@pytest.mark.parametrize("year", [2013, 2019])
def test_orders_are_the_messages_of_the_standard(year: int) -> None:
    truck = Truck(one(), year).login()
    said = order(truck, "set_parameters", parameters={"heartbeat_interval": 30, "0013": "10.0.0.1"})
    assert said.kind == "8103"
    assert values(said) == {"heartbeat_interval": 30, "server": "10.0.0.1"}
    truck.says("0001", {"answered": said.header["serial"], "answered_message": "8103", "result": 1})
    assert [(one.done, one.detail) for one in truck.turns[0].answers] == [(False, "failed")]
    said = order(truck, "read_parameters", ids=["heartbeat_interval", 0x29])
    assert (said.kind, values(said)["ids"]) == ("8106", [1, 0x29])
    truck.says("0104", {"answered": said.header["serial"], "parameters": {"0001": 30}})
    assert truck.turns[0].answers[0].data["parameters"] == {"0001": 30}
    assert order(truck, "read_parameters").kind == "8104"
    assert values(order(truck, "track", interval=10, duration=600))["duration"] == 600
    assert values(order(truck, "confirm_alarm", alarms=1))["alarms"] == 1
    assert values(order(truck, "text", text="前方积水"))["text"] == "前方积水"
    assert values(order(truck, "control", command=4))["command"] == 4
    flags = {"flags": 1} if year == 2013 else {"controls": [{"control": 1, "value": 1}]}
    assert order(truck, "vehicle_control", **flags).kind == "8500"
    photo = order(truck, "take_photo", channel=2)
    assert values(photo)["channel"] == 2
    truck.says("0805", {"answered": photo.header["serial"], "result": 0, "media": [5, 6]})
    assert truck.turns[0].answers[0].data["media"] == [5, 6]


def test_orders_that_cannot_be() -> None:
    truck = Truck(one())
    with pytest.raises(NoOrder, match="not authenticated"):
        order(truck, "ask_position")
    truck.login()
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("fly", {}, "none of"), ("track", {"height": 1}, "has no height"),
        ("track", {}, "interval is not given"), ("track", {"interval": -1}, "interval"),
        ("set_parameters", {"parameters": {"heartbeat_interval": "30"}}, "should be a number"),
        ("set_parameters", {"parameters": {"no_such": 1}}, "no_such"),
    ]  # fmt: skip
    for verb, parameters, why in cases:
        with pytest.raises(NoOrder, match=why):
            order(truck, verb, **parameters)
    with pytest.raises(NoOrder, match="is not here"):
        truck.session.order(Order("o", "999", "ask_position"), NOW)


def test_a_long_order_goes_in_packets() -> None:
    truck = Truck(one(), 2019).login()
    points = [{"lat": 30.5 + n / 1000, "lon": 114.2} for n in range(300)]
    sent = truck.session.order(
        Order("o1", PHONE, "set_polygon", {"area": 1, "points": points}), NOW
    )
    found = heard(sent)
    assert [one.header["index"] for one in found] == [1, 2, 3]
    assert isinstance(truck.session, Terminal)
