"""The route by which platforms push: proven, read by mapping, on the stream, then answered."""

import asyncio
from typing import Any

import msgspec
import prometheus_client
from litestar import Request, Response, Router, get, post
from litestar.exceptions import ClientException

from zhiyin.cloud import Settings
from zhiyin.kernel import CallerFault, Clock, Words, fixed_id, new_id
from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason, Rejected
from zhiyin.network.payload.decode import Context, Read, decode
from zhiyin.network.payload.rows import kept_message, troubles_of
from zhiyin.network.payload.sign import NotSigned, verify
from zhiyin.network.payload.source import NoSuchSource, Source, sources
from zhiyin.network.service import Door

LARGE = 262_144  # bytes from which on a message is read beside the event loop
MINUTE = 60_000

refused = prometheus_client.Counter(
    "zhiyin_push_refused", "Pushes whose sender was not proven", ["source"]
)


class PushUnread(CallerFault):
    """A push that nobody can read."""

    code = "network-183"
    what = Words("推送内容读不懂:{reason}。", "The push cannot be read: {reason}.")
    do = Words(
        "原文已存入隔离区;核对来源所用的映射,改好后从隔离区重放。",
        "It is kept in quarantine; check the source's mapping, then replay it from there.",
    )


class PushTooLarge(CallerFault):
    """A push above the limit."""

    code = "network-184"
    status = 413
    what = Words("推送超过 {limit} 字节。", "The push has more than {limit} bytes.")
    do = Words("让平台分成几次发送。", "Let the platform send it in several parts.")


class Receiver:
    """Takes the pushes of one source after another."""

    def __init__(self, settings: Settings, clock: Clock, door: Door) -> None:
        self._sources = sources(settings, door.declared)
        self._limit = settings.observations.body_mib * 1024 * 1024
        self._clock, self._door = clock, door

    def source(self, name: str) -> Source:
        if name not in self._sources:
            raise NoSuchSource(source=name[:80])
        return self._sources[name]

    async def body(self, source: Source, request: Request[Any, Any, Any]) -> bytes:
        """Return the whole body; of one that is too large a note is kept, never the body."""
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > self._limit:
                await self._note(source, Reason.OVERSIZE, f"more than {self._limit} bytes")
                raise PushTooLarge(source.name, limit=self._limit)
            parts.append(part)
        return b"".join(parts)

    async def proven(self, source: Source, body: bytes, context: Context) -> str:
        """Return the signature where it covers a time; NotSigned is noted once a minute."""
        if not source.secret:
            return ""
        try:
            now = self._clock.now()
            return verify(source.name, source.sign, source.secret, body, context, now, self._limit)
        except NotSigned as fault:
            refused.labels(source.name).inc()
            await self._note(source, Reason.WRONG_KEY, fault.text("en"))
            raise

    async def _note(self, source: Source, reason: Reason, detail: str) -> None:
        """Keep that something was refused, at most once a minute for each source and reason.

        Its sender is unknown, so nothing of what it sent is kept: strangers fill no store.
        """
        now = self._clock.now()
        key = fixed_id("push", source.name, reason, now // MINUTE)
        item = Rejected(key, reason, detail[:400], f"push:{source.name}", now, "", "", {})
        await self._door.keep([item], key)

    async def take(
        self, source: Source, body: bytes, context: Context, proof: str
    ) -> tuple[int, dict[str, Any]]:
        """Return status and what the platform expects to hear, once all of it is kept."""
        label, received = f"push:{source.name}", self._clock.now()
        item = fixed_id(label, proof) if proof else new_id()
        try:
            read = await self._read(source, body, context)
        except FrameFault as fault:
            kept = kept_message(
                source.mapping, body, context, fault.reason, fault.detail, label, received, item
            )
            await self._door.keep([kept])
            return self._unread(source, fault.detail)
        apart: list[Rejected] = []
        if read.trouble_count:
            detail = troubles_of(read)
            apart.append(
                kept_message(
                    source.mapping, body, context, Reason.MALFORMED, detail, label, received, item
                )
            )
        await self._rows(source, read, label, received, proof, apart)
        if apart and not read.rows:
            return self._unread(source, apart[0].detail)
        answer = source.mapping.answer
        return answer.status, dict(answer.body)

    async def _read(self, source: Source, body: bytes, context: Context) -> Read:
        if len(body) < LARGE:
            return decode(source.mapping, body, context, self._limit, self._door.xml)
        return await asyncio.to_thread(
            decode, source.mapping, body, context, self._limit, self._door.xml
        )

    async def _rows(
        self, source: Source, read: Read, label: str, received: int, proof: str,
        apart: list[Rejected],
    ) -> None:  # fmt: skip
        placed = await self._door.place(read.rows, received, label)
        if not all(thing in self._door.register.of_thing for thing in placed.message.thing):
            await self._door.refresh()  # of what type they are decides whether it may
        message, foreign = source.own(self._door.register, placed.message, label, received)
        checked = await self._door.look(message, label)
        rejected = [*checked.rejected, *placed.apart, *foreign]
        if proof:  # the same push again, within the window of its signature, changes nothing
            rejected = [
                msgspec.structs.replace(one, id=fixed_id(label, proof, n))
                for n, one in enumerate(rejected)
            ]
        # Rows with a time of their own may come twice without harm; only a signed time tells two
        # readings without one apart from one that was repeated.
        timeless = any(row.time is None for row in read.rows)
        key = fixed_id(label, proof) if proof and timeless else None
        await self._door.hand_over(checked, rejected + apart, label, key)

    def _unread(self, source: Source, reason: str) -> tuple[int, dict[str, Any]]:
        if source.mapping.answer.kept >= 300:
            raise PushUnread(source.name, reason=reason)
        return source.mapping.answer.kept, dict(source.mapping.answer.body)


def _context(request: Request[Any, Any, Any]) -> Context:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Context("", headers, {str(k): str(v) for k, v in request.query_params.items()})


def push_router(settings: Settings, clock: Clock, door: Door) -> Router:
    """Return `POST /push/{source}`, and the GET by which some platforms ask first."""
    receiver = Receiver(settings, clock, door)

    @post("/push/{source:str}", status_code=200, request_max_body_size=None)
    async def push(source: str, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        of, context = receiver.source(source), _context(request)
        body = await receiver.body(of, request)
        proof = await receiver.proven(of, body, context)
        status, answer = await receiver.take(of, body, context, proof)
        return Response(answer, status_code=status)

    @get("/push/{source:str}", media_type="text/plain")
    async def hello(source: str, request: Request[Any, Any, Any]) -> str:
        of, context = receiver.source(source), _context(request)
        said = context.query.get(of.mapping.hello, "") if of.mapping.hello else ""
        if not said:
            raise ClientException(status_code=405, detail="POST", headers={"allow": "POST"})
        # The parameters stand where the body's members do.
        await receiver.proven(of, msgspec.json.encode(context.query), context)
        return said

    return Router("", route_handlers=[push, hello], tags=["network 一张网"])
