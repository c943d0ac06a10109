"""The service over HTTP, below `/sta/v1.1`: plain ASGI, because its addresses are not templates."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
import structlog
from litestar import asgi
from litestar.datastructures import Headers
from litestar.types import Receive, Scope, Send

from zhiyin.kernel import Fault, WorldFault
from zhiyin.network.bodies import read_body
from zhiyin.network.sensorthings.answer import JSON_PATCH, Answer, Asked, answer
from zhiyin.network.sensorthings.batch import batch
from zhiyin.network.sensorthings.faults import BadQuery, BodyTooLarge, MethodRefused, NoJsonBody
from zhiyin.network.sensorthings.service import Sensing

BASE = "/sta/v1.1"
LONGEST = 16_384  # characters of an address with its query
DEEPEST = 64  # objects in objects of a body
_JSON, _PROBLEM = b"application/json", b"application/problem+json"
_METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}
log = structlog.get_logger()


class Reply(NamedTuple):
    """What goes back over HTTP."""

    status: int
    body: bytes
    kind: bytes
    headers: list[tuple[bytes, bytes]]


def root_of(scope: Any, headers: Headers) -> str:
    """Return the absolute address of the service as the client sees it."""
    host = headers.get("x-forwarded-host") or headers.get("host") or "localhost"
    scheme = headers.get("x-forwarded-proto") or scope.get("scheme", "http")
    known = scheme if scheme in {"http", "https"} else "http"
    clean = "".join(
        sign for sign in host.split(",")[0].strip() if sign.isalnum() or sign in ".-:[]"
    )
    return f"{known}://{clean}{BASE}"


def _decoded(body: bytes) -> Any:
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise NoJsonBody("body", reason=str(fault)) from fault
    if _depth(read) > DEEPEST:
        raise NoJsonBody("body", reason=f"it is nested deeper than {DEEPEST}")
    return read


def _depth(value: Any) -> int:
    """Return how deep objects and arrays lie in one another, without recursion."""
    level, here = 0, [value]
    while here := [
        inner
        for one in here
        if isinstance(one, dict | list)
        for inner in (one.values() if isinstance(one, dict) else one)
    ]:
        level += 1
        if level > DEEPEST:
            break
    return level


def _reply(result: Answer) -> Reply:
    headers = []
    if result.location is not None:
        headers.append((b"location", result.location.encode()))
    if result.body is None:
        return Reply(result.status, b"", b"", headers)
    if result.text:
        said = result.body if isinstance(result.body, str) else msgspec.json.encode(result.body)
        text = said if isinstance(said, bytes) else said.encode()
        return Reply(result.status, text, b"text/plain; charset=utf-8", headers)
    return Reply(result.status, msgspec.json.encode(result.body), _JSON, headers)


def _problem(fault: Fault, path: str) -> Reply:
    problem = {"type": f"/problems/{fault.code}", "instance": path, **fault.problem()}
    headers = [(b"retry-after", b"1")] if isinstance(fault, WorldFault) else []
    if isinstance(fault, MethodRefused):
        headers.append((b"allow", str(fault.fields["allowed"]).encode()))
    return Reply(fault.status, msgspec.json.encode(problem), _PROBLEM, headers)


async def take(sensing: Sensing, scope: Any, receive: Receive) -> Reply:
    """Answer one HTTP request."""
    headers, method = Headers.from_scope(scope), scope["method"]
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
    path = unquote(raw).partition(BASE)[2]
    query = scope.get("query_string", b"").decode("latin-1")
    if len(raw) + len(query) > LONGEST:
        raise BadQuery("URL", option="URL", reason=f"it has more than {LONGEST} characters")
    if method == "OPTIONS":
        return Reply(204, b"", b"", [(b"allow", b"GET, HEAD, POST, PATCH, PUT, DELETE")])
    method = "GET" if method == "HEAD" else method
    if method not in _METHODS:
        raise MethodRefused(path, path=path, method=method, allowed=", ".join(sorted(_METHODS)))
    kind = headers.get("content-type", "application/json")
    body = None
    if method in {"POST", "PATCH", "PUT"}:
        said = await read_body(receive, sensing.body_limit, BodyTooLarge)
        if not kind.startswith(("application/json", JSON_PATCH)):
            raise NoJsonBody("Content-Type", reason=f"Content-Type is {kind!r:.80}")
        body = _decoded(said)
    actor = headers.get("x-zhiyin-user", "user:duty")
    asked = Asked(method, path, query, body, kind, root_of(scope, headers), actor)
    work: Callable[[Sensing, Asked], Awaitable[Answer]] = answer
    if path.strip("/") == "$batch":
        if method != "POST":
            raise MethodRefused(path, path=path, method=method, allowed="POST")
        work = batch
    return _reply(await work(sensing, asked))


def router(sensing: Sensing) -> Any:
    """Return the room's routes for SensorThings clients."""

    @asgi(BASE, is_mount=True, copy_scope=True)
    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await take(sensing, scope, receive)
        except Fault as fault:
            reply = _problem(fault, str(dict(scope)["path"]))
        headers = [(b"content-length", str(len(reply.body)).encode()), *reply.headers]
        headers.append((b"x-content-type-options", b"nosniff"))
        if reply.kind:
            headers.append((b"content-type", reply.kind))
        body = b"" if dict(scope)["method"] == "HEAD" else reply.body
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return service
