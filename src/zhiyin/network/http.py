"""Routes of the network room: observations in, devices, and what was kept apart."""

from typing import Annotated, Any

import msgspec
from litestar import Router, asgi, get, post
from litestar.datastructures import Headers
from litestar.params import HeaderParameter, Parameter
from litestar.response import Response
from litestar.types import Receive, Scope, Send

from zhiyin.cloud import Database, Settings
from zhiyin.kernel import CallerFault, Fault, Words, WorldFault, iso
from zhiyin.network import service, store
from zhiyin.network.again import FrameReader
from zhiyin.network.bodies import read_body
from zhiyin.network.hiding import hidden_raw
from zhiyin.network.model import Reason, Rejected
from zhiyin.network.service import Door
from zhiyin.network.wire import Bad, read_http

_encode = msgspec.json.encode


class TooLarge(CallerFault):
    """A body or a batch above the limit."""

    code = "network-010"
    status = 413
    what = Words(
        "请求有 {size},最多 {limit}。", "The request has {size}; at most {limit} is taken."
    )
    do = Words("分成几次发送。", "Send it in several parts.")


class NoJson(CallerFault):
    """A body that is no JSON."""

    code = "network-011"
    what = Words("请求体不是 JSON:{reason}。", "The body is no JSON: {reason}.")
    do = Words(
        "原文已存入隔离区;改正发送程序后重发。",
        "It is kept in quarantine; mend the sender and resend.",
    )


class WrongMethod(CallerFault):
    """A method that the front door does not have."""

    code = "network-012"
    status = 405
    what = Words("方法是 {method},应为 POST。", "The method is {method}; it should be POST.")
    do = Words("用 POST 发送观测。", "Send observations with POST.")


async def _answer(
    send: Send, status: int, body: bytes, kind: bytes, *more: tuple[bytes, bytes]
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def front_door(settings: Settings, door: Door) -> Any:
    """Return the route of `POST /observations`: plain ASGI, because devices knock a lot."""
    limit = settings.observations.body_mib * 1024 * 1024

    async def take(scope: Any, receive: Receive) -> tuple[int, bytes]:
        if scope["method"] != "POST":
            raise WrongMethod("/observations", method=scope["method"])
        body = await read_body(receive, limit, TooLarge)
        headers = Headers.from_scope(scope)
        try:
            message, bad = read_http(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            raw = {"payload": body[:4096].decode(errors="backslashreplace")}
            await door.keep([door.malformed(Bad(raw, str(fault)), "http")])
            raise NoJson("body", reason=str(fault)) from fault
        if len(message.thing) + len(bad) > settings.observations.batch:
            items, most = len(message.thing), settings.observations.batch
            raise TooLarge("body", size=f"{items} observations", limit=f"{most} observations")
        key = headers.get("idempotency-key")
        history = b"mode=history" in scope["query_string"]
        taken = await door.take(
            message, "http", key=f"http-{key}" if key else None, history=history, bad=bad
        )
        kept = sum(taken.reasons.values())
        answer = {"accepted": taken.accepted, "quarantined": kept, "reasons": taken.reasons}
        return 202, _encode(answer)

    @asgi("/observations", copy_scope=True, is_mount=False)
    async def observations(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body = await take(scope, receive)
            await _answer(send, status, body, b"application/json")
        except Fault as fault:
            problem = {"type": f"/problems/{fault.code}", **fault.problem()}
            more = [(b"retry-after", b"1")] if isinstance(fault, WorldFault) else []
            more += [(b"allow", b"POST")] if isinstance(fault, WrongMethod) else []
            await _answer(send, fault.status, _encode(problem), b"application/problem+json", *more)

    return observations


class ReplayIn(msgspec.Struct, forbid_unknown_fields=True):
    """Which kept observations to send again: by id, or all of one reason."""

    ids: list[str] = []
    reason: Reason | None = None
    thing: str | None = None


def _shown(item: Rejected) -> dict[str, Any]:
    shown = {**msgspec.structs.asdict(item), "received": iso(item.received)}
    return {**shown, "raw": hidden_raw(item.raw)}


Page = Annotated[int, Parameter(ge=1, le=1000)]


def router(settings: Settings, database: Database, door: Door, reader: FrameReader) -> Router:
    """Return the room's routes."""

    @get("/quarantine")
    async def list_quarantine(
        reason: Reason | None = None,
        thing: str | None = None,
        kept: str | None = Parameter(query="state", default="kept"),
        limit: Page = 100,
        offset: Annotated[int, Parameter(ge=0)] = 0,
    ) -> Response[dict[str, Any]]:
        async with database.read() as session:
            items, total = await store.list_kept(session, reason, thing, kept, limit, offset)
            counts = await store.count_kept(session)
        body = {"items": [_shown(item) for item in items], "total": total, "counts": counts}
        return Response(body, headers={"X-Total-Count": str(total)})

    @post("/quarantine/replay", status_code=200)
    async def replay_quarantine(
        data: ReplayIn,
        user: Annotated[str, HeaderParameter(name="X-Zhiyin-User")] = "user:duty",
    ) -> dict[str, int]:
        async with database.read() as session:
            if data.ids:
                items = await store.kept_by_id(session, data.ids)
            else:
                items, _ = await store.list_kept(
                    session, data.reason, data.thing, "kept", 10_000, 0
                )
        return await service.replay(door, database, items, user, reader.message)

    @get("/series")
    async def list_series(
        thing: str | None = None,
        prop: str | None = Parameter(query="property", default=None),
        type_: str | None = Parameter(query="type", default=None),
        limit: Page = 100,
        offset: Annotated[int, Parameter(ge=0)] = 0,
    ) -> Response[list[dict[str, Any]]]:
        found = [
            row
            for row in door.register.series
            if thing in {None, row.thing}
            and prop in {None, row.property}
            and type_ in {None, row.type}
        ]
        page = [msgspec.structs.asdict(row) for row in found[offset : offset + limit]]
        return Response(page, headers={"X-Total-Count": str(len(found))})

    return Router(
        "",
        route_handlers=[
            front_door(settings, door), list_quarantine, replay_quarantine,
            list_series,
        ],
        tags=["network 一张网"],
    )  # fmt: skip
