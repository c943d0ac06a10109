"""Gateways of the field protocols: real bytes over TCP to a running brain."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.brains import RunningBrain, until
from tests.rooms import figure, kept, stored
from zhiyin.kernel import DISTRICT_ZONE, iso, moment_of, new_id
from zhiyin.network.protocols import wire

HJ212 = wire("hj212")


class Wire:
    """A device's end of a connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=10)

    def say(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hear(self, end: bytes = b"\r\n") -> bytes:
        """Return bytes up to and with `end`; fewer when the other side ended the connection."""
        heard = b""
        while not heard.endswith(end):
            part = self._socket.recv(4096)
            if not part:
                break
            heard += part
        return heard

    def close(self) -> None:
        self._socket.close()


@contextmanager
def connected(brain: RunningBrain, protocol: str) -> Iterator[Wire]:
    line = Wire(brain.gateway(protocol))
    try:
        yield line
    finally:
        line.close()


def new_site(brain: RunningBrain, **more: Any) -> tuple[str, str]:
    """Register a dust monitor; return its thing and its MN."""
    tail = new_id()[-12:]
    thing, mn = f"site-{tail}", f"42010500{tail}ABCD"
    device = {
        "id": f"dust-{tail}", "template": "dust_monitor", "thing": thing, "address": mn,
        "key": "123456", **more,
    }  # fmt: skip
    brain.post("/devices", [device]).raise_for_status()
    return thing, mn


def said(at: int) -> str:
    return moment_of(at).astimezone(DISTRICT_ZONE).strftime("%Y%m%d%H%M%S")


def frame(mn: str, at: int, pm10: float = 78, password: str = "123456", flag: int = 5) -> bytes:
    header = {
        "QN": f"{said(at)}123", "ST": "39", "CN": "2011", "PW": password, "MN": mn,
        "Flag": str(flag),
    }  # fmt: skip
    fields = [
        {"name": "DataTime", "value": said(at)},
        {"name": "a34002-Rtd", "value": pm10},
        {"name": "a34002-Flag", "value": "N"},
        {"name": "LA-Rtd", "value": 61.5},
        {"name": "LA-Flag", "value": "N"},
    ]
    return HJ212.encode({"header": header, "fields": fields})


def now() -> int:
    return time.time_ns() // 1_000_000 // 1000 * 1000


def test_a_frame_is_answered_and_in_the_lake(brain: RunningBrain) -> None:
    thing, mn = new_site(brain)
    at = now()
    with connected(brain, "hj212") as line:
        line.say(frame(mn, at))
        answer = HJ212.decode(line.hear())
    assert (answer.kind, answer.address) == ("9014", mn)
    assert answer.header["QN"] == f"{said(at)}123"
    (row,) = stored(brain, thing, 1, "dust_pm10")
    assert (row["time"], row["value"]) == (iso(at), 78)
    assert [row["value"] for row in stored(brain, thing, 1, "noise")] == [61.5]


def test_two_frames_in_one_segment_and_one_byte_by_byte(brain: RunningBrain) -> None:
    thing, mn = new_site(brain)
    at = now() - 10_000
    with connected(brain, "hj212") as line:
        line.say(frame(mn, at, 10) + frame(mn, at + 1000, 11))
        for byte in frame(mn, at + 2000, 12):
            line.say(bytes([byte]))
        answers = b"".join(line.hear() for _ in range(1))
        while answers.count(b"\r\n") < 3:
            answers += line.hear()
    assert [row["value"] for row in stored(brain, thing, 3, "dust_pm10")] == [10, 11, 12]


def test_a_wrong_check_is_kept_apart_with_its_frame_and_the_line_goes_on(
    brain: RunningBrain,
) -> None:
    thing, mn = new_site(brain)
    at = now()
    bad = bytearray(frame(mn, at, 20))
    bad[-4:-2] = b"00" if bad[-4:-2] != b"00" else b"11"
    with connected(brain, "hj212") as line:
        line.say(bytes(bad) + frame(mn, at + 1000, 21))
        heard = line.hear()
        while b"9014" not in heard:
            heard += line.hear()
    assert [row["value"] for row in stored(brain, thing, 1, "dust_pm10")] == [21]
    (item,) = kept(brain, thing, reason="checksum")
    assert item["raw"]["protocol"] == "hj212"
    shown = bytes(bad).decode().rstrip("\r\n").replace("PW=123456", "PW=******")
    assert item["raw"]["frame"] == shown


def test_another_password_is_refused(brain: RunningBrain) -> None:
    thing, mn = new_site(brain)
    with connected(brain, "hj212") as line:
        line.say(frame(mn, now(), password="654321"))
        answer = HJ212.decode(line.hear())
    assert answer.kind == "9011"
    (item,) = kept(brain, thing, reason="wrong_key")
    assert item["source"] == "hj212"
    assert brain.get(f"/series/{thing}/dust_pm10/observations") == []


def test_a_stranger_is_kept_and_read_again_once_it_is_registered(brain: RunningBrain) -> None:
    mn = f"42010500{new_id()[-12:]}FFFF"
    at = now()
    with connected(brain, "hj212") as line:
        line.say(frame(mn, at, 33))
        line.hear()
    (item,) = kept(brain, mn, reason="unknown_device")
    thing = f"site-{mn[-12:]}"
    device = {"id": f"late-{mn[-12:]}", "template": "dust_monitor", "thing": thing, "address": mn}
    brain.post("/devices", [device]).raise_for_status()

    def replayed() -> bool:
        return bool(brain.post("/quarantine/replay", {"ids": [item["id"]]}).json()["replayed"])

    until(replayed, 10, "the frame is read again")
    assert [row["value"] for row in stored(brain, thing, 1, "dust_pm10")] == [33]


def test_a_clock_ten_years_off_is_kept_value_by_value(brain: RunningBrain) -> None:
    thing, mn = new_site(brain)
    with connected(brain, "hj212") as line:
        line.say(frame(mn, now() - 10 * 365 * 86_400_000))
        line.hear()
    items = kept(brain, thing, 2, reason="clock_off")
    assert {item["property"] for item in items} == {"dust_pm10", "noise"}


def test_half_a_frame_and_a_frame_over_a_megabyte(brain: RunningBrain) -> None:
    thing, mn = new_site(brain)
    whole = frame(mn, now(), 40)
    with connected(brain, "hj212") as line:
        line.say(frame(mn, now() - 5000, 39))
        line.hear()
        line.say(whole[:60])
    kept(brain, thing, reason="incomplete")
    with connected(brain, "hj212") as line:
        line.say(whole)
        line.hear()
        line.say(b"##9999" + b"A" * 1_200_000)
        line.say(b"\r\n" + frame(mn, now() + 1000, 41))
        while b"9014" not in line.hear():
            pass
    assert [row["value"] for row in stored(brain, thing, 3, "dust_pm10")] == [39, 40, 41]


def test_health_knows_the_device_its_rhythm_and_its_last_frames(brain: RunningBrain) -> None:
    thing, mn = new_site(brain)
    device = f"dust-{thing.removeprefix('site-')}"
    assert brain.get(f"/devices/{device}")["state"] == "never_seen"
    with connected(brain, "hj212") as line:
        line.say(frame(mn, now(), 50) + b"##0010nonsense\r\n")
        line.hear()

        def told() -> Any:
            one = brain.get(f"/devices/{device}")
            whole = one["frames"] >= 1 and one["connected"] and "dust_pm10" in one["latest"]
            return one if whole else None

        one = until(told, 15, "the gateway tells of the device")
        assert (one["state"], one["every_ms"], one["every_by"]) == ("normal", 300_000, "template")
        assert one["key"] is True
        assert one["latest"]["dust_pm10"]["value"] == 50

        def heard() -> Any:
            frames = brain.get(f"/devices/{device}/frames")
            return frames if any(one["decoded"] for one in frames) else None

        frames = until(heard, 15, "its frames")
    good = next(one for one in frames if one["decoded"])
    names = {field["name"]: field for field in good["decoded"]["fields"]}
    assert names["a34002-Rtd"]["value"] == 50
    gateways = {one["gateway"]: one for one in brain.get("/gateways")}
    assert gateways["hj212"]["state"] == "normal"
    assert gateways["hj212"]["port"] == brain.gateway("hj212")[1]
    page = httpx.get(f"{brain.url}/metrics", trust_env=False).text
    assert figure(page, "zhiyin_gateway_frames_total", gateway="hj212", fate="good") >= 1


def test_the_gateway_observes_itself(brain: RunningBrain) -> None:
    rows = stored(brain, "gateway-hj212", 1, "connections")
    assert rows[0]["value"] >= 0


def test_orders_are_off_unless_switched_on(brain: RunningBrain) -> None:
    thing, _ = new_site(brain)
    device = f"dust-{thing.removeprefix('site-')}"
    refused = brain.post(f"/devices/{device}/orders", {"verb": "set_time"})
    assert refused.status_code == 403
    assert refused.json()["code"] == "network-030"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"id": "a b"}, 422, "network-015"),
        ({"id": "good-1", "template": "no_such"}, 422, "network-015"),
        ({"id": "good-2", "template": "dust_monitor", "every": "often"}, 422, "network-015"),
        ({"id": "good-3"}, 422, "network-015"),
        ({"id": "good-4", "type": "no_such"}, 400, "network-013"),
    ],
)
def test_a_device_that_cannot_be_is_refused(
    brain: RunningBrain, change: dict[str, str], status: int, code: str
) -> None:
    answer = brain.post("/devices", [change])
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_one_address_is_one_device(brain: RunningBrain) -> None:
    _, mn = new_site(brain)
    again = {"id": f"twin-{mn[8:20]}", "template": "dust_monitor", "address": mn}
    answer = brain.post("/devices", [again])
    assert (answer.status_code, answer.json()["code"]) == (409, "network-014")


