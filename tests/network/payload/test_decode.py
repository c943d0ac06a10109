"""Messages of device clouds, as their platforms write them, and as nobody should."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.network.frame import FrameFault
from zhiyin.network.mapping import MappingWrong
from zhiyin.network.model import Reason
from zhiyin.network.payload import Context, PayloadMapping, PayloadRow, builtin_payloads, decode
from zhiyin.network.payload.decode import mapping_of
from zhiyin.network.payload.load import load_payload

MS = 1_483_228_800_000
LIMIT = 1 << 20


def read(name: str, message: Any, topic: str = "", **query: str) -> list[tuple[Any, ...]]:
    mapping = builtin_payloads()[name]
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    found = decode(mapping, body, Context(topic, {}, query), LIMIT)
    assert found.troubles == []
    return [(row.device, row.property, row.time, row.value) for row in found.rows]


def test_thingsboard_gateway() -> None:
    message = {"A": [{"ts": MS, "values": {"t": 42, "h": 80}}], "B": [{"t": 1}, {"t": 2}]}
    assert read("thingsboard", message, "v1/gateway/telemetry") == [
        ("A", "t", MS, 42), ("A", "h", MS, 80), ("B", "t", None, 1), ("B", "t", None, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "rows"),
    [
        ({"t": 1}, [("d", "t", None, 1)]),
        ({"ts": MS, "values": {"t": 1}}, [("d", "t", MS, 1)]),
        ([{"t": 1}, {"ts": MS, "values": {"t": 2}}], [("d", "t", None, 1), ("d", "t", MS, 2)]),
    ],
)
def test_thingsboard_device_over_http(message: Any, rows: Any) -> None:
    assert read("thingsboard_device", message, device="d") == rows


def test_onenet_properties_and_pushes() -> None:
    post = {"id": "1", "version": "1.0", "params": {"depth": {"value": 1.5, "time": MS}}}
    assert read("onenet", post, "$sys/p/d1/thing/property/post") == [("d1", "depth", MS, 1.5)]
    point = {"type": 1, "dev_id": 77, "ds_id": "depth", "at": MS, "value": 3}
    signed = {"nonce": "x", "signature": "y"}
    for msg in (json.dumps(point), json.dumps([point]), point):
        assert read("onenet", {"msg": msg, **signed}) == [("77", "depth", MS, 3)]
    thing = {"notifyType": "property", "deviceName": "d1", "data": {"params": post["params"]}}
    assert read("onenet", {"msg": json.dumps(thing), **signed}) == [("d1", "depth", MS, 1.5)]
    assert read("onenet", {"msg": json.dumps({"type": 2, "status": 1}), **signed}) == []


def ctwing(payload: Any, kind: str = "dataReport") -> dict[str, Any]:
    return {"upPacketSN": -1, "upDataSN": -1, "topic": "v1/up/ad", "timestamp": MS,
            "tenantId": "1", "serviceId": "1", "protocol": "lwm2m", "productId": "2",
            "payload": payload, "messageType": kind, "deviceType": "", "deviceId": "d9",
            "assocAssetId": "", "IMSI": "", "IMEI": ""}  # fmt: skip


def test_ctwing_service_data_and_json_in_base64() -> None:
    told = {"serviceId": "1", "serviceData": {"depth": 1.5}}
    assert read("ctwing", ctwing(told)) == [("d9", "depth", MS, 1.5)]
    packed = base64.b64encode(b'{"depth": 1.5}').decode()
    assert read("ctwing", ctwing({"APPdata": packed})) == [("d9", "depth", MS, 1.5)]
    assert read("ctwing", ctwing({}, "deviceOnlineOfflineReport")) == []


def test_iotda_over_mqtt_and_http() -> None:
    services = [
        {"service_id": "a", "properties": {"depth": 1}, "event_time": "20170101T000000Z"},
        {"service_id": "b", "properties": {"level": 2}},
    ]
    rows = [("d5", "depth", MS, 1), ("d5", "level", None, 2)]
    topic = "$oc/devices/d5/sys/properties/report"
    assert read("iotda", {"services": services}, topic) == rows
    subs = {"devices": [{"device_id": "d5", "services": services}]}
    below = "$oc/devices/gate/sys/gateway/sub_devices/properties/report"
    assert read("iotda", subs, below) == rows
    forwarded = {
        "resource": "device.property", "event": "report", "event_time": "20170101T000000Z",
        "notify_data": {"header": {"device_id": "d5"}, "body": {"services": services}},
    }  # fmt: skip
    assert read("iotda", forwarded) == rows


def test_topics_find_their_mapping() -> None:
    known = builtin_payloads()

    def name(topic: str) -> str:
        found = mapping_of(known, topic)
        return found.payload if found else ""

    assert name("v1/gateway/telemetry") == "thingsboard"
    assert name("$sys/p/d/thing/property/post") == "onenet"
    assert name("$oc/devices/d/sys/properties/report") == "iotda"
    assert name("v1/devices/me/telemetry") == ""  # nobody tells whose user name it was
    assert name("v1/gateway/telemetry/more") == ""


def written(folder: Path, text: str) -> PayloadMapping:
    file = folder / "m.yaml"
    file.write_text("payload: m\ntitle: {zh-CN: 试, en: test}\n" + text, "utf-8")
    return load_payload(file)


def test_a_transparent_payload_by_its_layout(tmp_path: Path) -> None:
    mapping = written(
        tmp_path,
        """
forms:
  - when: {messageType: [dataReport]}
    device: deviceId
    time: {at: timestamp}
    values:
      as: bytes
      at: payload.APPdata
      layout:
        - {name: lvl, at: 2, as: u16, scale: 0.001}
        - {name: temp, at: 4, as: i16, order: little, scale: 0.1}
