"""Who a sender is and what its words mean here: devices by protocol and address.

A gateway asks it for every frame; it is loaded from the register and follows its changes.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import structlog

from zhiyin.cloud import Bus, Database
from zhiyin.kernel import factor, known_unit
from zhiyin.network import store
from zhiyin.network.frame import Facts, Reading
from zhiyin.network.model import Device
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.secure import Proof, proof_of
from zhiyin.network.service import REGISTER_CHANGED
from zhiyin.network.types import Types

log = structlog.get_logger()


class Meant(NamedTuple):
    """What one reading is here: property, and `value * scale + offset` in the property's unit."""

    property: str
    scale: float
    offset: float
    boolean: bool


class Row(NamedTuple):
    """One value for the front door."""

    thing: str
    property: str
    time: int
    value: float | bool


class Directory:
    """The devices of one protocol, by address, and how each one's readings are read."""

    def __init__(self, gateway: str, templates: Mapping[str, DeviceTemplate], types: Types) -> None:
        self.gateway = gateway
        self._templates, self._types = templates, types
        self._devices: dict[str, Device] = {}
        self._facts: dict[str, Facts] = {}
        self._proofs: dict[str, Proof] = {}
        self._meant: dict[tuple[str, str, str, str], Meant | None] = {}

    def __len__(self) -> int:
        return len(self._devices)

    def load(self, devices: Iterable[Device]) -> None:
        """Take over the register."""
        self._devices = {
            one.address: one for one in devices if one.gateway == self.gateway and one.address
        }
        self._facts = {
            address: Facts(one.key, {**self._settings(one), **one.settings})
            for address, one in self._devices.items()
        }

        self._proofs = dict(self._asked_for())

    def _asked_for(self) -> Iterable[tuple[str, Proof]]:
        """Yield the senders that have to show a certificate, and which."""
        for address, device in self._devices.items():
            sender = address.partition("/")[0]
            if device.certificate:
                yield address, proof_of(device.certificate)
            elif self._requires(device):  # of a part it is the sender's
                own = self._devices.get(sender)
                yield sender, proof_of(own.certificate if own is not None else "")

    def _requires(self, device: Device) -> bool:
        template = self._templates.get(device.template)
        return template is not None and template.certificate == "required"

    @property
    def guarded(self) -> bool:
        """Whether any device has to show a certificate."""
        return bool(self._proofs)

    def proof(self, address: str) -> Proof | None:
        """Return what a sender has to show, None when it need not."""
        return self._proofs.get(address)

    def _settings(self, device: Device) -> Mapping[str, Any]:
        template = self._templates.get(device.template)
        return template.settings if template else {}

    def find(self, address: str) -> Facts | None:
        return self._facts.get(address)

    def device(self, address: str, part: str = "") -> Device | None:
        """Return the device of a sender's part when it has one of its own, else the sender's."""
        if part:
            own = self._devices.get(f"{address}/{part}")
            if own is not None:
                return own
        return self._devices.get(address)

    def rows(self, address: str, readings: Sequence[Reading]) -> list[Row]:
        """Return the readings that the device's template reads, in the units of the house."""
        found: list[Row] = []
        device, last = None, None
        for reading in readings:
            if device is None or reading.part != last:
                device, last = self.device(address, reading.part), reading.part
                if device is None:
                    continue
            meant = self._meaning(device.template, reading)
            if meant is None:
                continue
            value = reading.value
            if type(value) is bool:
                value = value if meant.boolean else float(value)
            else:
                value = value * meant.scale + meant.offset
            found.append(Row(device.thing, meant.property, reading.time, value))
        return found

    def _meaning(self, template: str, reading: Reading) -> Meant | None:
        key = (template, reading.group, reading.name, reading.unit)
        try:
            return self._meant[key]
        except KeyError:
            if len(self._meant) > 100_000:  # names come from outside
                self._meant.clear()
            found = self._meant[key] = self._look_up(template, reading)
            return found

    def _look_up(self, key: str, reading: Reading) -> Meant | None:
        template = self._templates.get(key)
        if template is None:
            return None
        read = template.reads.get(f"{reading.group}.{reading.name}")
        if read is None:
            read = template.reads.get(reading.name)
        if read is None:
            return None
        name = read if isinstance(read, str) else read.property
        unit = (read.unit if not isinstance(read, str) else "") or reading.unit
        own = 1.0 if isinstance(read, str) else read.scale
        kind = self._types[template.for_][name]
        turned = conversion(unit, kind.unit)
        if turned is None:
            log.warning("unit does not fit", template=key, name=reading.name, unit=unit)
            return None
        return Meant(name, turned[0] * own, turned[1], kind.boolean)


@cache
def conversion(unit: str, to: str) -> tuple[float, float] | None:
    """Return scale and offset, None when the two measure different things.

    A unit that is not said, or that the house does not know, changes nothing.
    """
    if not unit or not to or unit == to or not (known_unit(unit) and known_unit(to)):
        return 1.0, 0.0
    try:
        return factor(unit, to)
    except ValueError:
        return None


async def follow(
    directories: Sequence[Directory], database: Database, bus: Bus,
    changed: Callable[[], None] = lambda: None,
) -> Callable[[], Any]:  # fmt: skip
    """Load directories and keep them as the register is; return what loads them anew.

    Who asks while a load is under way waits for the next one, and all who wait share it.
    """
    lock, begun, loaded = asyncio.Lock(), 0, 0

    async def reload() -> None:
        nonlocal begun, loaded
        asked = begun
        async with lock:
            if loaded > asked:
                return  # one that began after this was asked is done
            begun += 1
            async with database.read() as session:
                devices = await store.all_devices(session)
            for one in directories:
                one.load(devices)
            loaded = begun
        changed()

    async def heard(_message: object) -> None:
        await reload()

    await bus.listen(REGISTER_CHANGED, heard)
    await reload()
    return reload
