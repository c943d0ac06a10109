"""The verbs of the network room: take observations in, keep others apart, register devices."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import prometheus_client
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import Bus, Database, Settings
from zhiyin.kernel import CallerFault, Clock, Words, fixed_id, new_id
from zhiyin.network import store
from zhiyin.network.declared import Declared
from zhiyin.network.intake import Checked, Intake, Message
from zhiyin.network.model import Device, Reason, Register, Rejected, Series
from zhiyin.network.payload.decode import PayloadRow
from zhiyin.network.payload.rows import Placed, place, read_again, turned
from zhiyin.network.payload.strict_xml import XmlLimits
from zhiyin.network.types import PropertyType, Types
from zhiyin.network.wire import Bad

log = structlog.get_logger()

ACCEPTED, KEPT = "observations.batch", "quarantine.items"
REGISTER_CHANGED = "network.register"
KEEP_AT_ONCE = 500  # items in one message of the quarantine stream

accepted = prometheus_client.Counter(
    "zhiyin_observations_accepted", "Observations acknowledged", ["source"]
)
kept_apart = prometheus_client.Counter(
    "zhiyin_observations_kept_apart", "Observations kept apart", ["source", "reason"]
)


class UnknownType(CallerFault):
    """A device of a type that no pack declares."""

    code = "network-013"
    what = Words("没有类型 {type};已有:{known}。", "There is no type {type}; known are {known}.")
    do = Words(
        "改类型,或装上声明它的场景包。", "Correct it, or switch on the pack that declares it."
    )


class AddressTaken(CallerFault):
    """Two devices under one address of one protocol."""

    code = "network-014"
    status = 409
    what = Words(
        "{gateway} 的地址 {address} 已是设备 {other} 的。",
        "Address {address} of {gateway} is that of device {other} already.",
    )
    do = Words("改地址,或改那台设备。", "Correct the address, or change that device.")


class Taken(NamedTuple):
    """What became of a batch."""

    accepted: int
    reasons: dict[str, int]
    position: int = 0  # of the batch on the stream; 0 when nothing of it went there


class Door:
    """The front door of one process: checks, puts on the bus, and answers when the bus has it."""

    def __init__(
        self, settings: Settings, clock: Clock, bus: Bus, database: Database,
        declared: Declared | None = None,
    ) -> None:  # fmt: skip
        limits = settings.observations
        self.declared = declared or Declared()
        self.xml = XmlLimits(limits.xml_depth, limits.xml_elements)
        self.register = Register()
        self._intake = Intake.of(self.register, limits.future, limits.past)
        self._clock, self._bus, self._database = clock, bus, database
        self._reload = asyncio.Lock()

    async def open(self) -> None:
        """Load the register and follow its changes."""

        async def changed(_message: object) -> None:
            await self.refresh()

        await self._bus.listen(REGISTER_CHANGED, changed)
        await self.refresh()

    async def refresh(self) -> list[Series]:
        async with self._reload:
            async with self._database.read() as session:
                rows = await store.load_series(session, len(self.register))
            return self.register.add(rows)

    def check(
        self, message: Message, source: str, *, received: int | None = None, history: bool = False
    ) -> Checked:
        now = self._clock.now()
        return self._intake.check(
            message, now, received if received is not None else now, source, history=history
        )

    async def look(self, message: Message, source: str, *, history: bool = False) -> Checked:
        """Check a batch; a device we do not know may have been registered a moment ago."""
        received, known = self._clock.now(), len(self.register)
        checked = self.check(message, source, received=received, history=history)
        unknown = {Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_PROPERTY}
        if any(item.reason in unknown for item in checked.rejected):
            await self.refresh()
            # Told of the change, another refresh may have been quicker: what counts is the size.
            if len(self.register) > known:
                checked = self.check(message, source, received=received, history=history)
        return checked

    async def place(self, rows: Iterable[PayloadRow], received: int, source: str) -> Placed:
        """Bring rows of a platform under the ids and into the units of the register."""
        found = list(rows)
        placed = place(found, self.declared.bound, self.register, received, source)
        if placed.unknown:  # its device may have been registered a moment ago
            await self.refresh()
            placed = place(found, self.declared.bound, self.register, received, source)
        return placed

    async def take(
        self,
        message: Message,
        source: str,
        *,
        key: str | None = None,
        history: bool = False,
        bad: Sequence[Bad] = (),
    ) -> Taken:
        """Check a batch and return what became of it, once the bus has all of it.

        `key` makes a repetition of the same call harmless, also for rows without a time.
        Raises BusDown or BusFull; the caller then sends the whole batch again.
        """
        checked = await self.look(message, source, history=history)
        rejected = checked.rejected + [self.malformed(item, source) for item in bad]
        if key:  # the same call again keeps the same items
            rejected = [
                msgspec.structs.replace(item, id=fixed_id(key, n, msgspec.json.encode(item.raw)))
                for n, item in enumerate(rejected)
            ]
        return await self.hand_over(checked, rejected, source, key)

    async def hand_over(
        self,
        checked: Checked,
        rejected: list[Rejected],
        source: str,
        key: str | None,
        subject: str = ACCEPTED,
        headers: dict[str, str] | None = None,
    ) -> Taken:
        now = self._clock.now()
        position = 0
        if rejected:
            await self.keep(rejected, key)
        if len(checked.columns):
            body = checked.columns.encode(now, source)
            position = await self._bus.publish(subject, body, msg_id=key, headers=headers)
            accepted.labels(source).inc(len(checked.columns))
        reasons: dict[str, int] = dict(Counter(item.reason for item in rejected))
        return Taken(len(checked.columns), reasons, position)

    async def keep(self, rejected: Sequence[Rejected], key: str | None = None) -> None:
        """Put items on the quarantine stream; they are counted there, listed and replayed."""
        for start in range(0, len(rejected), KEEP_AT_ONCE):
            part = rejected[start : start + KEEP_AT_ONCE]
            msg_id = f"{key}-kept-{start}" if key else None
            await self._bus.publish(KEPT, msgspec.json.encode(part), msg_id=msg_id)
        for item in rejected:
            kept_apart.labels(item.source, item.reason).inc()

    def malformed(self, item: Bad, source: str, reason: Reason = Reason.MALFORMED) -> Rejected:
        thing, prop = "", ""
        if isinstance(item.raw, dict):
            thing = str(item.raw.get("thing", ""))[:256]
            prop = str(item.raw.get("property", ""))[:256]
        now = self._clock.now()
        return Rejected(new_id(), reason, item.why[:400], source, now, thing, prop, item.raw)


async def keep_items(session: AsyncSession, data: Iterable[bytes]) -> int:
    """Store what the quarantine stream brings; what is there already is left as it is."""
    items = [item for body in data for item in msgspec.json.decode(body, type=list[Rejected])]
    return await store.keep(session, items)


async def register_devices(
    database: Database, bus: Bus | None, types: Types, devices: Mapping[str, str], *,
    source: str, actor: str, now: int,
) -> int:  # fmt: skip
    """Register devices that are named as their things are (id → type); see `enrol`."""
    entries = [Device(id=one, type=type_, thing=one) for one, type_ in devices.items()]
    return await enrol(database, bus, types, entries, source=source, actor=actor, now=now)


async def enrol(
    database: Database, bus: Bus | None, types: Types, devices: Sequence[Device], *,
    source: str, actor: str, now: int,
) -> int:  # fmt: skip
    """Register devices, and a series for each property of their things.

    Known devices stay as they are. Returns how many were new. Raises UnknownType, AddressTaken.
    """
    async with database.write(actor) as session:
        known = await store.load_devices(session)
        fresh = {one.id: one for one in devices if one.id not in known}
        for one in fresh.values():
            if one.type not in types:
                raise UnknownType(one.id, type=repr(one.type), known=", ".join(sorted(types)))
        await _refuse_taken(session, fresh.values())
        there = await store.things(session) if fresh else set()
        things = {one.thing: one.type for one in fresh.values() if one.thing not in there}
        rows = []
        for one in fresh.values():
            fields = msgspec.structs.asdict(one)
            rows.append(store.DeviceRow(**{**fields, "source": source, "created_at": now}))
        series = [
            _series(thing, type_, name, kind, now)
            for thing, type_ in things.items()
            for name, kind in types[type_].items()
        ]
        await store.add_devices(session, rows, series)
    if fresh and bus is not None:
        await bus.notify(REGISTER_CHANGED)
    return len(fresh)


async def _refuse_taken(session: AsyncSession, fresh: Iterable[Device]) -> None:
    wanted = [one for one in fresh if one.address]
    if not wanted:
        return
    taken = await store.addresses(session)
    for one in wanted:
        other = taken.setdefault((one.gateway, one.address), one.id)
        if other != one.id:
            raise AddressTaken(one.id, gateway=one.gateway, address=one.address, other=other)


async def complete_series(database: Database, types: Types, actor: str, now: int) -> int:
    """Add the series of properties that a pack has gained since its devices were registered."""
    async with database.write(actor) as session:
        there = {(row.thing, row.property) for row in await store.load_series(session)}
        things = {one.thing: one.type for one in await store.all_devices(session)}
        missing = [
            _series(thing, type_, name, kind, now)
            for thing, type_ in things.items()
            for name, kind in types.get(type_, {}).items()
            if (thing, name) not in there
        ]
        if missing:
            await store.add_devices(session, [], missing)
    return len(missing)


async def register_series(session: AsyncSession, series: Series) -> int:
    """Register one series that no device template declares; return its index.

    Whoever calls says `REGISTER_CHANGED` on the bus after the transaction.
    """
    row = msgspec.structs.asdict(series)
    del row["index"]
    return await store.add_devices(session, [], [row]) - 1


def _series(device: str, type_: str, name: str, kind: PropertyType, now: int) -> dict[str, Any]:
    row: dict[str, Any] = {"thing": device, "property": name, "type": type_, "since": now}
    row.update(msgspec.structs.asdict(kind))
    return row


async def replay(
    door: Door, database: Database, items: Sequence[Rejected], actor: str,
    reread: Callable[[Rejected], Message | None] = lambda _: None,
) -> dict[str, int]:  # fmt: skip
    """Send kept items through the front door again; what passes is marked `replayed`.

    A message of a platform passes when all of it can be read and some of it goes in; what of it
    does not is kept apart by itself. `reread` turns a kept frame into observations.
    """
    passed: list[str] = []
    for item in items:
        raw = item.raw if isinstance(item.raw, dict) else {}
        if item.state != "kept":
            continue
        source, key = f"replay:{item.source}", fixed_id("replay", item.id)
        apart: list[Rejected] = []
        if "mapping" in raw:
            rows = read_again(door.declared.payloads, raw, door.xml)
            message, apart, _ = await door.place(rows, item.received, source)
        else:
            message = reread(item) or _kept_row(door.register, item, raw)
        if not len(message.thing):
            continue
        checked = door.check(message, source, history=True)
        if len(checked.columns):
            rejected = [
                msgspec.structs.replace(one, id=fixed_id(key, n))
                for n, one in enumerate(checked.rejected + apart)
            ]
            await door.hand_over(checked, rejected, "replay", key)
            passed.append(item.id)
    if passed:
        async with database.write(actor) as session:
            await store.mark(session, passed, "replayed")
    return {"replayed": len(passed), "still_kept": len(items) - len(passed)}


def _kept_row(register: Register, item: Rejected, raw: Mapping[str, Any]) -> Message:
    """Return a kept row as a batch of one, in its property's unit; of none when it can never be."""
    named = isinstance(raw.get("thing"), str) and isinstance(raw.get("property"), str)
    if not named or "value" not in raw:
        return Message([], [], [], [])
    time = raw.get("time") if raw.get("time") is not None else item.received
    value = raw["value"]
    if raw.get("unit"):
        trouble, value = turned(register, raw["thing"], raw["property"], value, str(raw["unit"]))
        if trouble:
            return Message([], [], [], [])
    return Message([raw["thing"]], [raw["property"]], [time], [value])
