"""HJ 212: one frame to what it says, and back."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.network.hj212 import frames
from tests.shared_data import shared
from zhiyin.network.frame import Decoded, FrameFault, Reading
from zhiyin.network.hj212 import decode, encode
from zhiyin.network.hj212.crc import crc
from zhiyin.network.hj212.sm4 import decrypted, encrypted
from zhiyin.network.hj212.tables import factors, tables
from zhiyin.network.model import Reason

_KEY = "30" * 16


def shown(decoded: Decoded) -> dict[str, Any]:
    fields = [{"name": one.name, "value": one.value} for one in decoded.fields]
    return {"header": decoded.header, "fields": fields}


def refused(frame: bytes) -> FrameFault:
    with pytest.raises(FrameFault) as caught:
        decode(frame)
    return caught.value


def real_frames() -> list[dict[str, Any]]:
    path = shared("protocol-frames/hj212_frames.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _as_number(value: object) -> object:
    try:
        return float(str(value))
    except ValueError:
        return value


def test_real_frames_with_a_right_crc_are_read_as_they_are_written() -> None:
    right = [row for row in real_frames() if row["crc_ok"]]
    assert len(right) >= 13
    for row in right:
        decoded = decode(row["raw"].encode())
        assert row["header"].items() <= decoded.header.items()
        assert decoded.header["CP"] == row["cp"]
        items = [item for group in row["cp"].split(";") for item in group.split(",")]
        names = [item.partition("=")[0] for item in items]
        values = [item.partition("=")[2] for item in items]
        assert [one.name for one in decoded.fields] == names
        assert [_as_number(one.value) for one in decoded.fields] == list(map(_as_number, values))
        check = row["raw"][-4:]
        assert encode(shown(decoded)).decode() == row["raw"][:-4] + check.upper() + "\r\n"
        plain = [name for name in names if name.endswith(("-Rtd", "-Avg"))]
        assert [one.name for one in decoded.readings] == plain


def test_real_frames_with_a_wrong_crc_are_refused_for_it() -> None:
    wrong = [row for row in real_frames() if not row["crc_ok"]]
    assert len(wrong) >= 8
    for row in wrong:
        fault = refused(row["raw"].encode())
        assert fault.reason == Reason.CHECKSUM
        assert row["calc_crc"] in fault.detail
        assert fault.header == row["header"]


def test_the_check_is_the_standards_and_not_that_of_modbus() -> None:
    assert crc(b"123456789") == 0x2F80


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_the_folded_check_is_the_one_written_bit_by_bit(data: bytes) -> None:
    assert crc(data) == frames.slow_crc(data)


@pytest.mark.parametrize("frame", frames.ALL)
def test_examples_of_the_standards_come_back_as_they_were(frame: str) -> None:
    assert encode(shown(decode(frames.wire(frame)))) == frames.wire(frame)
    assert decode(frame.encode()) == decode(frame.replace(frame[-4:], frame[-4:].lower()).encode())


def test_readings_have_their_name_unit_and_time() -> None:
    decoded = decode(frames.wire(frames.AIR))
    assert decoded.address == frames.MN
    assert decoded.kind == "2011"
    assert decoded.readings[0] == Reading("2011", "a34004-Rtd", frames.NOW, 45.0, "µg/m³")
    assert [one.value for one in decoded.readings] == [45.0, 78.0, 31.2, 66.0]
    assert decoded.header["version"] == "2017"


def test_a_statistic_keeps_the_start_of_its_period() -> None:
    river = decode(frames.wire(frames.RIVER)).readings
    assert {one.time for one in river} == {frames.NOW}
    assert river[-1] == Reading("2051", "w21003-Max", frames.NOW, 0.6, "mg/L")


def test_noise_is_in_decibels_and_needs_no_flag() -> None:
    noise = decode(frames.wire(frames.NOISE)).readings
    assert noise[5] == Reading("2061", "Leq-Data", frames.NOW - 3_600_000, 57.8, "dB")
    assert len(noise) == 8


def test_states_and_run_times_of_equipment_are_readings() -> None:
    states = decode(frames.data("DataTime=20260701080000;SB1-RS=1;SB2-RS=0", cn="2021").encode())
    assert [(one.name, one.value) for one in states.readings] == [("SB1-RS", 1), ("SB2-RS", 0)]
    times = decode(frames.data("DataTime=20260701000000;SB1-RT=7.5", cn="2041").encode())
    assert (times.readings[0].value, times.readings[0].unit) == (7.5, "h")


def test_log_text_is_a_happening_whatever_stands_in_it() -> None:
    (log,) = decode(frames.wire(frames.LOG)).happenings
    assert (log.kind, log.part, log.data["text"]) == ("log", "w01018", "清洗管路")
    text = "DataTime=20260701090000;PolId=w01018;i11001-Info=//校准;零点=1,量程=2//"
    (log,) = decode(frames.data(text, cn="3020").encode()).happenings
    assert log.data["text"] == "校准;零点=1,量程=2"


def test_hardware_is_a_happening() -> None:
    (hardware,) = decode(frames.wire(frames.HARDWARE)).happenings
    assert hardware.kind == "hardware"
    assert hardware.data["i23007-Info"] == "00163E000001"
    (serial,) = decode(frames.data("w01018-SN=" + "0A" * 12, cn="3019").encode()).happenings
    assert serial.data == {"w01018-SN": "0A" * 12}


@pytest.mark.parametrize("flag", "FMSDCTB")
def test_a_value_flagged_otherwise_than_normal_is_a_field_and_no_reading(flag: str) -> None:
    decoded = decode(
        frames.data(
            f"DataTime=20260701080000;w01018-Rtd=9,w01018-Flag={flag};w01001-Rtd=7"
        ).encode()
    )
    assert [one.name for one in decoded.readings] == ["w01001-Rtd"]
    assert [one.name for one in decoded.fields[1:3]] == ["w01018-Rtd", "w01018-Flag"]


@pytest.mark.parametrize(
    "cp",
    [
        " DataTime=20260701080000; a34004-Rtd=45, a34004-Flag=N",
        "DataTime=20260701080000000;a34004-Rtd=45,a34004-Flag=N",
        "a34004-Rtd=45,a34004-Flag=n,DataTime=20260701080000,",
    ],
)
def test_what_loggers_write_otherwise_is_taken(cp: str) -> None:
    (reading,) = decode(frames.data(cp).encode()).readings
    assert reading == Reading("2011", "a34004-Rtd", frames.NOW, 45.0, "µg/m³")


def test_a_space_before_the_crc_and_gb18030_text_are_taken() -> None:
    spaced = frames.AIR[:-4] + "  " + frames.AIR[-4:]
    assert len(decode(spaced.encode()).readings) == 4
    segment = frames.LOG[6:-4].encode("gb18030")
    frame = b"##%04d%b%04X" % (len(segment), segment, frames.slow_crc(segment))
    assert decode(frame).happenings[0].data["text"] == "清洗管路"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", Reason.INCOMPLETE),
        (b"##02", Reason.INCOMPLETE),
        (frames.AIR[:100].encode(), Reason.INCOMPLETE),
        (b"hello", Reason.MALFORMED),
        (b"##02x6" + frames.AIR[6:].encode(), Reason.MALFORMED),
        (b"##0225" + frames.AIR[6:].encode(), Reason.LENGTH),
        (b"##0326" + frames.AIR[6:].encode(), Reason.LENGTH),
        (b"##9226" + frames.AIR[6:].encode(), Reason.OVERSIZE),
        (frames.AIR.replace("=45", "=46").encode(), Reason.CHECKSUM),
        (frames.wire(frames.AIR, frames.AIR), Reason.MALFORMED),
        (frames.framed("nothing").encode(), Reason.MALFORMED),
        (frames.framed("QN=1;CN=2011;CP=&&&&").encode(), Reason.MALFORMED),
        (frames.framed("CN=20x1;MN=1;CP=&&&&").encode(), Reason.MALFORMED),
        (frames.framed("CN=2011;MN=1;Flag=x;CP=&&&&").encode(), Reason.MALFORMED),
        (frames.framed("CN=2011;MN=1&&").encode(), Reason.MALFORMED),
        (frames.data("w01018-Rtd=1").encode(), Reason.MALFORMED),
        (frames.data("DataTime=20261301080000;w01018-Rtd=1").encode(), Reason.MALFORMED),
        (frames.data("rubbish").encode(), Reason.MALFORMED),
        (frames.data("", cn="2999").encode(), Reason.UNSUPPORTED),
    ],
)
def test_what_is_no_frame_is_refused_with_its_reason(frame: bytes, reason: Reason) -> None:
    assert refused(frame).reason == reason


@pytest.mark.parametrize("value", ["abc", "nan", "inf", "1_0", "١"])
def test_a_value_that_is_no_number_is_named_and_costs_no_other(value: str) -> None:
    cp = f"DataTime=20260701080000;w01018-Rtd={value};w01001-Rtd=7.0"
    decoded = decode(frames.data(cp).encode())
    assert [one.name for one in decoded.readings] == ["w01001-Rtd"]
    assert "w01018-Rtd" in decoded.header["complaint"]


def test_sm4_is_that_of_the_worked_example() -> None:
    plain = frames.SENT_ANEW.split("&&")[1].encode()
    secret = encrypted(plain, _KEY)
    assert secret.hex().startswith(
        "920bba60baef4d7b614d551ee5b712a4f5b58a50b2368f5ed8a40099633cf6ef"
    )
    assert secret[64:] == b"2,a34004-Flag=N"
    assert decrypted(secret, _KEY) == plain


def test_encryption_changes_neither_length_nor_check() -> None:
    plain = frames.wire(frames.SENT_ANEW)
    secret = encode(shown(decode(plain)), key=_KEY)
    assert (len(secret), secret[:6], secret[-6:]) == (len(plain), plain[:6], plain[-6:])
    assert refused(secret).reason == Reason.WRONG_KEY


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({}, Reason.MALFORMED),
        ({"header": {"CN": "2011"}}, Reason.MALFORMED),
        ({"header": {"CN": "2011", "MN": "a;b"}}, Reason.MALFORMED),
        ({"header": {"CN": "2011", "MN": "1", "Flag": "6"}}, Reason.MALFORMED),
        ({"header": {"CN": "2011", "MN": "1", "CP": "a&&b"}}, Reason.MALFORMED),
        ({"header": {"CN": "2011", "MN": "1"}, "fields": [{"name": "a"}]}, Reason.MALFORMED),
        ({"header": {"CN": "2011", "MN": "1", "CP": "a" * 1024}}, Reason.OVERSIZE),
    ],
)
def test_what_no_frame_can_carry_is_not_sent(shape: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(FrameFault) as caught:
        encode(shape)
    assert caught.value.reason == reason


_CODES = st.sampled_from(["a34004", "w01018", "LA", "011", "B01", "zz"])
_SUFFIXES = st.sampled_from(["Rtd", "Avg", "Min", "Max", "Cou"])
_NUMBERS = st.integers(-(10**6), 10**9) | st.integers(-(10**9), 10**9).map(lambda n: n / 1000)


@settings(deadline=None)
@given(
    st.dictionaries(st.tuples(_CODES, _SUFFIXES), _NUMBERS, max_size=12), st.sampled_from("0458")
)
def test_values_come_back_from_a_frame(values: dict[tuple[str, str], float], flag: str) -> None:
    fields: list[dict[str, Any]] = [{"name": "DataTime", "value": "20260701080000"}]
    fields += [{"name": "-".join(name), "value": value} for name, value in values.items()]
    header = {"QN": "2" * 17, "ST": "22", "CN": "2011", "PW": "1", "MN": "M1", "Flag": flag}
    frame = encode({"header": header, "fields": fields})
    decoded = decode(frame)
    assert shown(decoded)["fields"] == fields
    assert [one.value for one in decoded.readings] == list(values.values())
    assert encode(shown(decoded)) == frame


def test_the_tables_have_what_the_standards_have() -> None:
    assert len(factors()) > 200
    assert factors()["w21003"].unit == "mg/L"
    assert (factors()["a34004"].unit, factors()["a34004"].annex_unit) == ("µg/m³", "ng/m³")
    assert {"2013", "2052", "2062", "2111", "9015"} <= {
        one.cn for one in tables().commands if one.since == "2025"
    }


def test_numbers_as_loggers_write_them() -> None:
    cp = "DataTime=20260701080000;a01001-Rtd=-12.5;a01007-Rtd=+1.5;a01008-Rtd=.5;a34004-Rtd=007.10"
    frame = encode({"header": {"CN": "2011", "MN": "A1", "ST": "22", "CP": cp}})
    decoded = decode(frame)
    values = {one.name: one.value for one in decoded.fields}
    assert values["a01001-Rtd"] == -12.5
    assert values["a01007-Rtd"] == 1.5
    assert values["a01008-Rtd"] == 0.5
    assert values["a34004-Rtd"] == 7.1
    assert [one.value for one in decoded.readings] == [-12.5, 1.5, 0.5, 7.1]
    assert encode(shown(decoded)) == frame


def test_codes_are_told_in_words() -> None:
    def titled(cn: str, cp: str) -> tuple[dict[str, Any], list[str]]:
        decoded = decode(encode({"header": {"CN": cn, "MN": "A1", "ST": "32", "CP": cp}}))
        return decoded.header, [one.title for one in decoded.fields]

    header, titles = titled("9011", "QnRtn=3")
    assert (header["title"], header["system"]) == ("请求应答", "地表水体环境污染源")
    assert titles == ["请求应答代码:PW错误"]
    assert titled("9012", "ExeRtn=100")[1] == ["执行结果代码:没有数据"]
    assert titled("2021", "DataTime=20260701080000;SB1-RS=4")[1][1].endswith(":报警")
    flagged = titled("2011", "DataTime=20260701080000;w01018-Rtd=1,w01018-Flag=d")[1][2]
    assert flagged.endswith(":故障")
