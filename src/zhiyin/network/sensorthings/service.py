"""The verbs of the service: read, create, change, remove; one object a process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import jsonpatch
import jsonpointer
from sqlalchemy import literal, select

from zhiyin import cloud, lake
from zhiyin.kernel import Clock, Fault
from zhiyin.network.sensorthings.address import Address, Step
from zhiyin.network.sensorthings.adopt import Adopter, Names
from zhiyin.network.sensorthings.expand import Expander
from zhiyin.network.sensorthings.faults import NoSuchEntity, PathUnknown
from zhiyin.network.sensorthings.fields import fault
from zhiyin.network.sensorthings.model import DATASTREAM, FEATURE, OBSERVATION, Entity, Kind
from zhiyin.network.sensorthings.observing import Observing
from zhiyin.network.sensorthings.options import Options
from zhiyin.network.sensorthings.read import Page, Reader, Scope
from zhiyin.network.sensorthings.shape import plain
from zhiyin.network.sensorthings.store import WAYS
from zhiyin.network.sensorthings.tail import Tail, catch_up
from zhiyin.network.sensorthings.taking import Taking
from zhiyin.network.sensorthings.write import Arrival, Writer, inverse
from zhiyin.network.service import REGISTER_CHANGED, Door


class Sensing:
    """SensorThings over one process's front door, operations store and lake."""

    def __init__(
        self, settings: cloud.Settings, clock: Clock, bus: cloud.Bus, database: cloud.Database,
        door: Door, names: Names,
    ) -> None:  # fmt: skip
        self._clock, self._bus, self._database, self._door = clock, bus, database, door
        self.body_limit = settings.observations.body_mib * 1024 * 1024
        self.batch_limit = settings.observations.batch
        recorded = lake.Recorded(settings.folder / "lake")
        self.observing = Observing(recorded, door.register, Tail())
        limits = settings.observations
        self.taking = Taking(door, database, clock, self.observing, limits.future, limits.past)
        self._adopter = Adopter(database, door.register, names)
        self._turn = asyncio.Lock()
        self._open = False

    async def open(self) -> None:
        """Take in what happened before this process began, once; and devices that are new."""
        if not self._open:
            async with self._turn:
                if not self._open:
                    stream = await self._bus.identity(cloud.OBSERVATIONS)
                    position = await asyncio.to_thread(self.observing.recorded.position, stream)
                    self.observing.stream = stream
                    await catch_up(self.observing.tail, self._bus, self._door.register, position)
                    self._open = True
        if self._adopter.behind:
            async with self._turn:
                await self._adopter.adopt()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Reader]:
        await self.open()
        async with self._database.read() as session:
            yield Reader(session, self.observing, self._clock.now())

    async def at(self, reader: Reader, steps: Sequence[Step]) -> Entity:
        """Return the entity that steps lead to; NoSuchEntity when one of them leads nowhere."""
        entity = await reader.find(steps[0].kind, _id(steps[0]))
        for step in steps[1:]:
            entity = await self._along(reader, entity, step)
        return entity

    async def _along(self, reader: Reader, owner: Entity, step: Step) -> Entity:
        if step.many:
            entity = await reader.find(step.kind, _id(step))
            if await self._leads(reader, owner, step, entity):
                return entity
        else:
            await reader.follow([owner], step.name)
            found = reader.related(owner, step.name)
            if found:
                return found[0]
        where = f"{owner.path}/{step.name}"
        raise NoSuchEntity(where, kind=step.kind.name, id=repr(step.id))

    async def _leads(self, reader: Reader, owner: Entity, step: Step, entity: Entity) -> bool:
        """Return whether a link of an owner leads to an entity, among others."""
        if entity.kind is OBSERVATION:
            link = "Datastream" if owner.kind is DATASTREAM else "FeatureOfInterest"
            return entity.links[link] == owner.number
        way = WAYS[owner.kind.name, step.name]
        asked = way.near == owner.number, way.far == entity.number
        found = await reader.session.execute(_exists(*asked))
        return found.first() is not None

    async def page(self, reader: Reader, address: Address, options: Options) -> Page:
        """Return a page of the collection at an address."""
        if len(address.steps) == 1:
            return await reader.page(address.kind, None, options)
        owner = await self.at(reader, address.steps[:-1])
        return await reader.page(address.kind, Scope(owner, address.steps[-1].name), options)

    async def create(self, actor: str, address: Address, body: Any) -> Entity:
        """Make an entity in the collection at an address, with all that is nested in it."""
        async with self.creation(actor) as creation:
            await creation.create(address, body)
        kind, number = creation.ids[0]
        async with self.reader() as reader:
            return await reader.find(kind, number)

    @asynccontextmanager
    async def creation(self, actor: str) -> AsyncIterator["Creation"]:
        """Open one transaction in which entities are made; their observations follow it."""
        await self.open()
        async with self._database.write(actor) as session:
            now = self._clock.now()
            reader = Reader(session, self.observing, now)
            creation = Creation(self, reader, Writer(session, now))
            yield creation
            await self.taking.foresee(session, creation.writer.arrivals)
        await self._told(creation.writer)
        await creation.take(actor)

    async def _told(self, writer: Writer) -> None:
        if writer.registered:
            await self._bus.notify(REGISTER_CHANGED)
            await self._door.refresh()

    async def take(self, actor: str, arrivals: Sequence[Arrival]) -> list[int | str | Fault]:
        """Take observations; each answer is an id, or why it was not taken."""
        return await self.taking.take(actor, arrivals) if arrivals else []

    async def change(
        self, actor: str, address: Address, body: Any, *, replace: bool = False
    ) -> Entity:
        """Change the entity at an address by what the body says; return it as it is then."""
        async with self.reader() as reader:
            entity = await self.at(reader, address.steps)
        if not isinstance(body, dict):
            raise fault(entity.kind, "the body should be one JSON object")
        if entity.kind is OBSERVATION:
            await self.taking.change(actor, entity, body, replace=replace)
        else:
            async with self._database.write(actor) as session:
                writer = Writer(session, self._clock.now())
                await writer.change(entity, body, replace=replace)
        async with self.reader() as reader:
            return await reader.find(entity.kind, entity.id)

    async def patch(self, actor: str, address: Address, changes: Any) -> Entity:
        """Change the entity at an address by a JSON Patch (RFC 6902)."""
        async with self.reader() as reader:
            entity = await self.at(reader, address.steps)
        earlier = {
            field.name: plain(entity.values.get(field.name))
            for field in entity.kind.fields
            if not field.computed and entity.values.get(field.name) is not None
        }
        try:
            later = jsonpatch.apply_patch(earlier, changes)
        except (
            jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError,
            AttributeError, KeyError,
        ) as broken:  # fmt: skip
            raise fault(entity.kind, f"the JSON Patch does not apply: {broken}") from broken
        return await self.change(actor, address, later, replace=True)

    async def remove(self, actor: str, address: Address) -> None:
        """Remove the entity at an address, and what cannot be without it."""
        async with self.reader() as reader:
            entity = await self.at(reader, address.steps)
        if entity.kind is OBSERVATION:
            await self.taking.remove(actor, entity)
            return
        state = await self._bus.state(cloud.OBSERVATIONS) if entity.kind is FEATURE else {}
        async with self._database.write(actor) as session:
            writer = Writer(session, self._clock.now())
            writer.position = int(state.get("last_seq", 0))
            await writer.remove(entity)

    async def shown(
        self, reader: Reader, entities: Sequence[Entity], options: Options, root: str
    ) -> list[dict[str, Any]]:
        """Return entities as the wire has them, with what `$expand` asks for inside."""
        return await Expander(self.observing, root).shown(reader, entities, options)


