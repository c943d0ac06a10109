"""Platforms push over HTTP and MQTT: proven, read by mapping, in once, or kept with the reason."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import psutil
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.brains import RunningBrain, until
from tests.rooms import kept, new_device, stored
from zhiyin.kernel import HOUR, iso, new_id


def now() -> int:
    return time.time_ns() // 1_000_000


def push(
    brain: RunningBrain, source: str, message: Any, query: dict[str, str] | None = None, /,
    **headers: str,
) -> httpx.Response:  # fmt: skip
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    url = f"{brain.api}/push/{source}"
    return httpx.post(url, content=body, params=query, headers=headers, trust_env=False)


def signed(body: bytes, at: int, secret: str = "s3cret") -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    return {"X-Zhiyin-Signature": digest, "X-Zhiyin-Timestamp": str(at)}


def gauge(thing: str, millimetres: int, at: int) -> dict[str, Any]:
    packed = base64.b64encode(b"\xaa\x55" + millimetres.to_bytes(2, "big")).decode()
    return {"messageType": "dataReport", "deviceId": thing, "timestamp": at,
            "payload": {"APPdata": packed}}  # fmt: skip


def held(brain: RunningBrain, source: str, count: int = 1) -> list[dict[str, Any]]:
    """Return what is kept of a source, once there are `count` items."""

    def found() -> Any:
        items = brain.get("/quarantine", limit=500)["items"]
        mine = [item for item in items if item["source"] == f"push:{source}"]
        return mine if len(mine) >= count else None

    return list(until(found, 30, f"{count} kept items of {source}"))


def test_a_signed_push_goes_in_by_its_layout_in_the_propertys_unit(fed: RunningBrain) -> None:
    thing, t = new_device(fed), now() - HOUR
    body = json.dumps(gauge(thing, 310, t)).encode()
    answer = push(fed, "maker", body, **signed(body, now()))
    assert (answer.status_code, answer.json()) == (200, {"code": 0})
    (row,) = stored(fed, thing, 1)
    assert (row["time"], row["value"]) == (iso(t), 0.31)


def test_a_bound_device_speaks_for_its_thing(fed: RunningBrain) -> None:
    t = now() - HOUR
    body = [{"device": "IMEI-1", "time": t, "values": {"wl": 0.25}}]
    assert push(fed, "gauges", body, Authorization="Bearer g").status_code == 200
    rows = stored(fed, "yingwu_underpass", 1, **{"from": iso(t), "to": iso(t + 1)})
    assert rows[0]["value"] == 0.25


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Zhiyin-Signature": "00" * 32, "X-Zhiyin-Timestamp": "TIME"},
        {"X-Zhiyin-Signature": "ä".encode(), "X-Zhiyin-Timestamp": "TIME"},
        {"X-Zhiyin-Timestamp": "TIME"},
    ],
)
def test_without_its_signature_nothing_goes_in(fed: RunningBrain, headers: Any) -> None:
    thing = new_device(fed)
    body = json.dumps(gauge(thing, 310, now())).encode()
    headers = {k: str(now()) if v == "TIME" else v for k, v in headers.items()}
    answer = httpx.post(f"{fed.api}/push/maker", content=body, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "network-180")
    items = held(fed, "maker")
    assert {item["reason"] for item in items} >= {"wrong_key"}
    assert all(item["raw"] == {} for item in items if item["reason"] == "wrong_key")


def test_an_old_signature_is_refused_and_a_repeated_push_counts_once(fed: RunningBrain) -> None:
    thing = new_device(fed)
    body = json.dumps({**gauge(thing, 100, 0), "timestamp": None}).encode()
    assert push(fed, "maker", body, **signed(body, now() - HOUR)).status_code == 401
    head = signed(body, now())
    assert [push(fed, "maker", body, **head).status_code for _ in range(3)] == [200] * 3
    other = json.dumps({**gauge(thing, 200, 0), "timestamp": None}).encode()
    assert push(fed, "maker", other, **signed(other, now())).status_code == 200
    assert [row["value"] for row in stored(fed, thing, 2)] == [0.1, 0.2]


def test_onenet_asks_first_and_signs_with_a_nonce(fed: RunningBrain) -> None:
    def sign(nonce: str, msg: str) -> str:
        return base64.b64encode(hashlib.md5(f"0123456789{nonce}{msg}".encode()).digest()).decode()

    asked = {"msg": "hello", "nonce": "abc", "signature": sign("abc", "hello")}
    url = f"{fed.api}/push/onenet"
    assert httpx.get(url, params=asked, trust_env=False).text == "hello"
    asked["signature"] = sign("abc", "other")
    assert httpx.get(url, params=asked, trust_env=False).status_code == 401
    thing, t = new_device(fed), now() - HOUR
    msg = json.dumps({"type": 1, "dev_id": thing, "ds_id": "depth", "at": t, "value": 0.2})
    body = {"msg": msg, "nonce": "n", "signature": sign("n", msg)}
    assert push(fed, "onenet", body).status_code == 200
    assert [row["value"] for row in stored(fed, thing, 1)] == [0.2]


def test_a_source_speaks_only_for_its_own_templates(fed: RunningBrain) -> None:
    mine, other = new_device(fed), new_device(fed, "lake")
    body = [{"device": thing, "values": {"depth": 0.1, "level": 20}} for thing in (mine, other)]
    assert push(fed, "gauges", body, Authorization="Bearer g").status_code == 200
    assert [row["value"] for row in stored(fed, mine, 1)] == [0.1]
    assert {item["reason"] for item in kept(fed, other, 2)} == {"wrong_key"}
    assert fed.get(f"/series/{other}/level/observations") == []


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 100_000, b'{"A": [{"ts": 1, "ts": 2, "values": {}}]}', b'{"A": NaN}'],
    ids=["cut", "deep", "twice", "nan"],
)
def test_what_cannot_be_read_is_kept_with_its_reason(fed: RunningBrain, body: bytes) -> None:
    answer = push(fed, "anybody", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "network-183")
    shown = body.decode() if len(body) < 65_536 else body[:4096].decode()

    def there() -> bool:
        raws = [item["raw"] for item in held(fed, "anybody")]
        return any(shown in (raw.get("payload"), raw.get("beginning")) for raw in raws)

    until(there, 30, "the body is kept")


def test_a_platform_that_repeats_is_answered_and_the_message_kept(fed: RunningBrain) -> None:
    answer = push(fed, "telecom", b"{", {"token": "kept in a file"})
    assert answer.status_code == 200
    (item,) = held(fed, "telecom")
    assert (item["reason"], item["raw"]["payload"]) == ("malformed", "{")
    assert "kept in a file" not in json.dumps(item)  # the token stood in the address


def test_too_large_and_nobody(fed: RunningBrain) -> None:
    answer = push(fed, "anybody", b" " * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "network-184")
    assert "oversize" in {item["reason"] for item in held(fed, "anybody")}
    assert push(fed, "nobody", {}).status_code == 404
    assert httpx.get(f"{fed.api}/push/anybody", trust_env=False).status_code == 405


def test_a_kept_row_in_another_unit_is_replayed_in_its_propertys(fed: RunningBrain) -> None:
    thing, t = f"later-{new_id()[-8:]}", now() - HOUR
    body = json.dumps(gauge(thing, 250, t)).encode()
    assert push(fed, "maker", body, **signed(body, now())).status_code == 200
    (item,) = kept(fed, thing)
    assert (item["reason"], item["raw"]["value"]) == ("unknown_device", 250)
    fed.post("/devices", [{"id": thing, "type": "ponding_point"}])
    done = fed.post("/quarantine/replay", {"ids": [item["id"]]}).json()
    assert done == {"replayed": 1, "still_kept": 0}
    assert [row["value"] for row in stored(fed, thing, 1)] == [0.25]


class Client:
    """A gateway device that publishes with QoS 1."""

    def __init__(self, brain: RunningBrain) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=new_id())
        self._client.connect(*brain.mqtt)
        self._client.loop_start()

    def say(self, topic: str, message: Any) -> None:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        self._client.publish(topic, body, 1).wait_for_publish(10)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def client(fed: RunningBrain) -> Iterator[Client]:
    one = Client(fed)
    yield one
    one.leave()


def test_topics_of_every_platform_are_decoded(fed: RunningBrain, client: Client) -> None:
    a, b, c, d, e = (new_device(fed) for _ in range(5))
    t = now() - HOUR
    both = {a: [{"ts": t, "values": {"depth": 0.1}}], b: [{"ts": t, "values": {"depth": 0.2}}]}
    client.say("v1/gateway/telemetry", both)
    post = {"id": "1", "version": "1.0", "params": {"depth": {"value": 0.3, "time": t}}}
    client.say(f"$sys/product/{c}/thing/property/post", post)
    service = {"service_id": "s", "properties": {"depth": 0.4}, "event_time": iso(t)}
    client.say(f"$oc/devices/{d}/sys/properties/report", {"services": [service]})
    client.say(f"maker/{e}/up", gauge("x", 500, t))
    client.say("something/else", b"whatever")
    for thing, value in zip((a, b, c, d, e), (0.1, 0.2, 0.3, 0.4, 0.5), strict=True):
        assert [row["value"] for row in stored(fed, thing, 1)] == [value]


def test_a_topics_unreadable_message_is_kept_and_replayable(
    fed: RunningBrain, client: Client
) -> None:
    thing, t = f"gw-{new_id()[-8:]}", now() - HOUR
    # One bad record: its neighbour goes in at once, the message is kept whole.
    good = new_device(fed)
    message = {good: [{"ts": t, "values": {"depth": 0.1}}], thing: [{"ts": "noon", "values": {}}]}
    client.say("v1/gateway/telemetry", message)
    client.say("v1/gateway/telemetry", b"[" * 3000)
    client.say("v1/gateway/telemetry", b" " * 5000)
    assert [row["value"] for row in stored(fed, good, 1)] == [0.1]

    def there() -> Any:
        items = [i for i in fed.get("/quarantine", limit=500)["items"] if i["source"] == "mqtt"]
        items = [i for i in items if i["raw"].get("mapping") == "thingsboard"]
        return items if len(items) >= 3 else None

    items = until(there, 30, "three kept messages")
    assert sorted(item["reason"] for item in items) == ["malformed", "malformed", "oversize"]
    noon = next(item for item in items if "noon" in item["detail"])
    assert json.loads(noon["raw"]["payload"]) == message


def test_topics_survive_the_gateways_death(fed: RunningBrain, client: Client) -> None:
    thing, t = new_device(fed), now() - HOUR
    for number in range(40):
        client.say(f"$sys/p/{thing}/thing/property/post",
                   {"params": {"depth": {"value": number / 10, "time": t + number}}})  # fmt: skip
        client.say("something/else", b"whatever")
        if number in {10, 30}:
            old = fed.kill("gateway")
    fed.wait_back("gateway", old)
    rows = stored(fed, thing, 40)
    assert [row["value"] for row in rows] == [number / 10 for number in range(40)]


def station(thing: str, at: int, depth: float) -> str:
    return (
        f'<w:station w:id="{thing}"><w:name>鹦鹉大道</w:name><w:at>{iso(at)}</w:at>'
        f'<w:depth uom="cm">{depth}</w:depth></w:station>'
    )


def soap(inner: str, encoding: str = "UTF-8") -> bytes:
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><s:Envelope xmlns:s="urn:soap"'
        f' xmlns:w="urn:water"><s:Body><w:report>{inner}</w:report></s:Body></s:Envelope>'
    ).encode(encoding)


def test_xml_goes_in_by_its_mapping_also_in_gbk(fed: RunningBrain) -> None:
    thing, t = new_device(fed), now() - HOUR
    for n, encoding in enumerate(("UTF-8", "GBK")):
        body = soap(station(thing, t + n, 20 + n), encoding)
        assert push(fed, "water", body, Authorization="Bearer w").status_code == 200
    assert [row["value"] for row in stored(fed, thing, 2)] == [0.2, 0.21]


def test_xml_that_does_harm_is_kept_with_its_reason_and_the_next_goes_in(fed: RunningBrain) -> None:
    thing, t = new_device(fed), now() - HOUR
    web = psutil.Process(fed.pids["web"])
    before = web.memory_info().rss
    head = {"Authorization": "Bearer w"}
    entity = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + soap(station(thing, t, 9))
    bodies = {
        "DTD": entity, "deeper": b"<x>" * 10_000 + b"</x>" * 10_000,
        "elements": b"<x>" + b"<y/>" * 200_000 + b"</x>", "no XML": soap("")[:-9],
        "not utf-8": soap("鹦鹉大道", "GBK").replace(b"GBK", b"utf-8"),
    }  # fmt: skip
    for word, body in bodies.items():
        answer = push(fed, "water", body, **head)
        assert (answer.status_code, answer.json()["code"]) == (400, "network-183"), word
    assert push(fed, "water", b"<x>" + b"y" * 50_000_000 + b"</x>", **head).status_code == 413
    details = [item["detail"] for item in held(fed, "water", len(bodies) + 1)]
    for word in (*bodies, "more than 1048576 bytes"):
        assert sum(word in detail for detail in details) == 1, (word, details)
    assert push(fed, "water", soap(station(thing, t, 30)), **head).status_code == 200
    assert [row["value"] for row in stored(fed, thing, 1)] == [0.3]
    assert web.memory_info().rss - before < 128 * 1024 * 1024


def test_kept_xml_is_replayed_once_its_device_is_there(fed: RunningBrain) -> None:
    thing, t = f"late-{new_id()[-12:]}", now() - HOUR
    body = soap(station(thing, t, 40) + "<w:station/>", "GBK")  # the second names no device
    assert push(fed, "water", body, Authorization="Bearer w").status_code == 200
    (row,) = kept(fed, thing, reason="unknown_device")
    whole = next(item for item in held(fed, "water") if "record 2" in item["detail"])
    assert base64.b64decode(whole["raw"]["base64"]) == body
    fed.post("/devices", [{"id": thing, "type": "ponding_point"}]).raise_for_status()

    def replayed() -> bool:
        answer = fed.post("/quarantine/replay", {"ids": [row["id"]]})
        return bool(answer.json()["replayed"])

    until(replayed, 10, "it is read again")
    assert [one["value"] for one in stored(fed, thing, 1)] == [0.4]
