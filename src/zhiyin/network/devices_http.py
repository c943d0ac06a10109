"""Routes of the register of devices, of gateways, orders and happenings."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, patch, post
from litestar.params import HeaderParameter, Parameter
from litestar.response import Response

from zhiyin.cloud import Bus, Database, Settings
from zhiyin.kernel import CallerFault, Clock, Words
from zhiyin.network import devices as register
from zhiyin.network import happenings, orders, store
from zhiyin.network.decoding import plain, read_frame
from zhiyin.network.devices import CalibrationIn, DeviceChange, DeviceIn
from zhiyin.network.frame import FrameFault
from zhiyin.network.health import STATES, Health
from zhiyin.network.hiding import hidden, hidden_frame
from zhiyin.network.model import Device
from zhiyin.network.orders import NoSuchDevice, OrdersOff
from zhiyin.network.protocols import KEYS, wire
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.service import Door, enrol
from zhiyin.network.types import Types

User = Annotated[str, HeaderParameter(name="X-Zhiyin-User")]
Page = Annotated[int, Parameter(ge=1, le=1000)]
Offset = Annotated[int, Parameter(ge=0)]
ALL = 1_000_000
EXPORTED = (*register.COLUMNS, *register.TOLD)


class WrongState(CallerFault):
    """A state that no device can be in."""

    code = "network-017"
    what = Words("没有状态 {value};有 {known}。", "There is no state {value}; there are {known}.")
    do = Words("改为其中之一,或不写。", "Write one of them, or leave it out.")


class OrderIn(msgspec.Struct, forbid_unknown_fields=True):
    """A command: `verb` and parameters are those of the device's protocol."""

    verb: str
    parameters: dict[str, Any] = {}
    within: str = ""


class Devices:
    """What the routes need."""

    def __init__(
        self, settings: Settings, clock: Clock, bus: Bus, database: Database, door: Door,
        types: Types, templates: Mapping[str, DeviceTemplate], health: Health,
    ) -> None:  # fmt: skip
        self.settings, self.clock, self.bus, self.database = settings, clock, bus, database
        self.door, self.types, self.templates, self.health = door, types, templates, health

    async def settle(self) -> None:
        """Return when this process and the gateways know the register as it is now."""
        await self.door.refresh()
        await self.health.settle()

    async def device(self, key: str) -> Device:
        async with self.database.read() as session:
            return await orders.device(session, key)

    def shown(self, one: Device) -> dict[str, Any]:
        """Return a device without its key."""
        fields = msgspec.structs.asdict(one)
        fields["key"] = bool(one.key)
        template = self.templates.get(one.template)
        if template is not None and template.title is not None:
            fields["template_title"], fields["template_title_en"] = (
                template.title.zh, template.title.en,
            )  # fmt: skip
        return {**fields, **self.health.device(one)}

    async def listed(
        self, q: str, type_: str | None, gateway: str | None, state: str | None
    ) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Return the devices sought, and of those how many are in each state."""
        async with self.database.read() as session:
            everyone = await store.all_devices(session)
        if state is not None and state not in STATES:
            raise WrongState("state", value=repr(state), known=", ".join(STATES))
        word = q.lower()
        found = [
            self.shown(one)
            for one in everyone
            if type_ in {None, one.type}
            and gateway in {None, one.gateway}
            and word in f"{one.id} {one.address} {one.thing} {one.template}".lower()
        ]
        counts = Counter(one["state"] for one in found)
        if state is not None:
            found = [one for one in found if one["state"] == state]
        return found, {name: counts.get(name, 0) for name in STATES}

    async def frames(self, device: Device) -> list[dict[str, Any]]:
        """Return the sender's last frames, each decoded field by field."""
        heard = await self.health.frames(device)
        protocol = wire(device.gateway)
        for one in heard:
            try:
                one["decoded"] = hidden(protocol, plain(read_frame(protocol, one["frame"])))
            except FrameFault as fault:
                one["decoded"] = None
                one["reason"], one["detail"] = one["reason"] or fault.reason, fault.detail
            one["frame"] = hidden_frame(protocol, one["frame"])
        return heard


def router(room: Devices) -> Router:
    """Return the routes."""
    return Router(
        "", route_handlers=[*_lists(room), *_changes(room), *_of_one(room), *_seen(room)],
        tags=["network 一张网"],
    )  # fmt: skip


def _lists(room: Devices) -> list[Any]:
    @get("/devices")
    async def list_devices(
        q: str = "", type_: str | None = Parameter(query="type", default=None),
        gateway: str | None = None, condition: str | None = Parameter(query="state", default=None),
        limit: Page = 100, offset: Offset = 0,
    ) -> Response[list[dict[str, Any]]]:  # fmt: skip
        found, counts = await room.listed(q, type_, gateway, condition)
        headers = {
            "X-Total-Count": str(len(found)),
            "X-State-Counts": ",".join(f"{name}={count}" for name, count in counts.items()),
        }
        return Response(found[offset : offset + limit], headers=headers)

    @get("/devices.csv", media_type="text/csv; charset=utf-8")
    async def export_devices(
        q: str = "", type_: str | None = Parameter(query="type", default=None),
        gateway: str | None = None, condition: str | None = Parameter(query="state", default=None),
    ) -> Response[str]:  # fmt: skip
        found, _ = await room.listed(q, type_, gateway, condition)
        for one in found:
            one["key"] = ""
            one["every"] = f"{one['every'] // 1000}s" if one["every"] else ""
        return Response(
            register.sheet(found, EXPORTED), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="devices.csv"'},
        )  # fmt: skip

    return [list_devices, export_devices]


