"""What becomes of each object that is pushed to us, and where the cameras stand.

Knows no HTTP framework; `http.py` brings requests in and answers out.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from zhiyin.kernel import DISTRICT_ZONE, Clock, WorldFault, moment_of
from zhiyin.network.frame import SHOWN, FrameFault, Happening
from zhiyin.network.gat1400.events import event_of
from zhiyin.network.gat1400.limits import Limits
from zhiyin.network.gat1400.objects import (
    KINDS,
    Kind,
    Object,
    data_of,
    get,
    happening_of,
    id_of,
    listed,
    objects_of,
    place_of,
    text,
)  # fmt: skip
from zhiyin.network.gat1400.senders import Caller, Find, Senders
from zhiyin.network.model import Reason

Report = Callable[[str, Sequence[Happening]], Awaitable[None]]
Refuse = Callable[[str, FrameFault, bytes], Awaitable[None]]

# StatusCode of GA/T 1400.4: what became of one object.
OK, OTHER, BUSY, NOT_ALLOWED, FORMAT, CONTENT = "0", "1", "2", "4", "5", "6"
_SAYS = {
    OK: "OK", OTHER: "other error", BUSY: "device busy", NOT_ALLOWED: "invalid operation",
    FORMAT: "invalid JSON format", CONTENT: "invalid JSON content",
}  # fmt: skip
_DELETE = "3"  # ExecuteOperation of a notification


class Status(NamedTuple):
    """What became of one object: a ResponseStatusObject."""

    id: str
    code: str
    detail: str = ""


class Receiver:
    """The receiver: what is pushed goes to `report`; cameras that were named are remembered."""

    def __init__(
        self, limits: Limits, clock: Clock, find: Find, report: Report, refuse: Refuse | None = None
    ) -> None:
        self.limits, self._clock, self._find = limits, clock, find
        self._report, self._refuse = report, refuse
        self.senders = Senders(limits, clock, find)
        self._cameras: OrderedDict[str, Object] = OrderedDict()

    # Where ----------------------------------------------------------------------------------

    def where(self, camera: str) -> tuple[float, float] | None:
        """Return lon, lat of a camera: of the catalogue, or its setting `place` in the register."""
        known = self._cameras.get(camera)
        if known is not None:
            return place_of(known)
        facts = self._find(camera) if camera else None
        place = facts.settings.get("place") if facts else None
        if isinstance(place, list | tuple) and len(place) == 2:
            return place_of({"Longitude": place[0], "Latitude": place[1]})
        return None

    def cameras(self) -> list[Object]:
        """Return the catalogue: what was told of cameras, without their passwords."""
        return list(self._cameras.values())

    def take_cameras(self, found: Sequence[Any]) -> list[Status]:
        """Keep cameras (APE) of a catalogue, the last told first to stay."""
        statuses = []
        for one in found:
            name = text(one, "ApeID") if isinstance(one, dict) else ""
            if not name:
                statuses.append(Status("", CONTENT, "ApeID is missing"))
                continue
            self._cameras[name[:64]] = data_of(one, _APE)
            self._cameras.move_to_end(name[:64])
            statuses.append(Status(name, OK))
        while len(self._cameras) > self.limits.cameras:
            self._cameras.popitem(last=False)
        return statuses

    # What -----------------------------------------------------------------------------------

    async def take(self, device: str, body: Object, kind: Kind) -> list[Status]:
        """Report the objects of one push; one status for each."""
        return await self._push(device, objects_of(body, kind, self.limits), kind)

    async def _push(self, device: str, found: Sequence[Object], kind: Kind) -> list[Status]:
        now, statuses, happenings = self._clock.now(), [], []
        for one in found:
            name = id_of(one, kind)[:64]
            try:
                seen = happening_of(one, kind, now, self.where, self.limits)
                happenings.append(_own(seen, device))
                statuses.append(Status(name, OK))
            except FrameFault as fault:
                code = NOT_ALLOWED if fault.reason is Reason.UNSUPPORTED else CONTENT
                statuses.append(Status(name, code, fault.detail))
                await self._keep_apart(device, fault, name, one, kind)
        return await self._handed_over(device, happenings, statuses)

    async def _keep_apart(
        self, device: str, fault: FrameFault, name: str, one: Object, kind: Kind
    ) -> None:
        """Keep what was refused, without pictures; of people nothing but the object's id."""
        if self._refuse is None:
            return
        raw = {f"{kind.name}ID": name} if kind.people else data_of(one, kind)
        await self._refuse(device, fault, msgspec.json.encode(raw)[:SHOWN])

    async def _handed_over(
        self, device: str, happenings: list[Happening], statuses: list[Status]
    ) -> list[Status]:
        """Report; when the house cannot take them now, nothing was taken."""
        if happenings:
            try:
                await self._report(device, happenings)
            except WorldFault:
                return [
                    one if one.code != OK else Status(one.id, BUSY, "not kept; send it again")
                    for one in statuses
                ]
        return statuses

    async def notified(self, device: str, body: Object) -> list[Status]:
        """Take the notifications of a subscription: each with objects of any kind."""
        kind = Kind("SubscribeNotification", "", ())
        return [
            await self._notification(device, one, text(one, "NotificationID")[:64])
            for one in objects_of(body, kind, self.limits)
        ]

    async def _notification(self, device: str, one: Object, name: str) -> Status:
        if text(one, "ExecuteOperation") == _DELETE:
            return Status(name, OK, "deletions are not followed")
        statuses: list[Status] = []
        for kind in KINDS.values():
            found = [
                inner
                for key in (f"{kind.name}ObjectList", f"{kind.name}ListObject", f"{kind.name}List")
                for inner in listed(get(one, key), f"{kind.name}Object")
                if isinstance(inner, dict)
            ]
            if len(found) > self.limits.objects:
                return Status(name, CONTENT, f"more than {self.limits.objects} objects")
            if found:
                statuses += await self._push(device, found, kind)
        for key in ("DeviceList", "APEObjectList", "APEListObject"):
            if get(one, key) is not None:
                statuses += self.take_cameras(listed(get(one, key), "APEObject"))
        wrong = [status for status in statuses if status.code != OK]
        return Status(name, wrong[0].code, wrong[0].detail) if wrong else Status(name, OK)

    # City events ----------------------------------------------------------------------------

    async def take_events(self, caller: Caller, found: Sequence[Any]) -> dict[str, Any]:
        """Take city events with a bearer key; the key is that of the event's `deviceId`."""
        now = self._clock.now()
        by_device: dict[str, list[Happening]] = {}
        refused: list[dict[str, Any]] = []
        for at, one in enumerate(found):
            device = text(one, "deviceId") if isinstance(one, dict) else ""
            facts = self.senders.bearer(caller, device)
            try:
                event = event_of(one, now, self.where, self.limits, facts.settings)
                by_device.setdefault(device, []).append(event)
            except FrameFault as fault:
                refused.append({"index": at, "eventId": text(one, "eventId"), "why": fault.detail})
                if self._refuse is not None:
                    kept = {k: v for k, v in one.items() if k != "imageBase64"}
                    await self._refuse(device, fault, msgspec.json.encode(kept)[:SHOWN])
        for device, happenings in by_device.items():
            await self._report(device, happenings)
        return {"accepted": sum(map(len, by_device.values())), "refused": refused}


_APE = Kind("APE", "", ())


def _own(happening: Happening, device: str) -> Happening:
    """The sender's own events are of the sender itself, not of a part of it."""
    if happening.part != device:
        return happening
    return msgspec.structs.replace(happening, part="")


def local(now: int) -> str:
    """Return `yyyyMMddHHmmss` in the district's time."""
    return moment_of(now).astimezone(DISTRICT_ZONE).strftime("%Y%m%d%H%M%S")


def answer(path: str, statuses: Sequence[Status], now: int) -> Mapping[str, Any]:
    """Return the ResponseStatusListObject: one entry per object, every value text."""
    entries = [
        {
            "Id": one.id, "RequestURL": path, "StatusCode": one.code,
            "StatusString": one.detail or _SAYS.get(one.code, ""), "LocalTime": local(now),
        }
        for one in statuses
    ]  # fmt: skip
    return {"ResponseStatusListObject": {"ResponseStatusObject": entries}}
