"""Frames that others wrote: real terminals, and two other projects' tests."""

import json
import re
from typing import Any

import msgspec
import pytest

from tests.shared_data import shared
from zhiyin.network.frame import Decoded, FrameFault
from zhiyin.network.jt808 import WIRE
from zhiyin.network.jt808.layout import gather

# Frames of the tests of another project that its own check or length refuses.
CHECKSUM = {26, 27, 31, 32, 33, 34, 35, 45, 46, 47, *range(77, 85)}
LENGTH = {24, 25, 37, 43, 56}
UNKNOWN = {38, 39, 85, 86, 88}  # 0304, 0091, 0093: no layout is known
# Text with bytes that are no GBK, or padded within a text that has a length of its own.
ONE_WAY = {"jt808-041", "jt808-057", "jt808-074", "jt808p-048", "jt808p-049"}
PAIRS_UNKNOWN = {"1210", "9208"}  # files of a provincial extension


def lines(name: str) -> list[dict[str, Any]]:
    path = shared("protocol-frames") / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def printed(decoded: Decoded) -> dict[str, Any]:
    """What `zhiyin decode` prints, through JSON and back."""
    found: dict[str, Any] = json.loads(
        msgspec.json.encode({"header": decoded.header, "fields": decoded.fields})
    )
    return found


def test_frames_of_other_projects() -> None:
    seen = 0
    for line in lines("jt808_frames.jsonl"):
        number, frame = int(line["id"][-3:]), bytes.fromhex(line["hex"])
        seen += 1
        wrong = {
            "checksum": number in CHECKSUM, "length": number in LENGTH,
            "unsupported": number in UNKNOWN,
        }  # fmt: skip
        assert (number in CHECKSUM) == (not line["checksum_ok"])
        if not any(wrong.values()):
            decoded = WIRE.decode(frame)
            assert decoded.kind == line["msg_id"]
            assert decoded.header["phone"] == line["phone"]
            assert decoded.header["serial"] == line["serial"]
            assert (decoded.header["year"] == 2019) == line["version2019"]
            if line["id"] not in ONE_WAY:
                assert WIRE.encode(printed(decoded)) == frame, line["id"]
            continue
        with pytest.raises(FrameFault) as fault:
            WIRE.decode(frame)
        assert wrong[fault.value.reason], (line["id"], fault.value.detail)
        assert fault.value.header["message"] == line["msg_id"]
    assert seen == 88


