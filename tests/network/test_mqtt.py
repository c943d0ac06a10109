"""Observations over MQTT: an acknowledged message is in, or kept apart with its reason."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.brains import RunningBrain
from tests.rooms import figure, kept, new_device, stored
from zhiyin.kernel import HOUR, iso, new_id


class Device:
    """A device as a field engineer would build it: paho, QoS 1, one topic."""

    def __init__(self, brain: RunningBrain) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=new_id())
        self._client.connect(*brain.mqtt)
        self._client.loop_start()

    def say(self, thing: str, payload: Any, qos: int = 1) -> None:
        """Publish and return once the broker has acknowledged it."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._client.publish(f"v1/observations/{thing}", body, qos).wait_for_publish(10)

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def device(brain: RunningBrain) -> Iterator[Device]:
    one = Device(brain)
    yield one
    one.leave()


def an_hour_ago() -> int:
    return time.time_ns() // 1_000_000 - HOUR


def test_one_list_and_values_all_arrive(brain: RunningBrain, device: Device) -> None:
    thing, t = new_device(brain, "pump_station"), an_hour_ago()
    device.say(thing, {"property": "flow", "value": 1.5, "time": iso(t)})
    device.say(thing, [{"property": "flow", "value": 2.5, "time": t + n} for n in (1, 2)])
    device.say(thing, {"time": iso(t + 3), "values": {"flow": 3.5, "power": 7, "pumps_running": 1}})
    flow = stored(brain, thing, 4, "flow")
    assert [row["value"] for row in flow] == [1.5, 2.5, 2.5, 3.5]
    assert [row["time"] for row in flow] == [iso(t + n) for n in range(4)]
    assert [row["value"] for row in stored(brain, thing, 1, "power")] == [7]


def test_without_a_time_it_is_when_the_broker_took_it(brain: RunningBrain, device: Device) -> None:
    thing = new_device(brain)
    before = time.time_ns() // 1_000_000
    device.say(thing, {"property": "depth", "value": 0.1})
    (row,) = stored(brain, thing, 1)
    assert iso(before) <= row["time"] <= iso(time.time_ns() // 1_000_000)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "malformed"),
        (b"\xff", "malformed"),
        (b"7", "malformed"),
        (b"[" * 3000, "malformed"),
        ({"value": 1}, "malformed"),
        (b" " * 4097, "oversize"),
        ({"property": "salinity", "value": 1}, "unknown_property"),
        ({"property": "depth", "value": "deep"}, "wrong_type"),
        ({"property": "depth", "value": 10**400}, "out_of_range"),
        ({"property": "depth", "value": 6}, "out_of_range"),
        ({"property": "depth", "value": 1, "time": 10**17}, "clock_off"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_what_cannot_be_is_kept_apart_and_stops_nobody(
    brain: RunningBrain, device: Device, payload: Any, reason: Any
) -> None:
    thing = new_device(brain)
    device.say(thing, payload)
    device.say(thing, {"property": "depth", "value": 0.1})
    (item,) = kept(brain, thing)
    assert (item["reason"], item["source"]) == (reason, "mqtt")
    assert [row["value"] for row in stored(brain, thing, 1)] == [0.1]


def test_an_unknown_device_is_kept_apart(brain: RunningBrain, device: Device) -> None:
    thing = f"stranger-{new_id()[-12:]}"
    device.say(thing, {"property": "depth", "value": 0.1})
    (item,) = kept(brain, thing)
    assert item["reason"] == "unknown_device"


def test_a_message_sent_again_counts_once(brain: RunningBrain, device: Device) -> None:
    thing, t = new_device(brain), an_hour_ago()
    for _ in range(3):  # as QoS 1 may
        device.say(thing, {"property": "depth", "value": 0.1, "time": t})
    device.say(thing, {"property": "depth", "value": 0.2, "time": t + 1})
    assert [row["value"] for row in stored(brain, thing, 2)] == [0.1, 0.2]
    assert brain.get("/quarantine", thing=thing)["total"] == 0


def test_qos_0_is_not_kept(brain: RunningBrain, device: Device) -> None:
    """QoS 0 asks for no acknowledgement and gets no promise; the guide says to use QoS 1."""
    thing = new_device(brain)
    device.say(thing, {"property": "depth", "value": 0.1}, qos=0)
    device.say(thing, {"property": "depth", "value": 0.2}, qos=1)
    assert [row["value"] for row in stored(brain, thing, 1)] == [0.2]


def test_the_gateway_is_killed_and_nothing_acknowledged_is_lost_or_doubled(
    brain: RunningBrain, device: Device
) -> None:
    thing, t = new_device(brain), an_hour_ago()
    for number in range(40):
        device.say(thing, {"property": "depth", "value": number / 10, "time": t + number})
        if number in {10, 30}:
            old = brain.kill("gateway")
    brain.wait_back("gateway", old)
    rows = stored(brain, thing, 40)
    assert [row["value"] for row in rows] == [number / 10 for number in range(40)]


def test_the_figures_tell_both_sources_apart(brain: RunningBrain, device: Device) -> None:
    def page() -> str:
        return httpx.get(f"{brain.url}/metrics", trust_env=False).text

    name, thing, before = "zhiyin_observations_accepted_total", new_device(brain), page()
    device.say(thing, {"property": "depth", "value": 0.1, "time": an_hour_ago()})
    brain.post("/observations", {"thing": thing, "property": "depth", "value": 0.2})
    stored(brain, thing, 2)
    for source in ("mqtt", "http"):
        assert figure(page(), name, source=source) == figure(before, name, source=source) + 1