def _changes(room: Devices) -> list[Any]:
    database, bus = room.database, room.bus

    @post("/devices", status_code=200)
    async def add_devices(data: list[DeviceIn], user: User = "user:duty") -> dict[str, int]:
        entries = [register.device_of(one, room.templates) for one in data]
        added = await enrol(
            database, bus, room.types, entries, source="http", actor=user, now=room.clock.now()
        )
        await room.settle()
        return {"added": added, "known": len(entries) - added}

    @post("/devices/import", status_code=200)
    async def import_devices(
        request: Request[Any, Any, Any], dry: bool = False, user: User = "user:duty"  # noqa: FBT001, FBT002
    ) -> dict[str, Any]:  # fmt: skip
        table = register.read_sheet(await request.body())
        told = await register.import_devices(
            database, bus, room.types, room.templates, table,
            actor=user, now=room.clock.now(), dry=dry,
        )  # fmt: skip
        await room.settle()
        return told

    @patch("/devices/{key:str}")
    async def change_device(
        key: str, data: DeviceChange, user: User = "user:duty"
    ) -> dict[str, Any]:
        changed = await register.change(database, bus, room.templates, key, data, user)
        if changed is None:
            raise NoSuchDevice(key, device=key)
        await room.settle()
        return room.shown(changed)

    @delete("/devices/{key:str}", status_code=204)
    async def remove_device(key: str, user: User = "user:duty") -> None:
        if not await register.remove(database, bus, key, user):
            raise NoSuchDevice(key, device=key)
        await room.settle()

    return [add_devices, import_devices, change_device, remove_device]


def _of_one(room: Devices) -> list[Any]:
    database, settings = room.database, room.settings

    @get("/devices/{key:str}")
    async def one_device(key: str) -> dict[str, Any]:
        device = await room.device(key)
        async with database.read() as session:
            checks = await register.calibrations(session, key)
        verbs = wire(device.gateway).orders if device.gateway in KEYS else {}
        return {
            **room.shown(device), "calibrations": checks,
            "latest": room.health.latest_of(device.thing) or {},
            "orders": {verb: list(names) for verb, names in verbs.items()},
            "orders_on": settings.gateways.orders,
        }  # fmt: skip

    @get("/devices/{key:str}/frames")
    async def device_frames(key: str) -> list[dict[str, Any]]:
        device = await room.device(key)
        return await room.frames(device) if device.gateway in KEYS else []

    @post("/devices/{key:str}/calibrations")
    async def calibrate_device(
        key: str, data: CalibrationIn, user: User = "user:duty"
    ) -> dict[str, str]:
        await room.device(key)
        async with database.write(user) as session:
            row = await register.calibrate(session, key, data)
            return {"id": row.id}

    @get("/devices/{key:str}/orders")
    async def list_orders(key: str, limit: Page = 50) -> list[dict[str, Any]]:
        await room.device(key)
        async with database.read() as session:
            return await orders.of_device(session, key, limit)

    @post("/devices/{key:str}/orders")
    async def order_device(key: str, data: OrderIn, user: User = "user:duty") -> dict[str, Any]:
        if not settings.gateways.orders:
            raise OrdersOff(key)
        device = await room.device(key)
        protocol = wire(device.gateway) if device.gateway in KEYS else None
        orders.check(device, protocol, data.verb, data.parameters)
        within = register.read_span(key, "within", data.within or settings.gateways.order_within)
        row = await orders.ask(
            database, room.bus, device, (data.verb, data.parameters), user, room.clock.now(), within
        )
        return orders.shown(row)

    return [one_device, device_frames, calibrate_device, list_orders, order_device]


def _seen(room: Devices) -> list[Any]:
    database, settings = room.database, room.settings

    @get("/gateways", sync_to_thread=False)
    def list_gateways() -> list[dict[str, Any]]:
        return room.health.gateways()

    @get("/device-templates", sync_to_thread=False)
    def list_templates() -> list[dict[str, Any]]:
        return [
            {
                "template": key, "type": one.for_, "gateway": one.by, "every": one.every,
                "title": one.title.zh if one.title else key,
                "title_en": one.title.en if one.title else key,
                "properties": list(one.properties),
                "reads": msgspec.to_builtins(one.reads), "settings": one.settings,
                "port": getattr(settings.gateways, one.by, None),
            }
            for key, one in sorted(room.templates.items())
        ]  # fmt: skip

    @get("/happenings")
    async def list_happenings(
        device: str | None = None, kind: str | None = None, limit: Page = 100, offset: Offset = 0
    ) -> Response[list[dict[str, Any]]]:
        async with database.read() as session:
            rows, total = await happenings.page(session, device, kind, limit, offset)
        shown = [happenings.shown(row) for row in rows]
        return Response(shown, headers={"X-Total-Count": str(total)})

    @get("/happenings/{key:str}/picture")
    async def picture(key: str) -> Response[bytes]:
        async with database.read() as session:
            row = await session.get(store.HappeningRow, key)
        found = happenings.picture_file(settings.folder, row.picture) if row else None
        if found is None:
            return Response(b"", status_code=404)
        file, kind = found
        return Response(file.read_bytes(), media_type=kind)

    return [list_gateways, list_templates, list_happenings, picture]