NAMES = {
    "responseSerialNo": "answered", "resultCode": "result", "provinceId": "province",
    "cityId": "city", "makerId": "maker", "deviceModel": "model", "deviceId": "terminal",
    "plateColor": "plate_colour", "plateNo": "plate", "softwareVersion": "software",
    "deviceType": "device_type", "hardwareVersion": "hardware", "firmwareVersion": "firmware",
    "gnssAttribute": "gnss", "networkAttribute": "network", "eventId": "event",
    "answerId": "answer", "warnBit": "alarm", "statusBit": "status", "latitude": "lat",
    "longitude": "lon", "deviceTime": "time", "channelId": "channel", "cardStatus": "card",
    "licenseNo": "licence", "licenseValidPeriod": "licence_until", "idCard": "identity",
    "getOnCount": "got_on", "getOffCount": "got_off", "startTime": "from", "endTime": "until",
    "channelNo": "channel", "validityPeriod": "duration", "maxSpeed": "max_speed",
    "nightMaxSpeed": "night_max_speed", "latitudeUL": "north", "longitudeUL": "west",
    "latitudeLR": "south", "longitudeLR": "east", "routeId": "section", "upperLimit": "longest",
    "lowerLimit": "shortest", "phoneNumber": "number", "mediaId": "media", "tcpPort": "tcp_port",
    "udpPort": "udp_port", "ip": "host", "mediaType": "media_type", "streamType": "stream",
    "storageType": "storage", "playbackMode": "mode", "playbackSpeed": "speed",
    "playbackTime": "from", "closeType": "close", "packetLossRate": "loss", "username": "user",
    "audioFormat": "audio_format", "audioChannels": "audio_channels",
    "audioSamplingRate": "audio_rate", "audioBitDepth": "audio_bits",
    "audioFrameLength": "audio_frame", "audioSupport": "audio_out",
    "videoFormat": "video_format", "maxAudioChannels": "audio_most",
    "maxVideoChannels": "video_most", "packet": "data", "dateTime": "time",
}  # fmt: skip
OWN: dict[str, dict[str, str]] = {
    "0108": {"type": "upgrade"}, "0303": {"type": "information"}, "0704": {"type": "batch_type"},
    "0705": {"id": "can_id"}, "0800": {"id": "media", "type": "media_type"},
    "0801": {"id": "media", "type": "media_type"}, "0802": {"id": "media", "type": "media_type"},
    "0805": {"id": "media"}, "8003": {"id": "packets"}, "8106": {"id": "ids"},
    "8108": {"type": "upgrade", "version": "software"}, "8203": {"type": "alarms"},
    "8300": {"sign": "flags", "type": "text_type", "content": "text"},
    "8301": {"type": "action", "id": "event", "content": "text"},
    "8302": {"sign": "flags", "content": "question"},
    "8303": {"type": "action"}, "8304": {"type": "information", "content": "text"},
    "8400": {"type": "action"}, "8401": {"type": "action", "sign": "direction", "phone": "number"},
    "8500": {"type": "flags"}, "8601": {"id": "areas"}, "8603": {"id": "areas"},
    "8605": {"id": "areas"}, "8607": {"id": "areas"}, "8600": {"id": "area"},
    "8602": {"id": "area"}, "8604": {"id": "area"}, "8606": {"id": "route"},
    "8800": {"id": "packets"}, "8802": {"type": "media_type"}, "8803": {"type": "media_type"},
    "8804": {"time": "duration", "save": "keep", "audioSamplingRate": "rate"},
    "8805": {"id": "media"}, "9301": {"param1": "direction", "param2": "speed"},
    "9302": {"param": "setting"}, "1211": {"type": "file_type"},
    "9212": {"type": "file_type"}, "0900": {"key": "content"},
}  # fmt: skip
DURATION = {"8600", "8602", "8604", "8606"}
NOT_OURS = {
    "messageId", "properties", "protocolVersion", "clientId", "serialNo", "verified", "total",
}  # fmt: skip


def plain(value: Any) -> Any:
    """Bring a time of either project to twelve digits."""
    if isinstance(value, str) and re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:]{8}(\+08:00)?", value):
        return re.sub(r"\D", "", value[2:19])
    return value