def test_a_sheet_is_checked_line_by_line_before_it_goes_in(brain: RunningBrain) -> None:
    tail = new_id()[-10:]
    body = (
        "id,template,thing,address,key,every\n"
        f"sheet-a-{tail},dust_monitor,site-a-{tail},MNA{tail},123456,5min\n"
        f"sheet-b-{tail},no_such,,MNB{tail},,\n"
        f"sheet-a-{tail},dust_monitor,,MNC{tail},,\n"
        "\n"
        f"sheet-d-{tail},dust_monitor,,MNA{tail},,\n"
    )
    url = f"{brain.api}/devices/import"

    def send(query: str) -> Any:
        return httpx.post(url + query, content=body.encode(), timeout=20, trust_env=False).json()

    dry = send("?dry=true")
    assert (dry["added"], [one["line"] for one in dry["refused"]]) == (1, [3, 4, 6])
    assert brain.get("/devices", q=f"sheet-a-{tail}") == []
    assert send("")["added"] == 1
    assert send("")["known"] == 1
    (one,) = brain.get("/devices", q=f"sheet-a-{tail}")
    assert (one["every"], one["gateway"], one["state"]) == (300_000, "hj212", "never_seen")
    page = httpx.get(f"{brain.api}/devices.csv", params={"q": tail}, trust_env=False).text
    assert page.startswith("\ufeffid,template")
    assert "123456" not in page


def test_a_device_is_changed_set_under_repair_calibrated_and_removed(brain: RunningBrain) -> None:
    thing, mn = new_site(brain)
    device = f"dust-{thing.removeprefix('site-')}"
    url = f"{brain.api}/devices/{device}"
    changed = httpx.patch(url, json={"repair": True, "firmware": "2.1", "every": "10min"},
                          trust_env=False).json()  # fmt: skip
    assert (changed["state"], changed["firmware"], changed["every_ms"]) == (
        "under_repair", "2.1", 600_000,
    )  # fmt: skip
    check = {"at": now(), "by": "计量所", "result": "passed", "certificate": "JL-1"}
    assert brain.post(f"/devices/{device}/calibrations", check).status_code == 201
    assert brain.get(f"/devices/{device}")["calibrations"][0]["certificate"] == "JL-1"
    assert httpx.delete(url, trust_env=False).status_code == 204
    assert httpx.get(url, trust_env=False).json()["code"] == "network-031"
    with connected(brain, "hj212") as line:
        line.say(frame(mn, now()))
        line.hear()
    kept(brain, mn, reason="unknown_device")
