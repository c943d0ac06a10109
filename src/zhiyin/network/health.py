"""How gateways and devices fare, as the web process is told: states, rhythm, last word.

A device is `never_seen`, `normal`, `late`, `lost` or `under_repair`. What it is measured by is
its expected rhythm: set on the device, else its template's, else learned from its own frames.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
import structlog

from zhiyin.cloud import Bus, HealthSettings, Message
from zhiyin.kernel import Clock, iso, parse_duration, parse_time
from zhiyin.network.model import Device
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.stations import FRAMES, HEALTH, RELOAD

log = structlog.get_logger()

State = Literal["never_seen", "normal", "late", "lost", "under_repair"]
STATES: tuple[State, ...] = ("lost", "late", "never_seen", "under_repair", "normal")
BATTERY = ("battery", "battery_v", "voltage", "battery_percent")
SIGNAL = ("rssi", "signal", "snr")


class Rhythm(NamedTuple):
    """How often a device is due, in ms, and where that is from."""

    every: int
    by: Literal["set", "template", "learned", "unknown"]


class Health:
    """What the gateways last said, by gateway and by sender."""

    def __init__(
        self, settings: HealthSettings, clock: Clock, bus: Bus,
        templates: Mapping[str, DeviceTemplate], latest_of: Callable[[str], dict[str, Any] | None],
    ) -> None:  # fmt: skip
        self._clock, self._bus, self._templates = clock, bus, templates
        self.latest_of = latest_of
        self._late, self._lost = settings.late, settings.lost
        self._least = parse_duration(settings.least)
        self._gateway_lost = parse_duration(settings.gateway) / 1000
        self._gateways: dict[str, dict[str, Any]] = {}
        self._heard: dict[str, float] = {}
        self._senders: dict[tuple[str, str], dict[str, Any]] = {}

    async def open(self) -> None:
        async def told(message: Message) -> None:
            self.take(msgspec.json.decode(message.data))

        await self._bus.listen(HEALTH, told)

    def take(self, told: dict[str, Any]) -> None:
        """Take what a gateway says of itself and of its senders."""
        instance = told["instance"]
        for contact in told.pop("contacts"):
            self._senders[told["gateway"], contact["address"]] = {**contact, "instance": instance}
        self._gateways[instance] = told
        self._heard[instance] = time.monotonic()

    def gateways(self) -> list[dict[str, Any]]:
        """Return every gateway that ever spoke since this process began, with its state."""
        now = time.monotonic()
        newest: dict[str, str] = {}
        for instance, told in self._gateways.items():
            other = newest.get(told["gateway"])
            if other is None or self._gateways[other]["at"] < told["at"]:
                newest[told["gateway"]] = instance
        rows = []
        for instance, told in sorted(self._gateways.items(), key=lambda one: one[1]["gateway"]):
            lost = now - self._heard[instance] > self._gateway_lost
            if lost and newest[told["gateway"]] != instance:
                continue  # another has taken its place
            state = "lost" if lost else "normal" if told["listening"] else "shut"
            shown = {**told, "state": state, "at": iso(told["at"])}
            shown["last"] = iso(told["last"]) if told["last"] else None
            rows.append(shown)
        return rows

    def rhythm(self, device: Device, sender: dict[str, Any]) -> Rhythm:
        if device.every:
            return Rhythm(device.every, "set")
        template = self._templates.get(device.template)
        if template is not None:
            return Rhythm(template.every_ms, "template")
        learned = int(sender.get("rhythm") or 0)
        return Rhythm(learned, "learned") if learned else Rhythm(0, "unknown")

    def device(self, device: Device) -> dict[str, Any]:
        """Return a device's state and what it is judged by."""
        sender = self._senders.get((device.gateway, device.address.partition("/")[0]), {})
        latest = self.latest_of(device.thing) or {}
        seen = max(
            [int(sender.get("last") or 0), *(parse_time(one["time"]) for one in latest.values())]
        )
        rhythm = self.rhythm(device, sender)
        return {
            "state": self.state(device, seen, rhythm.every, self._clock.now()),
            "seen": iso(seen) if seen else None,
            "every_ms": rhythm.every, "every_by": rhythm.by,
            "learned_ms": int(sender.get("rhythm") or 0),
            "frames": sender.get("frames", 0), "bad": sender.get("bad", 0),
            "peer": sender.get("peer", ""), "connected": bool(sender.get("connected")),
            "battery": _first(latest, BATTERY), "signal": _first(latest, SIGNAL),
        }  # fmt: skip

    def state(self, device: Device, seen: int, every: int, now: int) -> State:
        """Judge a device last heard of at `seen` (UTC ms, 0 for never)."""
        if device.repair:
            return "under_repair"
        if not seen:
            return "never_seen"
        due = max(every, self._least)
        silent = now - seen
        if silent > due * self._lost:
            return "lost"
        return "late" if silent > due * self._late else "normal"

    def heard_of(self, protocols: tuple[str, ...]) -> bool:
        """Whether each of these gateways has said since this process began that it listens."""
        return set(protocols) <= {
            told["gateway"] for told in self._gateways.values() if told["listening"]
        }

    async def settle(self) -> None:
        """Return when every gateway that is there has read the register anew."""
        now = time.monotonic()
        there = [one for one, at in self._heard.items() if now - at < self._gateway_lost]
        asked = [self._bus.ask(RELOAD + one, within=2) for one in there]
        for told in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(told, BaseException):
                log.info("a gateway did not read the register", fault=str(told))

    async def frames(self, device: Device) -> list[dict[str, Any]]:
        """Return the sender's last frames as they came, the newest first."""
        address = device.address.partition("/")[0]
        sender = self._senders.get((device.gateway, address))
        if sender is None:
            return []
        said = await self._bus.ask(FRAMES + sender["instance"], address.encode(), within=2)
        frames: list[dict[str, Any]] = msgspec.json.decode(said)
        return frames


def _first(latest: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
    return next((latest[name] for name in names if name in latest), None)