names: {lvl: depth, temp: {property: water_temperature, unit: degF}}
""",
    )
    payload = {
        "APPdata": base64.b64encode(bytes.fromhex("aa55 04d2 ceff".replace(" ", ""))).decode()
    }
    found = decode(mapping, json.dumps(ctwing(payload)).encode(), Context(), LIMIT)
    assert found.rows == [
        PayloadRow("d9", "depth", MS, 1.234), PayloadRow("d9", "water_temperature", MS, -5, "degF"),
    ]  # fmt: skip
    short = ctwing({"APPdata": base64.b64encode(b"\xaa").decode()})
    found = decode(mapping, json.dumps(short).encode(), Context(), LIMIT)
    assert (found.rows, found.trouble_count) == ([], 1)
    assert "lvl is at byte 2" in found.troubles[0]


def test_arrays_lists_bare_values_and_times(tmp_path: Path) -> None:
    columns = written(
        tmp_path,
        """
forms:
  - device: id
    time: {format: "%Y-%m-%d %H:%M:%S"}
    values: {as: columns, at: rows, columns: [at, depth, "-", flow], time: at}
others: ignore
text_numbers: true
names: {depth: depth}
""",
    )
    body = {"id": 5, "rows": [["2017-01-01 08:00:00", "1.5", "x", 2], ["noon", 1, 1, 1], [1]]}
    found = decode(columns, json.dumps(body).encode(), Context(), LIMIT)
    assert found.rows == [PayloadRow("5", "depth", MS, 1.5)]
    assert found.trouble_count == 2
    bare = written(
        tmp_path,
        """
forms:
  - topics: ["maker/{device}/{property}/state"]
    device: topic
    values: {as: bare}
""",
    )
    context = Context("maker/d1/depth/state")
    assert decode(bare, b"1.5", context, LIMIT).rows == [PayloadRow("d1", "depth", None, 1.5)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 1000 + b"]" * 1000, "nested deeper"),
        (b"[" * 200_000, "nested deeper"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper"),
        (b'{"device":"d","values":{"a":NaN}}', "NaN is no JSON number"),
        (b'{"device":"d","values":{"a":-Infinity}}', "-Infinity is no JSON number"),
        (b'{"device":"d","values":{"a":1e999}}', "beyond what a double holds"),
        (b'{"device":"d","values":{"a":' + b"9" * 5000 + b"}}", "5000 digits"),
        (b'{"device":"d","device":"e","values":{"a":1}}', "stands twice"),
        (b'{"device":"\\ud800","values":{"a":1}}', "half a character"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_what_could_mean_two_things_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(FrameFault) as caught:
        decode(builtin_payloads()["plain"], body, Context(), LIMIT)
    assert caught.value.reason == Reason.MALFORMED
    assert says in caught.value.detail


def test_a_body_above_the_limit_and_an_unknown_form() -> None:
    with pytest.raises(FrameFault) as caught:
        decode(builtin_payloads()["plain"], b" " * 11, Context(), 10)
    assert caught.value.reason == Reason.OVERSIZE
    with pytest.raises(FrameFault) as caught:
        decode(builtin_payloads()["ctwing"], b'{"messageType":"odd"}', Context(), LIMIT)
    assert caught.value.reason == Reason.UNSUPPORTED


def test_a_bad_record_leaves_its_neighbours() -> None:
    body = [{"device": "a", "time": MS, "values": {"x": 1}}, {"values": {"x": 2}}, 7,
            {"device": "b", "time": "noon", "values": {"x": 3}},
            {"device": "c", "time": MS, "values": [1]}]  # fmt: skip
    found = decode(builtin_payloads()["plain"], json.dumps(body).encode(), Context(), LIMIT)
    assert found.rows == [PayloadRow("a", "x", MS, 1)]
    assert found.trouble_count == 4
    assert len(found.troubles) == 3  # the others are counted


KEYS = [
    "values", "ts", "msg", "type", "params", "services", "properties", "payload", "messageType",
    "deviceId", "APPdata", "device", "time", "value", "serviceData", "dataReport",
]  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(KEYS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(KEYS) | st.text(), inner, max_size=4
    ),
    max_leaves=20,
)  # fmt: skip
TOPICS = ["", "v1/gateway/telemetry", "$sys/p/d/thing/property/post",
          "$oc/devices/d/sys/properties/report"]  # fmt: skip


@given(anything | st.binary(), st.sampled_from(TOPICS), st.sampled_from(sorted(builtin_payloads())))
def test_whatever_comes_is_read_or_refused(message: Any, topic: str, name: str) -> None:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    try:
        found = decode(builtin_payloads()[name], body, Context(topic, {}, {"device": "d"}), LIMIT)
    except FrameFault:
        return
    assert all(0 < len(row.device) <= 256 for row in found.rows)
    json.dumps([list(row) for row in found.rows])


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("forms: []\n", "length >= 1", 3),
        ("forms:\n  - device: topic\n    values: {as: bare}\n", "needs {device}", 4),
        ("forms:\n  - topics: ['a/+/b']\n    device: x\n    values: {}\n", "without + #", 4),
        ("forms:\n  - device: x\n    values: {as: bytes}\n", "`layout` names", 5),
        ("forms:\n  - {device: x, values: {}}\nnmaes: {}\n", "unknown field `nmaes`", 1),
    ],
)
def test_a_wrong_mapping_is_told_with_its_line(
    tmp_path: Path, text: str, says: str, line: int
) -> None:
    with pytest.raises(MappingWrong) as caught:
        written(tmp_path, text)
    assert says in caught.value.text("en")
    assert caught.value.where.split(":")[1] == str(line)
