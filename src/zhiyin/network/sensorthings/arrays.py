"""Observations as arrays: `$resultFormat=dataArray` out, `CreateObservations` in (18-088, 12)."""

from collections.abc import Sequence
from typing import Any

from zhiyin.network.sensorthings.faults import NoJsonBody, NotTaken
from zhiyin.network.sensorthings.model import Entity
from zhiyin.network.sensorthings.shape import plain
from zhiyin.network.sensorthings.write import Arrival

_ALWAYS = ("id", "phenomenonTime", "result", "resultTime")
_MORE = ("resultQuality", "validTime", "parameters")


def in_arrays(
    entities: Sequence[Entity], select: tuple[str, ...] | None, root: str
) -> list[dict[str, Any]]:
    """Return observations in arrays, one for each datastream."""
    groups: dict[int | None, list[Entity]] = {}
    for one in entities:
        groups.setdefault(one.links["Datastream"], []).append(one)
    told = []
    for number, group in groups.items():
        if select is not None:
            names = tuple("id" if name == "@iot.id" else name for name in select)
        else:
            said = (name for name in _MORE if any(one.values.get(name) for one in group))
            names = (*_ALWAYS, *said)
        rows = [
            [one.id if name == "id" else plain(one.values.get(name)) for name in names]
            for one in group
        ]
        told.append(
            {
                "Datastream@iot.navigationLink": f"{root}/Datastreams({number})",
                "components": list(names),
                "dataArray@iot.count": len(rows),
                "dataArray": rows,
            }
        )
    return told


def from_arrays(body: Any) -> list[Arrival | NotTaken]:
    """Return the observations that arrays hold, or why one cannot be read; in their order."""
    if not isinstance(body, list):
        raise NoJsonBody("body", reason="it should be an array of dataArray objects")
    return [one for group in body for one in _group(group)]


def _group(group: Any) -> list[Arrival | NotTaken]:
    if not isinstance(group, dict):
        raise NoJsonBody("body", reason="its parts should be objects with Datastream and dataArray")
    stream, names, rows = group.get("Datastream"), group.get("components"), group.get("dataArray")
    id_ = stream.get("@iot.id") if isinstance(stream, dict) else None
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not good or not isinstance(rows, list) or not isinstance(names, list):
        raise NoJsonBody("body", reason="components and dataArray should be arrays")
    if not isinstance(id_, int) or isinstance(id_, bool) or not 0 < id_ < 2**62:
        return [NotTaken(reason=f"there is no Datastream {id_!r:.40}") for _ in rows]
    return [_row(id_, names, row) for row in rows]


def _row(datastream: int, names: list[str], row: Any) -> Arrival | NotTaken:
    if not isinstance(row, list) or len(row) != len(names):
        return NotTaken(reason=f"a row should have {len(names)} values")
    said: dict[str, Any] = {}
    for name, value in zip(names, row, strict=True):
        if name in {"FeatureOfInterest/id", "FeatureOfInterest/@iot.id"}:
            if value is not None:
                said["FeatureOfInterest"] = {"@iot.id": value}
        elif name not in {"id", "@iot.id"} and value is not None:
            said[name] = value
    if "result" in names:
        said.setdefault("result", None)
    return Arrival(datastream, said)
