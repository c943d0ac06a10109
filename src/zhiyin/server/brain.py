"""What every process of a brain knows from the start: settings, clock, declarations of packs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin import atlas, command, lake, network, pack, vitals, watch
from zhiyin.cloud import Settings
from zhiyin.kernel import DISTRICT_ZONE, Clock, Place, moment_of
from zhiyin.server.folders import packs_folder
from zhiyin.server.sections import SECTIONS, check_mappings


@dataclass
class Brain:
    """Settings, clock and the declarations of all packs that are on."""

    settings: Settings
    clock: Clock
    packs: tuple[pack.Pack, ...]
    types: Mapping[str, Mapping[str, network.PropertyType]]
    titles: Mapping[str, Any]  # type → its title
    templates: Mapping[str, network.DeviceTemplate]
    bound: list[network.Device]  # devices whose id is not that of their thing
    rules: list[watch.Rule]
    derives: list[watch.Derive]
    elements: list[atlas.Element]
    cases: command.CaseTypes
    indicators: list[vitals.Indicator]
    outside: frozenset[str]  # elements that lie outside the district
    quality: Mapping[tuple[str, str], lake.Limits]  # of a type's property
    declared: network.Declared = field(default_factory=network.Declared)
    rule_book: dict[str, watch.Rule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rule_book = {rule.name(): rule for rule in self.rules}

    async def thing_facts(self, session: AsyncSession) -> dict[str, watch.ThingFacts]:
        """Return names and places of all elements, by id."""
        where = atlas.gazetteer()
        return {
            one.id: watch.ThingFacts(
                one.name, one.name_en or one.name, one.place.lon, one.place.lat,
                one.area, where.name_of(one.area) if one.area else "", one.id in self.outside,
            )
            for one in await atlas.elements(session)
        }  # fmt: skip


def load_brain(settings: Settings) -> Brain:
    """Load the packs that are on; PackFault when one of them does not pass its check."""
    only = settings.packs.only or None
    clock = settings.tell()
    today = moment_of(clock.now()).astimezone(DISTRICT_ZONE).date().isoformat()
    packs = pack.Loader(SECTIONS, check_mappings).require(packs_folder(settings), only)
    types: dict[str, dict[str, network.PropertyType]] = {}
    titles: dict[str, Any] = {}
    templates: dict[str, network.DeviceTemplate] = {}
    bound: list[network.Device] = []
    rules: list[watch.Rule] = []
    derives: list[watch.Derive] = []
    elements: list[atlas.Element] = []
    cases: list[command.CaseType] = []
    indicators: list[vitals.Indicator] = []
    outside: set[str] = set()
    quality: dict[tuple[str, str], lake.Limits] = {}
    for one in packs:
        units = one.book.units()
        parts = one.sections
        if "model" in parts:
            for key, kind in parts["model"].types.items():
                types[key] = {name: _property(p) for name, p in kind.properties.items()}
                titles[key] = kind.title
                quality |= {(key, name): p.limits for name, p in kind.properties.items()}
        if "devices" in parts:
            templates.update({each.device: each for each in parts["devices"].devices})
            bound += network.bound_devices(parts["devices"])
        if "elements" in parts:
            elements += [_element(e, one.manifest.lead.zh) for e in parts["elements"].elements]
            outside |= {e.id for e in parts["elements"].elements if not e.inside}
        if "rules" in parts:
            rules += watch.rules_of(parts["rules"], one.book.property_unit, one.key, today)
            derives += watch.derives_of(parts["rules"], one.key)
        if "cases" in parts:
            cases += command.case_types(one.key, parts["cases"].cases)
        if "indicators" in parts:
            indicators += vitals.indicators(one.key, parts["indicators"].indicators, units)
    return Brain(
        settings, clock, packs, types, titles, templates, bound, rules, derives, elements,
        command.CaseTypes(cases), indicators, frozenset(outside), quality,
        network.declared_by(packs, types),
    )  # fmt: skip


def _property(declared: Any) -> network.PropertyType:
    floor, ceiling = declared.range
    return network.PropertyType(
        unit=declared.unit, floor=floor, ceiling=ceiling, every=declared.every_ms,
        lateness=declared.lateness_ms, derived=declared.derived,
    )  # fmt: skip


def _element(declared: Any, owner: str) -> atlas.Element:
    return atlas.Element(
        id=declared.id, type=declared.type, name=declared.name.zh, name_en=declared.name.en,
        place=Place(*declared.at), fields=dict(declared.fields), owner=owner,
        source=declared.source, precision_m=declared.precision_m,
    )  # fmt: skip
