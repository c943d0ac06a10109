"""What `aio-sensorthings` does with a service: runs in its own Python (≥ 3.13), told the address.

Prints one JSON object with what it saw; `test_aio_client.py` looks at it.
"""
# mypy: disable-error-code="import-not-found"

import asyncio
import json
import sys

from aio_sensorthings import (
    Datastream,
    EntitySyncer,
    IdentityTransformer,
    InMemoryStateStore,
    Observation,
    STAClient,
    STAEntityType,
    STAHttpSource,
    STAHttpTarget,
    Thing,
)

UNIT = {"name": "metre", "symbol": "m", "definition": "ucum:m"}
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


async def write(target: STAHttpTarget, name: str) -> dict[str, int]:
    """Make one entity of each kind, each linked to the ones before it."""
    kind, ids = STAEntityType, {}
    place = {"type": "Point", "coordinates": [114.27, 30.55]}
    told = {"name": name, "description": "by aio-sensorthings"}
    geo = {"encodingType": "application/geo+json"}
    ids["location"] = await target.create_entity(kind.LOCATION, {**told, **geo, "location": place})
    ids["thing"] = await target.create_entity(
        kind.THING, {**told, "Locations": [{"@iot.id": ids["location"]}]}
    )
    ids["sensor"] = await target.create_entity(
        kind.SENSOR, {**told, "encodingType": "application/pdf", "metadata": "https://x.org"}
    )
    ids["property"] = await target.create_entity(
        kind.OBSERVED_PROPERTY, {**told, "definition": "https://x.org/depth"}
    )
    ids["datastream"] = await target.create_entity(
        kind.DATASTREAM,
        {
            **told, "unitOfMeasurement": UNIT, "observationType": MEASUREMENT,
            "Thing": {"@iot.id": ids["thing"]}, "Sensor": {"@iot.id": ids["sensor"]},
            "ObservedProperty": {"@iot.id": ids["property"]},
        },
    )  # fmt: skip
    return ids


async def main(base: str, name: str) -> None:
    async with STAClient(base) as client:
        source, target = STAHttpSource(client), STAHttpTarget(client)
        ids = await write(target, name)
        for n in range(25):
            await target.create_entity(
                STAEntityType.OBSERVATION,
                {"phenomenonTime": f"2026-01-01T00:{n:02d}:00Z", "result": n,
                 "Datastream": {"@iot.id": ids["datastream"]}},
            )  # fmt: skip
        read = await source.get_entities(
            STAEntityType.OBSERVATION, top=10,
            nav_path=f"Datastreams({ids['datastream']})/Observations",
        )  # fmt: skip
        changed = await target.update_entity(
            STAEntityType.THING, ids["thing"], {"description": "changed", "properties": {"a": 1}}
        )
        lost = await target.update_entity(STAEntityType.THING, 10**9, {"description": "x"})
        thing = Thing(
            **await source.get_entity(STAEntityType.THING, ids["thing"], expand="Locations")
        )
        stream = Datastream(
            **await source.get_entity(
                STAEntityType.DATASTREAM, ids["datastream"],
                expand="Thing($expand=Locations),Sensor,ObservedProperty",
            )
        )  # fmt: skip
        by_name = await target.get_entity_by_name(STAEntityType.DATASTREAM, name)
        events: list[str] = []

        async def heard(event: object) -> None:
            events.append(str(getattr(event, "action", "")))

        syncer = EntitySyncer(
            source=source, target=target, state=InMemoryStateStore(),
            transformer=IdentityTransformer(),
            entity_types=[STAEntityType.LOCATION, STAEntityType.THING, STAEntityType.SENSOR,
                          STAEntityType.OBSERVED_PROPERTY, STAEntityType.DATASTREAM],
            on_event=heard,
        )  # fmt: skip
        await syncer.bootstrap(
            entry_point=STAEntityType.DATASTREAM, filter_query=f"name eq '{name}'"
        )
        told = {
            "ids": ids, "results": [Observation(**one).result for one in read],
            "changed": changed, "lost": lost, "description": thing.description,
            "properties": thing.properties,
            "place": thing.locations[0].location["coordinates"] if thing.locations else None,
            "symbol": stream.unitOfMeasurement["symbol"],
            "property": stream.observed_property.definition if stream.observed_property else None,
            "by_name": by_name["@iot.id"] if by_name else None, "events": events,
        }  # fmt: skip
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
