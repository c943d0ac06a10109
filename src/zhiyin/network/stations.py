"""The gateways of the field protocols in one process: listeners, orders, and how they fare."""

import asyncio
import gc
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from zhiyin.cloud import Bus, Database, Message, Settings
from zhiyin.kernel import CallerFault, Clock, WorldFault, new_id
from zhiyin.network import orders
from zhiyin.network.collector import Collector
from zhiyin.network.contacts import shown
from zhiyin.network.directory import Directory, follow
from zhiyin.network.frame import Answer, Order, Wire
from zhiyin.network.happenings import Records
from zhiyin.network.intake import Message as Batch
from zhiyin.network.listener import Listener
from zhiyin.network.model import Device
from zhiyin.network.protocols import wire as protocol
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.secure import Credentials
from zhiyin.network.service import Door, enrol
from zhiyin.network.types import Types

log = structlog.get_logger()

HEALTH = "network.health"  # what every gateway says of itself, every few seconds
FRAMES = "network.frames."  # and the instance: the last frames of one sender
RELOAD = "network.reload."  # and the instance: read the register before you answer
TELL = 2.0  # seconds
TOLD = 2_000  # senders in one message
LATE = 1.0  # seconds between two looks for orders that came to nothing
OWN_TYPE = "gateway"  # the type under which a gateway observes itself, when a pack declares it
OBSERVE = 5  # tellings between two observations of itself


class Station:
    """One protocol's gateway."""

    def __init__(self, wire: Wire, listener: Listener, collector: Collector) -> None:
        self.wire, self.listener, self.collector = wire, listener, collector
        self.instance = new_id()
        self.thing = f"gateway-{wire.key}"
        self._counted = 0

    def told(self, now: int) -> dict[str, Any]:
        contacts = self.collector.contacts
        return {
            "gateway": self.wire.key, "title": self.wire.title.zh, "title_en": self.wire.title.en,
            "instance": self.instance, "host": self.listener.host, "port": self.listener.port,
            "listening": self.listener.listening, "tls": self.listener.told_of_tls(), "at": now,
            "connections": len(self.listener), "devices": len(self.listener.directory),
            "heard": len(contacts), "frames": contacts.frames, "bad": contacts.bad,
            "last": contacts.last, "waiting": len(self.collector),
            "contacts": contacts.changes(TOLD),
        }  # fmt: skip

    def observed(self) -> dict[str, float]:
        """Return what the gateway observes of itself since the last time."""
        contacts = self.collector.contacts
        fresh, self._counted = contacts.frames - self._counted, contacts.frames
        return {"connections": float(len(self.listener)), "frames": float(fresh)}


class Stations:
    """All gateways of this process."""

    def __init__(
        self, settings: Settings, clock: Clock, bus: Bus, database: Database, door: Door,
        templates: Mapping[str, DeviceTemplate], types: Types,
    ) -> None:  # fmt: skip
        self._settings, self._clock, self._bus, self._database = settings, clock, bus, database
        self._door, self._templates, self._types = door, templates, types
        self.stations: list[Station] = []

    async def open(self, keys: tuple[str, ...]) -> None:
        """Make the gateways of these protocols; none listens yet."""
        records = Records(self._database, self._clock, self._settings.folder)
        wires = [protocol(key) for key in keys]
        directories = [Directory(wire.key, self._templates, self._types) for wire in wires]
        credentials = Credentials(self._settings.tls)
        self._reload = reload = await follow(directories, self._database, self._bus)
        for wire, directory in zip(wires, directories, strict=True):
            collector = Collector(wire, self._door, directory, records, self._clock, reload)
            listener = Listener(
                wire, self._settings.gateways, directory, collector, self._clock,
                credentials if wire.key in self._settings.tls.on else None,
            )  # fmt: skip
            self.stations.append(Station(wire, listener, collector))
        await self._register_themselves()

    async def run(self) -> None:
        """Listen for ever."""
        # Frames become many small short-lived tuples, and the register many that stay: looking
        # through all of these for cycles as often as is usual takes a fifth of the time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        async with asyncio.TaskGroup() as tasks:
            for station in self.stations:
                await self._answer(station)
                tasks.create_task(station.collector.run())
                tasks.create_task(station.listener.serve())
            tasks.create_task(self._tell())
            tasks.create_task(self._time_out())

    async def _register_themselves(self) -> None:
        if OWN_TYPE not in self._types:
            return
        own = [
            Device(id=one.thing, type=OWN_TYPE, thing=one.thing, gateway="itself")
            for one in self.stations
        ]
        await enrol(
            self._database, self._bus, self._types, own,
            source="itself", actor="system:gateway", now=self._clock.now(),
        )  # fmt: skip
        await self._door.refresh()

    async def _answer(self, station: Station) -> None:
        async def frames(request: bytes) -> bytes:
            contact = station.collector.contacts.find(request.decode(errors="replace"))
            heard = list(contact.heard) if contact else []
            text = station.wire.text
            return msgspec.json.encode([shown(one, text=text) for one in reversed(heard)])

        async def ordered(message: Message) -> None:
            await self._carry(station, msgspec.json.decode(message.data, type=Order))

        async def read_register(_request: bytes) -> bytes:
            await self._reload()
            return b"ok"

        await self._bus.answer(FRAMES + station.instance, frames)
        await self._bus.answer(RELOAD + station.instance, read_register)
        await self._bus.listen(orders.SUBJECT + station.wire.key, ordered)

    async def _carry(self, station: Station, order: Order) -> None:
        """Send an order when its device is connected here."""
        if not self._settings.gateways.orders:
            return
        contact = station.collector.contacts.find(order.address)
        if contact is None or contact.link is None:
            return
        refused = ""
        try:
            sent = contact.link.order(order)
        except CallerFault as fault:
            sent, refused = False, fault.text("en")
        try:
            async with self._database.write(f"system:gateway-{station.wire.key}") as session:
                now = self._clock.now()
                if sent:
                    await orders.note_sent(session, order.id, now)
                elif refused:
                    await orders.note_answers(
                        session, [Answer(order.id, done=False, detail=refused)], now
                    )
        except SQLAlchemyError as fault:
            log.warning("order", order=order.id, fault=str(fault))

    async def _tell(self) -> None:
        for station in self.stations:
            await station.listener.tried()
        turn = 0
        while True:
            turn += 1
            now = self._clock.now()
            try:
                for station in self.stations:
                    await self._bus.notify(HEALTH, msgspec.json.encode(station.told(now)))
                if turn % OBSERVE == 1 and OWN_TYPE in self._types:
                    await self._observe(now)
            except WorldFault as fault:
                log.info("health waits", fault=str(fault))
            await asyncio.sleep(TELL)

    async def _observe(self, now: int) -> None:
        rows = [
            (station.thing, name, value)
            for station in self.stations
            if station.listener.listening
            for name, value in station.observed().items()
            if name in self._types[OWN_TYPE]
        ]
        things, names, values = zip(*rows, strict=True) if rows else ((), (), ())
        await self._door.take(Batch(things, names, [now] * len(rows), values), "itself")

    async def _time_out(self) -> None:
        if not self._settings.gateways.orders:
            return
        while True:
            await asyncio.sleep(LATE)
            now = self._clock.now()
            try:
                for station in self.stations:
                    key = station.wire.key
                    async with self._database.read() as session:
                        some = await orders.open_late(session, key, now)
                    if some:
                        async with self._database.write(f"system:gateway-{key}") as session:
                            await orders.time_out(session, key, now)
            except SQLAlchemyError as fault:
                log.warning("orders wait", fault=str(fault))
