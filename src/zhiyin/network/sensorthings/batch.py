"""`$batch` in its JSON form: many requests in one, in groups that hold together or not at all.

An id of an earlier request with a dollar sign stands for the entity that it made: in a body
(`{"@iot.id": "$thing1"}`) and at the head of an address (`$thing1/Datastreams`).
"""

from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from zhiyin.kernel import Fault
from zhiyin.network.sensorthings.address import read_address
from zhiyin.network.sensorthings.answer import Answer, Asked, answer
from zhiyin.network.sensorthings.faults import NoJsonBody, PathUnknown
from zhiyin.network.sensorthings.model import OBSERVATION
from zhiyin.network.sensorthings.service import Sensing

MOST = 1_000  # requests in one batch


class Part(msgspec.Struct, forbid_unknown_fields=False):
    """One request of a batch."""

    method: str
    url: str
    id: str | int = ""
    body: Any = None
    atomicityGroup: str | None = None  # noqa: N815  (the wire's name)
    headers: dict[str, str] = {}


Made = dict[str, tuple[int | str, str]]  # id of a request → id and path of what it made


async def batch(sensing: Sensing, asked: Asked) -> Answer:
    """Answer every request of a batch, in order."""
    try:
        body = asked.body if isinstance(asked.body, dict) else {}
        parts = msgspec.convert(body.get("requests"), list[Part])
    except msgspec.ValidationError as broken:
        raise NoJsonBody("body", reason=f"requests: {broken}") from broken
    if len(parts) > MOST:
        raise NoJsonBody("body", reason=f"{len(parts)} requests; at most {MOST} are taken")
    made: Made = {}
    answers: list[dict[str, Any]] = []
    at = 0
    while at < len(parts):
        group = parts[at].atomicityGroup
        end = at + 1
        while group is not None and end < len(parts) and parts[end].atomicityGroup == group:
            end += 1
        if group is None:
            answers.append(await _single(sensing, asked, parts[at], made))
        else:
            answers += await _together(sensing, asked, parts[at:end], made)
        at = end
    return Answer(200, {"responses": answers})


def _told(part: Part, result: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"id": part.id, "status": result.status}
    if result.location is not None:
        told["location"] = result.location
    if result.body is not None:
        told["body"] = result.body
    return told


def _refused(part: Part, fault: Fault) -> dict[str, Any]:
    problem = {"type": f"/problems/{fault.code}", **fault.problem()}
    return {"id": part.id, "status": fault.status, "body": problem}


def request_of(asked: Asked, part: Part, made: Made) -> Asked:
    """Return one request of a batch by itself, with its references filled in."""
    url = part.url
    below = urlsplit(asked.root).path + "/"
    if "://" in url:
        url = urlsplit(url).path + ("?" + urlsplit(url).query if urlsplit(url).query else "")
    url = url.removeprefix(below).lstrip("/")
    head, slash, rest = url.partition("/")
    if head.startswith("$") and head[1:] in made:
        url = made[head[1:]][1] + slash + rest
    path, _, query = url.partition("?")
    kind = next(
        (value for key, value in part.headers.items() if key.lower() == "content-type"),
        "application/json",
    )
    body = filled(part.body, made)
    return asked._replace(
        method=part.method.upper(), path=unquote(path), query=query, body=body, content_type=kind
    )


def filled(body: Any, made: Made) -> Any:
    """Return a body with every `$id` of an earlier request as the id of what it made."""
    if isinstance(body, dict):
        return {key: filled(value, made) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(value, made) for value in body]
    if isinstance(body, str) and body.startswith("$") and body[1:] in made:
        return made[body[1:]][0]
    return body


async def _single(sensing: Sensing, asked: Asked, part: Part, made: Made) -> dict[str, Any]:
    try:
        result = await answer(sensing, request_of(asked, part, made))
    except Fault as fault:
        return _refused(part, fault)
    if result.status == 201 and result.location is not None and isinstance(result.body, dict):
        path = result.location.removeprefix(asked.root + "/")
        made[str(part.id)] = (result.body["@iot.id"], path)
    return _told(part, result)


async def _together(
    sensing: Sensing, asked: Asked, parts: list[Part], made: Made
) -> list[dict[str, Any]]:
    """Make all entities of a group in one transaction; when one cannot be, none is."""
    trial = dict(made)
    at = 0
    try:
        async with sensing.creation(asked.actor) as creation:
            for at, part in enumerate(parts):  # noqa: B007  (known afterwards: which one failed)
                request = request_of(asked, part, trial)
                address = read_address(request.path)
                whole = address.collection and not address.suffix
                if request.method != "POST" or not whole:
                    raise PathUnknown(path=part.url, reason="a group holds POSTs to collections")
                id_ = await creation.create(address, request.body)
                key = f"'{id_}'" if isinstance(id_, str) else str(id_)
                if address.kind is not OBSERVATION:
                    trial[str(part.id)] = (id_, f"{address.kind.plural}({key})")
        ids = creation.ids
    except Fault as fault:
        waiting = {"title": "the group failed", "status": 424, "where": str(parts[at].id)}
        return [
            _refused(part, fault) if n == at else {"id": part.id, "status": 424, "body": waiting}
            for n, part in enumerate(parts)
        ]
    made.update(trial)
    told = []
    for part, (kind, id_) in zip(parts, ids, strict=True):
        key = f"'{id_}'" if isinstance(id_, str) else str(id_)
        made[str(part.id)] = (id_, f"{kind.plural}({key})")
        result = Answer(201, {"@iot.id": id_}, f"{asked.root}/{kind.plural}({key})")
        told.append(_told(part, result))
    return told
