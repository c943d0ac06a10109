"""Stations and zones of shared bikes, as pulls bring them, are elements on the map."""

import json
from pathlib import Path

from tests.shared_data import shared
from zhiyin import atlas, cloud
from zhiyin.kernel import ManualClock
from zhiyin.network.pull.gbfs import Troubles, station_places, zones_of
from zhiyin.network.pull.section import Stations
from zhiyin.server.pulled import Places
from zhiyin.server.tables import METADATA


def feed(name: str) -> dict[str, object]:
    (file,) = sorted(shared("gbfs/fixtures/v3.0").rglob(f"{name}.json"))[:1]
    told: dict[str, object] = json.loads(file.read_text("utf-8"))
    return told


async def test_stations_and_zones_go_on_the_map_once(tmp_path: Path) -> None:
    database = cloud.Database(f"sqlite+aiosqlite:///{tmp_path / 'o.db'}", ManualClock(1_000))
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    places = Places(database, ManualClock(1_000))
    told = Stations(type="bike_station", properties={}, prefix="bike_")
    stations = station_places(feed("station_information"), told, Troubles())
    zones = zones_of(feed("geofencing_zones"), Troubles())
    for _ in range(2):
        await places.take("bikes", "stations", stations)
        await places.take("bikes", "geofencing_zones", zones)
        await places.take("bikes", "vehicles", stations)
    async with database.read() as session:
        found = await atlas.elements(session)
    kinds = [one.type for one in found]
    assert kinds.count("bike_station") == len(stations["features"]) > 0
    assert kinds.count("parking_zone") == len(zones["features"]) > 0
    assert {one.version for one in found} == {1}
    one = next(one for one in found if one.type == "bike_station")
    assert one.id.startswith("bike_")
    assert one.source == "pull:bikes"
    await database.close()
