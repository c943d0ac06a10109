"""Routes of GA/T 1400.4 (`/VIID/…`) and of pushed city events (`/vision/events`)."""

from typing import Any

import msgspec
from litestar import Request, Router, get, post
from litestar.response import Response

from zhiyin.kernel import Clock
from zhiyin.network.frame import FrameFault
from zhiyin.network.gat1400.limits import Limits
from zhiyin.network.gat1400.objects import KINDS, Object, listed, parse, text
from zhiyin.network.gat1400.objects import get as field
from zhiyin.network.gat1400.receiver import (
    CONTENT,
    FORMAT,
    OK,
    Receiver,
    Refuse,
    Report,
    Status,
    answer,
    local,
)
from zhiyin.network.gat1400.senders import Caller, Find, NotRegistered, Refused, Stale
from zhiyin.network.model import Reason

SMALL = 64 * 1024  # bytes of a body that names its sender, and is read before it is admitted
MEDIA = "application/VIID+JSON"
Asked = Request[Any, Any, Any]


def _respond(body: Any, status: int = 200, **headers: str) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body), status_code=status, media_type=MEDIA, headers=headers
    )


def caller_of(request: Asked) -> Caller:
    """Return who sends a request; the address of the host is the connection's own."""
    headers = request.headers
    return Caller(
        request.method, request.url.path, request.client.host if request.client else "",
        headers.get("user-identify", "").strip()[:64], headers.get("authorization", ""),
    )  # fmt: skip


def vision_router(
    limits: Limits, clock: Clock, find: Find, report: Report, refuse: Refuse | None = None
) -> Router:
    """Return the routes; mount them at the root, devices know no prefix.

    `find` knows devices by their 20-digit id (key: the digest password or the bearer key);
    `report(address, happenings)` keeps what was seen before the sender is told so, WorldFault
    when it cannot now; `refuse(address, fault, raw)` keeps what was not taken.
    """
    receiver = Receiver(limits, clock, find, report, refuse)
    routes = _Routes(receiver, clock)
    return Router(
        "", route_handlers=routes.handlers(), tags=["network 一张网"],
        request_max_body_size=limits.body,
    )  # fmt: skip