def agree(  # noqa: C901, PLR0912
    kind: str, theirs: dict[str, Any], ours: dict[str, Any], where: str
) -> int:
    """Compare what theirs names with ours; return how many values were compared."""
    count = 0
    for name, value in theirs.items():
        if name in NOT_OURS or (kind, name) in {("8300", "type"), ("8500", "param")}:
            continue
        if name == "duration" and kind in DURATION:
            key = "over_speed_time"
        else:
            key = OWN.get(kind, {}).get(name) or NAMES.get(name, name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lists = [one for one in ours.values() if isinstance(one, list)]
            assert len(lists) == 1, where
            assert len(lists[0]) == len(value), where
            row_kind = {"8606": "8606 point", "8302": "8302 answer", "8303": "8303 item"}
            for at, row in enumerate(value):
                count += agree(row_kind.get(kind, kind), row, lists[0][at], f"{where}[{at}]")
        elif name == "location":
            count += agree(kind, value, ours, where)
        elif name == "attributes":
            assert [f"{int(item):02X}" for item in value] == list(ours["items"]), where
        elif name == "parameters":
            assert [f"{int(item):04X}" for item in value] == list(ours["parameters"]), where
        elif name in {"latitude", "longitude"} or name.startswith(("latitude", "longitude")):
            assert round(abs(ours[key]) * 1e6) == value, f"{where} {name}"  # they drop the sign
        elif name == "responseMessageId":
            assert int(ours["answered_message"], 16) == value
        elif kind == "0705" and name in {"id", "data"}:
            number = value if name == "id" else int.from_bytes(bytes(value), "big")
            assert int(ours[key], 16) == number
        elif kind == "0705" and name == "dateTime":
            assert ours["time"].lstrip("0") == value
        elif name == "speed" and kind[:2] in {"02", "07", "08"}:
            assert ours["speed"] == value / 10
        elif name in {"warnBit1", "warnBit2"} or (kind[0] in "19" and name == "warnBit"):
            assert int(ours["alarms"], 16) == value
        elif name == "packet" and isinstance(value, str):
            assert ours[key] == value.upper()
        elif kind == "8108" and name == "packet":
            assert list(bytes.fromhex(ours["data"])) == value
        elif kind == "9212" and name == "items":
            assert [ours["missing"][0]["offset"], ours["missing"][0]["length"]] == value
        elif kind == "0900":
            assert name == "message" or ours[key] == value
        elif kind == "8A00":
            assert name == "n" or ours[key] == value
        else:
            assert plain(ours[key]) == plain(value), f"{where} {name}: {ours[key]} is not {value}"
        count += 1
    return count


OWN |= {
    "8606 point": {"id": "point", "duration": "over_speed_time"},
    "8302 answer": {"id": "answer", "content": "text"},
    "8303 item": {"type": "information", "name": "text"},
}


def test_pairs_with_what_another_project_made_of_them() -> None:
    kinds, count = set(), 0
    for line in lines("jt808_pairs.jsonl"):
        frame = bytes.fromhex(line["hex"])
        if line["msg_id"] in PAIRS_UNKNOWN:
            with pytest.raises(FrameFault, match="no known layout"):
                WIRE.decode(frame)
            continue
        decoded, theirs = WIRE.decode(frame), line["decoded"]
        assert decoded.header["phone"] == theirs["clientId"]
        assert decoded.header["serial"] == theirs["serialNo"]
        assert decoded.kind == f"{theirs['messageId']:04X}"
        said = printed(decoded)
        count += agree(decoded.kind, theirs, gather(said["fields"]), line["id"])
        if line["id"] not in ONE_WAY:
            assert WIRE.encode(said) == frame, line["id"]
        kinds.add(decoded.kind)
    assert len(kinds) == 62
    assert count > 400


OWN_2013 = (
    "7E0200002C0139123456780005000000000008000301D233A806CED410001A0131005C26070108153001040001"
    "E2400302013630011F31010EAF7E"
)
OWN_2019 = (
    "7E0200402C01000000000139123456780005000000000008000301D233A806CED410001A0131005C2607010815"
    "3001040001E2400302013630011F31010EEE7E"
)
PUBLISHED = (
    "7E02000026123456789012007D02000000010000000200BA7F0E07E4F11C0028003C00001810151010100104"
    "000000640202007D01137E"
)


@pytest.mark.parametrize("text", [OWN_2013, OWN_2019])
def test_positions_of_both_editions(text: str) -> None:
    decoded = WIRE.decode(bytes.fromhex(text))
    assert decoded.address == "13912345678"
    assert decoded.header["serial"] == 5
    values = {reading.name: reading.value for reading in decoded.readings}
    assert values == {
        "lat": 30.553, "lon": 114.218, "altitude": 26, "speed": 30.5, "direction": 92,
        "acc": True, "located": True, "load": 0, "mileage": 12345.6, "recorder_speed": 31.0,
        "signal": 31, "satellites": 14,
    }  # fmt: skip
    assert {reading.time for reading in decoded.readings} == {1782864930000}
    fields = {field.name: field.value for field in decoded.fields}
    assert fields["status"] == 0x00080003
    assert fields["states"] == ["acc", "located", "beidou"]
    assert fields["time"] == "2026-07-01T08:15:30+08:00"
    assert WIRE.encode(printed(decoded)).hex().upper() == text


def test_the_published_position_shows_both_escapes() -> None:
    decoded = WIRE.decode(bytes.fromhex(PUBLISHED))
    assert decoded.header["serial"] == 126
    fields = {field.name: field.value for field in decoded.fields}
    assert fields["alarms"] == ["emergency"]
    assert (fields["lat"], fields["lon"]) == (12.222222, 132.444444)
    assert (fields["altitude"], fields["speed"]) == (40, 6.0)
    assert fields["time"] == "2018-10-15T10:10:10+08:00"
    assert (fields["mileage"], fields["fuel"]) == (10.0, 12.5)
    assert [one.data["alarm"] for one in decoded.happenings] == ["emergency"]
    assert decoded.happenings[0].place == (132.444444, 12.222222)


def test_the_platforms_answer() -> None:
    said = {
        "header": {"message": "8001", "phone": "013912345678", "serial": 9, "year": 2013},
        "fields": [
            {"name": "answered", "value": 5}, {"name": "answered_message", "value": "0200"},
            {"name": "result", "value": 0},
        ],
    }  # fmt: skip
    assert WIRE.encode(said).hex().upper() == "7E8001000501391234567800090005020000BA7E"
