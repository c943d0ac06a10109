"""What the packs that are on declare for this room, gathered: mappings, bound devices, pulls."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from zhiyin import pack
from zhiyin.network.payload.load import builtin_payloads, pack_payloads
from zhiyin.network.payload.model import PayloadMapping
from zhiyin.network.pull.declared import DeclaredPull, declared_pulls
from zhiyin.network.pull.faults import PullTwice
from zhiyin.network.section import Binding
from zhiyin.network.types import Types


class Declared(Struct, frozen=True):
    """Mappings of payloads by name, bound devices by id, types of templates by key, pulls by key.

    `types` are all that packs declare, for sources whose things register themselves.
    """

    payloads: Mapping[str, PayloadMapping] = field(default_factory=builtin_payloads)
    bound: Mapping[str, Binding] = {}
    templates: Mapping[str, str] = {}
    pulls: Mapping[str, DeclaredPull] = {}
    types: Types = {}


def declared_by(packs: Iterable[pack.Pack], types: Types) -> Declared:
    """Gather what packs declare; MappingUnreadable or MappingWrong tell of a mapping's faults."""
    folders = []
    bound: dict[str, Binding] = {}
    templates: dict[str, str] = {}
    pulls: dict[str, DeclaredPull] = {}
    for one in packs:
        folders.append(one.folder)
        devices: Any = one.sections.get("devices")
        if devices is not None:
            bound.update({binding.device: binding for binding in devices.bound})
            templates.update({template.device: template.for_ for template in devices.devices})
        for key, pull in declared_pulls(one).items():
            if key in pulls:
                raise PullTwice(f"{one.key}/pulls.yaml", pull=key, other=pulls[key].pack)
            pulls[key] = pull
    return Declared(pack_payloads(folders), bound, templates, pulls, types)