class Creation:
    """Entities made in one transaction; `ids` are complete once it is over."""

    def __init__(self, sensing: Sensing, reader: Reader, writer: Writer) -> None:
        self._sensing, self._reader, self.writer = sensing, reader, writer
        self._direct: dict[int, int] = {}  # which of `ids` is which arrival
        self.ids: list[tuple[Kind, int | str]] = []

    async def create(self, address: Address, body: Any) -> int | str:
        """Make one; return its id, that of an observation is not known yet."""
        kind = address.kind
        if not isinstance(body, dict):
            raise fault(kind, "the body should be one JSON object")
        body = {key: said for key, said in body.items() if key not in {"id", "@iot.id"}}
        if len(address.steps) > 1:
            owner = await self._sensing.at(self._reader, address.steps[:-1])
            body = _owned(owner, address.steps[-1], body)
        if kind is not OBSERVATION:
            number = await self.writer.create(kind, body)
            self.ids.append((kind, number))
            return number
        if body.get("Datastream") is None:
            raise fault(OBSERVATION, "Datastream is missing")
        link = OBSERVATION.link_of["Datastream"]
        stream = await self.writer.linked(kind, link, body["Datastream"], 0)
        self._direct[len(self.ids)] = len(self.writer.arrivals)
        self.writer.arrivals.append(Arrival(stream, body))
        self.ids.append((kind, ""))
        return ""

    async def take(self, actor: str) -> None:
        """Take the observations; raises what the first that was refused was refused for."""
        answers = await self._sensing.take(actor, self.writer.arrivals)
        for answer in answers:
            if isinstance(answer, Fault):
                raise answer
        for n, at in self._direct.items():
            answer = answers[at]
            if not isinstance(answer, Fault):
                self.ids[n] = (OBSERVATION, answer)


def _id(step: Step) -> int | str:
    if step.id is None:
        raise PathUnknown(path=step.name, reason="it is a collection; name one of it by its id")
    return step.id


def _exists(*conditions: Any) -> Any:
    return select(literal(1)).where(*conditions).limit(1)


def _owned(owner: Entity, step: Step, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with the link back to whose collection it was posted to."""
    back = inverse(owner.kind, owner.kind.link_of[step.name])
    assert back is not None
    link = {"@iot.id": owner.id}
    return {**body, back.name: [link] if back.many else link}
