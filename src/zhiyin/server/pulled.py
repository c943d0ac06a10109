"""Places that pulls bring (stations and zones of shared bikes) go on the map as elements."""

from collections.abc import Mapping
from typing import Any

import structlog

from zhiyin import atlas, cloud
from zhiyin.kernel import Clock, fixed_id

log = structlog.get_logger()

# Layers that last; where free vehicles stand changes every minute and is no element.
TYPES = {"stations": "", "geofencing_zones": "parking_zone"}  # a station says its own type


class Places:
    """Keeps what pulls hand on."""

    def __init__(self, database: cloud.Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def take(self, pull: str, layer: str, found: Mapping[str, Any]) -> None:
        """Put stations and zones on the map; those that are there already change."""
        if layer not in TYPES:
            return
        features = [_named(one, pull, layer, n) for n, one in enumerate(found["features"])]
        reading = atlas.read_geojson(
            {"type": "FeatureCollection", "features": features},
            atlas.Defaults(type=TYPES[layer], source=f"pull:{pull}"),
        )
        async with self._database.write(f"system:pull-{pull}") as session:
            told = await atlas.take(
                session, reading, at=self._clock.now(), by=f"system:pull-{pull}"
            )
        if told.bad:
            log.warning("places", pull=pull, layer=layer, bad=len(told.bad))


def _named(feature: Mapping[str, Any], pull: str, layer: str, n: int) -> dict[str, Any]:
    """Return the feature with an id and a name; a zone has none of its own in GBFS."""
    told = dict(feature.get("properties") or {})
    key = told.pop("id", None) or f"{pull}-{fixed_id(layer, feature.get('geometry'))[:12]}"
    name = told.pop("name", None) or f"{pull} {n + 1}"
    said = {"type": told.pop("type")} if told.get("type") else {}
    fields = {name: value for name, value in told.items() if value not in (None, [], "")}
    return {
        "type": "Feature", "geometry": feature.get("geometry"),
        "properties": {"id": str(key), "name": str(name), "fields": fields, **said},
    }  # fmt: skip
