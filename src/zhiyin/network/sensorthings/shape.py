"""Entities as the wire has them: JSON with `@iot.` annotations."""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.sensorthings.model import Entity, Field
from zhiyin.network.sensorthings.when import When

_ALWAYS = {"resultTime"}  # null when it is not known, of observations


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    return value.text() if isinstance(value, When) else value


def shown(
    entity: Entity,
    root: str,
    select: tuple[str, ...] | None = None,
    expanded: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an entity as JSON; `root` is the service's address, `expanded` goes in as it is."""
    address = f"{root}/{entity.path}"
    told: dict[str, Any] = {}
    if select is None or {"id", "@iot.id"} & set(select):
        told["@iot.id"] = entity.id
    if select is None or "@iot.selfLink" in select:
        told["@iot.selfLink"] = address
    for field in entity.kind.fields:
        if select is None or field.name in select:
            _put(told, field, entity)
    inside = expanded or {}
    for link in entity.kind.links:
        if link.name not in inside and (select is None or link.name in select):
            told[f"{link.name}@iot.navigationLink"] = f"{address}/{link.name}"
    told.update(inside)
    return told


def _put(told: dict[str, Any], field: Field, entity: Entity) -> None:
    value = plain(entity.values.get(field.name))
    always = field.name in _ALWAYS and entity.kind.name == "Observation"
    if value is not None or field.required or always:
        told[field.name] = value