class _Routes:
    def __init__(self, receiver: Receiver, clock: Clock) -> None:
        self._receiver, self._clock = receiver, clock

    def _challenge(self, path: str, device: str, *, stale: bool) -> Response[bytes]:
        now = self._clock.now()
        challenge = self._receiver.senders.digest.challenge(now, stale=stale)
        body = answer(path, [Status(device, "4", "authenticate with digest")], now)
        return _respond(body, 401, **{"WWW-Authenticate": challenge})

    def _statuses(self, path: str, statuses: list[Status], code: int = 200) -> Response[bytes]:
        return _respond(answer(path, statuses, self._clock.now()), code)

    async def _do(self, request: Asked, what: Any, *, admitted: bool = True) -> Response[bytes]:
        """Read a body, do `what` with it, and answer in the standard's form whatever comes.

        The sender is admitted before its body is read; not `admitted`, the body names it.
        """
        caller = caller_of(request)
        try:
            if admitted:
                self._receiver.senders.admit(caller)
            body = {}
            if request.method != "GET":
                body = parse(await request.body(), self._receiver.limits)
            found = await what(caller, body)
        except Refused as fault:
            return self._statuses(caller.path, [Status(caller.device, "4", fault.text("en"))], 429)
        except NotRegistered as fault:
            return self._challenge(caller.path, caller.device, stale=isinstance(fault, Stale))
        except FrameFault as fault:
            large = fault.reason is Reason.OVERSIZE
            status = Status("", CONTENT if large else FORMAT, fault.detail)
            return self._statuses(caller.path, [status], 413 if large else 400)
        return found if isinstance(found, Response) else self._statuses(caller.path, found)

    def handlers(self) -> list[Any]:
        return [*self._system(), self._cameras_post(), self._cameras_get(), *self._pushes(),
                self._notifications(), self._events()]  # fmt: skip

    def _system(self) -> list[Any]:
        receiver = self._receiver

        def named(body: Object, root: str) -> str:
            return text(field(body, root) or {}, "DeviceID")[:64]

        @post("/VIID/System/Register", status_code=200, request_max_body_size=SMALL)
        async def register(request: Asked) -> Response[bytes]:
            async def what(caller: Caller, body: Object) -> list[Status]:
                device = named(body, "RegisterObject") or caller.device
                receiver.senders.register(caller, device)
                return [Status(device, OK)]

            return await self._do(request, what, admitted=False)

        @post("/VIID/System/UnRegister", status_code=200, request_max_body_size=SMALL)
        async def unregister(request: Asked) -> Response[bytes]:
            async def what(caller: Caller, body: Object) -> list[Status]:
                device = named(body, "UnRegisterObject") or caller.device
                receiver.senders.unregister(caller, device)
                return [Status(device, OK)]

            return await self._do(request, what, admitted=False)

        @post("/VIID/System/Keepalive", status_code=200, request_max_body_size=SMALL)
        async def keepalive(request: Asked) -> Response[bytes]:
            async def what(caller: Caller, body: Object) -> list[Status]:
                return [Status(receiver.senders.admit(caller, named(body, "KeepaliveObject")), OK)]

            return await self._do(request, what, admitted=False)

        @get("/VIID/System/Time")
        async def time() -> Response[bytes]:
            told = {
                "VIIDServerID": receiver.limits.server, "TimeMode": "1",
                "LocalTime": local(self._clock.now()), "TimeZone": "+08:00",
            }  # fmt: skip
            return _respond({"SystemTimeObject": told})

        return [register, unregister, keepalive, time]

    def _cameras_post(self) -> Any:
        @post("/VIID/APEs", status_code=200)
        async def take_cameras(request: Asked) -> Response[bytes]:
            async def what(_: Caller, body: Object) -> list[Status]:
                found = listed(body, "APEListObject", "APEObject")
                if not found:
                    raise FrameFault(Reason.MALFORMED, "APEListObject.APEObject is missing")
                return self._receiver.take_cameras(found)

            return await self._do(request, what)

        return take_cameras

    def _cameras_get(self) -> Any:
        @get("/VIID/APEs")
        async def list_cameras(request: Asked) -> Response[bytes]:
            async def what(_: Caller, __: Object) -> Response[bytes]:
                return _respond({"APEListObject": {"APEObject": self._receiver.cameras()}})

            return await self._do(request, what)

        return list_cameras

    def _pushes(self) -> list[Any]:
        @post([f"/VIID/{name}" for name in KINDS], status_code=200)
        async def push(request: Asked) -> Response[bytes]:
            async def what(caller: Caller, body: Object) -> list[Status]:
                kind = KINDS[caller.path.rstrip("/").rpartition("/")[2]]
                return await self._receiver.take(caller.device, body, kind)

            return await self._do(request, what)

        return [push]

    def _notifications(self) -> Any:
        @post("/VIID/SubscribeNotifications", status_code=200)
        async def notify(request: Asked) -> Response[bytes]:
            async def what(caller: Caller, body: Object) -> list[Status]:
                return await self._receiver.notified(caller.device, body)

            return await self._do(request, what)

        return notify

    def _events(self) -> Any:
        limits = self._receiver.limits

        @post("/vision/events", status_code=202)
        async def events(request: Asked) -> Response[bytes]:
            body = await request.body()
            try:
                rows = _events_of(body, limits)
                told = await self._receiver.take_events(caller_of(request), rows)
            except FrameFault as fault:
                code = 413 if fault.reason is Reason.OVERSIZE else 400
                return _problem(fault.problem() | {"status": code})
            except (NotRegistered, Refused) as fault:
                return _problem(fault.problem())
            return Response(
                msgspec.json.encode(told), status_code=202, media_type="application/json"
            )

        return events


def _events_of(body: bytes, limits: Limits) -> list[Any]:
    """Return the events of a body: one object, a list of them, or a list below `events`."""
    bare = body.lstrip()[:1] == b"["
    found = parse(b'{"events":%b}' % body if bare else body, limits)
    rows = listed(found, "events") if "events" in found else [found]
    if len(rows) > limits.objects:
        raise FrameFault(
            Reason.OVERSIZE, f"there are {len(rows)} events; at most {limits.objects} are taken"
        )
    return rows


def _problem(problem: dict[str, Any]) -> Response[bytes]:
    headers = {"WWW-Authenticate": "Bearer"} if problem["status"] == 401 else {}
    return Response(
        msgspec.json.encode({"type": f"/problems/{problem['code']}", **problem}),
        status_code=problem["status"], media_type="application/problem+json", headers=headers,
    )  # fmt: skip
