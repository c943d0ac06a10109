"""Requests and answers without their transport: what HTTP and a batch have in common."""

from typing import Any, NamedTuple

from zhiyin.kernel import Fault
from zhiyin.network.sensorthings.address import Address, read_address
from zhiyin.network.sensorthings.arrays import from_arrays, in_arrays
from zhiyin.network.sensorthings.faults import BodyTooLarge, MethodRefused
from zhiyin.network.sensorthings.model import KINDS, OBSERVATION, Entity
from zhiyin.network.sensorthings.options import Options, read_options
from zhiyin.network.sensorthings.read import Reader
from zhiyin.network.sensorthings.service import Sensing
from zhiyin.network.sensorthings.shape import plain
from zhiyin.network.sensorthings.when import When
from zhiyin.network.sensorthings.write import Arrival

JSON_PATCH = "application/json-patch+json"
_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1"
CONFORMS = [
    *(f"{_SPEC}/req/datamodel/{name}" for name in (
        "thing", "location", "historical-location", "datastream", "sensor", "observed-property",
        "observation", "feature-of-interest", "entity-control-information",
    )),
    f"{_SPEC}/req/resource-path/resource-path-to-entities",
    f"{_SPEC}/req/request-data",
    f"{_SPEC}/req/create-update-delete",
    f"{_SPEC}/req/create-update-delete/create-entity",
    f"{_SPEC}/req/create-update-delete/link-to-existing-entities",
    f"{_SPEC}/req/create-update-delete/deep-insert",
    f"{_SPEC}/req/create-update-delete/deep-insert-status-code",
    f"{_SPEC}/req/create-update-delete/update-entity",
    f"{_SPEC}/req/create-update-delete/delete-entity",
    f"{_SPEC}/req/create-update-delete/historical-location-auto-creation",
    f"{_SPEC}/req/data-array/data-array",
    "https://fraunhoferiosb.github.io/FROST-Server/extensions/JsonBatchRequest.html",
]  # fmt: skip


class Asked(NamedTuple):
    """A request: `path` and `query` below the service root, `root` its absolute address."""

    method: str
    path: str
    query: str
    body: Any
    content_type: str
    root: str
    actor: str


class Answer(NamedTuple):
    """An answer; `body` is JSON, or text for `$value`, None for none."""

    status: int
    body: Any = None
    location: str | None = None
    text: bool = False


async def answer(sensing: Sensing, asked: Asked) -> Answer:
    """Do what a request asks; raises a Fault when it cannot be done."""
    path = asked.path.strip("/")
    if path == "":
        _only(asked, "GET")
        return Answer(200, _landing(asked.root))
    if path == "CreateObservations":
        _only(asked, "POST")
        return await _create_observations(sensing, asked)
    address = read_address(path)
    if asked.method == "GET":
        return await _read(sensing, asked, address)
    if address.collection and not address.suffix:
        _only(asked, "GET, POST")
        made = await sensing.create(asked.actor, address, asked.body)
        async with sensing.reader() as reader:
            told = await sensing.shown(reader, [made], Options(), asked.root)
        return Answer(201, told[0], f"{asked.root}/{made.path}")
    if address.field is not None or address.suffix or address.collection:
        _only(asked, "GET")
    return await _alter(sensing, asked, address)


async def _alter(sensing: Sensing, asked: Asked, address: Address) -> Answer:
    _only(asked, "GET, PATCH, PUT, DELETE")
    if asked.method == "DELETE":
        await sensing.remove(asked.actor, address)
        return Answer(200)
    if asked.method == "PATCH" and asked.content_type.startswith(JSON_PATCH):
        changed = await sensing.patch(asked.actor, address, asked.body)
    else:
        replace = asked.method == "PUT"
        changed = await sensing.change(asked.actor, address, asked.body, replace=replace)
    async with sensing.reader() as reader:
        told = await sensing.shown(reader, [changed], Options(), asked.root)
    return Answer(200, told[0])


def _only(asked: Asked, allowed: str) -> None:
    if asked.method not in allowed.split(", "):
        where = asked.path or "/"
        raise MethodRefused(where, path=where, method=asked.method, allowed=allowed)


def _landing(root: str) -> dict[str, Any]:
    value = [{"name": kind.plural, "url": f"{root}/{kind.plural}"} for kind in KINDS.values()]
    settings = {
        "conformance": CONFORMS,
        f"{_SPEC}/req/data-array/data-array": {"endpoints": [f"{root}/CreateObservations"]},
    }
    return {"value": value, "serverSettings": settings}


async def _read(sensing: Sensing, asked: Asked, address: Address) -> Answer:
    options = read_options(asked.query, address.kind)
    async with sensing.reader() as reader:
        if address.collection:
            return Answer(200, await _collection(sensing, reader, asked, address, options))
        entity = await sensing.at(reader, address.steps)
        if address.field is not None:
            return _property(entity, address)
        if address.suffix == "$ref":
            return Answer(200, {"@iot.selfLink": f"{asked.root}/{entity.path}"})
        return Answer(200, (await sensing.shown(reader, [entity], options, asked.root))[0])


async def _collection(
    sensing: Sensing, reader: Reader, asked: Asked, address: Address, options: Options
) -> dict[str, Any]:
    page = await sensing.page(reader, address, options)
    told: dict[str, Any] = {}
    if page.total is not None:
        told["@iot.count"] = page.total
    if page.further is not None:
        told["@iot.nextLink"] = f"{asked.root}/{asked.path.strip('/')}?{page.further}"
    if address.suffix == "$ref":
        links = [{"@iot.selfLink": f"{asked.root}/{one.path}"} for one in page.entities]
        return {**told, "value": links}
    if options.arrays:
        return {**told, "value": in_arrays(page.entities, options.select, asked.root)}
    return {**told, "value": await sensing.shown(reader, page.entities, options, asked.root)}


def _property(entity: Entity, address: Address) -> Answer:
    assert address.field is not None
    name = address.field.name
    value = entity.id if name == "@iot.id" else entity.values.get(name)
    for key in address.inside:
        value = value.get(key) if isinstance(value, dict) else None
    value = plain(value) if isinstance(value, When) else value
    if value is None:
        return Answer(204)
    if address.suffix == "$value":
        return Answer(200, value, text=not isinstance(value, dict | list))
    return Answer(200, {address.inside[-1] if address.inside else name: value})


async def _create_observations(sensing: Sensing, asked: Asked) -> Answer:
    """Take arrays of observations; each is answered by its address, or by `error`."""
    await sensing.open()
    wanted = from_arrays(asked.body)
    if len(wanted) > sensing.batch_limit:
        size, limit = f"{len(wanted)} observations", f"{sensing.batch_limit} observations"
        raise BodyTooLarge("body", size=size, limit=limit)
    good = [one for one in wanted if isinstance(one, Arrival)]
    taken = iter(await sensing.take(asked.actor, good))
    answers = [next(taken) if isinstance(one, Arrival) else one for one in wanted]
    told = [
        "error" if isinstance(one, Fault) else f"{asked.root}/{OBSERVATION.plural}({one!r})"
        for one in answers
    ]
    return Answer(201, told)
