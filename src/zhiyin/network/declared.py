"""What the packs that are on declare for this room, gathered: mappings, bound devices, pulls."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from zhiyin import pack
from zhiyin.network.payload.load import builtin_payloads, pack_payloads
from zhiyin.network.payload.model import PayloadMapping
from zhiyin.network.section import Binding


class Declared(Struct, frozen=True):
    """Mappings of payloads by name, bound devices by their id, types of templates by key."""

    payloads: Mapping[str, PayloadMapping] = field(default_factory=builtin_payloads)
    bound: Mapping[str, Binding] = {}
    templates: Mapping[str, str] = {}


def declared_by(packs: Iterable[pack.Pack]) -> Declared:
    """Gather what packs declare; MappingUnreadable or MappingWrong tell of a mapping's faults."""
    folders, bound, templates = [], {}, {}
    for one in packs:
        folders.append(one.folder)
        devices: Any = one.sections.get("devices")
        if devices is not None:
            bound.update({binding.device: binding for binding in devices.bound})
            templates.update({template.device: template.for_ for template in devices.devices})
    return Declared(pack_payloads(folders), bound, templates)
