"""Shared bikes: real feeds of GBFS 2.3 and 3.0 to figures of stations, counts and zones."""

import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.source import Asked, Told, source
from tests.network.pull.conftest import Desk
from tests.shared_data import shared
from zhiyin.kernel import parse_time
from zhiyin.network.pull import gbfs
from zhiyin.network.pull.faults import NotAsDeclared
from zhiyin.network.pull.section import Stations, Vehicles

PULL = """
pulls:
  - pull: p
    title: {zh-CN: 试, en: t}
    every: 30s
    from: gbfs
    gbfs:
      stations:
        type: dock
        prefix: dock_
        properties:
          num_vehicles_available: bikes
          num_docks_available: docks
          is_renting: renting
          capacity: capacity
      vehicles:
        thing: fleet
        properties:
          {vehicles: bikes, disabled: disabled, bicycle: free, scooter: scooters}
"""


def feeds(version: str) -> dict[str, Any]:
    folder = shared("gbfs") / "fixtures" / version
    return {file.stem: json.loads(file.read_text("utf-8")) for file in folder.glob("*.json")}


def serving(known: dict[str, Any], url: Callable[[], str]) -> Callable[[Asked], Told]:
    """Return answers that give each feed, its addresses those of the server."""

    def answer(asked: Asked) -> Told:
        name = asked.path.strip("/").replace("-", "_")
        if name == "gbfs":
            there = re.compile(r'"https?://[^"]*/([a-z_-]+)"')
            return Told(there.sub(rf'"{url()}/\1"', json.dumps(known["gbfs"])).encode())
        if name not in known:
            return Told(status=404)
        return Told(json.dumps(known[name]).encode(), headers={"ETag": f'"{name}"'})

    return answer


async def fetch(desk: Desk, known: dict[str, Any], runs: int = 1) -> list[str]:
    """Run the pull against these feeds; return what was asked for."""
    with source(lambda _: Told()) as web:
        web.answer = serving(known, lambda: web.url)
        runner = desk.runner(PULL, url=f"{web.url}/gbfs")
        for _ in range(runs):
            await runner.attempt("p")
        return [asked.path.strip("/") for asked in web.asked]


async def test_version_2_3(desk: Desk) -> None:
    await desk.register("fleet", kind="fleet")
    known = feeds("v2.3")
    await fetch(desk, known)
    state = await desk.state()
    assert state.fault == {}
    stations = known["station_status"]["data"]["stations"]
    assert state.result["stations"] == len(stations) == 2
    found = {(row[0], row[1]): row[2:4] for row in await desk.landed()}
    first = stations[0]
    thing, time = "dock_TST-Station-1", first["last_reported"] * 1000
    assert found[thing, "bikes"] == (time, float(first["num_bikes_available"]))
    assert found[thing, "docks"] == (time, float(first["num_docks_available"]))
    assert found[thing, "renting"] == (time, 1.0)
    updated = known["free_bike_status"]["last_updated"] * 1000
    assert found["fleet", "bikes"] == (updated, 1.0)
    assert found["fleet", "disabled"] == (updated, 1.0)
    assert found["fleet", "scooters"] == (updated, 1.0)
    layers = {layer: tree for _, layer, tree in desk.handed}
    assert layers.keys() == {"stations", "vehicles", "geofencing_zones"}
    zone = layers["geofencing_zones"]["features"][0]
    assert zone["properties"]["name"] == "Nes"
    assert zone["properties"]["rules"][0]["ride_start_allowed"] is True
    assert layers["stations"]["features"][0]["properties"]["id"] == thing
    assert layers["stations"]["features"][0]["geometry"]["coordinates"] == [45.67, 12.34]
    assert "bike_id" not in json.dumps(layers["vehicles"])


async def test_version_3_0(desk: Desk) -> None:
    await desk.register("fleet", kind="fleet")
    known = feeds("v3.0")
    await fetch(desk, known)
    state = await desk.state()
    assert state.fault == {}
    vehicles = known["vehicle_status"]["data"]["vehicles"]
    assert state.result["vehicles"] == len(vehicles)
    found = {(row[0], row[1]): row[2:4] for row in await desk.landed()}
    time = parse_time("2019-07-04T13:33:03.969Z")
    station = "dock_6efbec5a-6b8c-455b-bed2-8d66be6d6a4b"
    assert found[station, "bikes"] == (time, 0.0)
    assert (station, "docks") not in found  # it has none, which is not zero
    forms = {
        one["vehicle_type_id"]: one["form_factor"]
        for one in known["vehicle_types"]["data"]["vehicle_types"]
    }
    bicycles = [one for one in vehicles if forms.get(one["vehicle_type_id"]) == "bicycle"]
    assert found["fleet", "bikes"] == (time, float(len(vehicles)))
    assert found["fleet", "free"] == (time, float(len(bicycles)))
    layers = {layer: tree for _, layer, tree in desk.handed}
    assert len(layers["stations"]["features"]) == 23
    assert layers["stations"]["features"][0]["properties"]["name"] == "2 ROUES"
    told = known["geofencing_zones"]["data"]["geofencing_zones"]["features"]
    assert [one["geometry"] for one in layers["geofencing_zones"]["features"]] == [
        one["geometry"] for one in told
    ]


async def test_ttl_is_respected_and_places_are_handed_on_when_they_change(desk: Desk) -> None:
    await desk.register("fleet", kind="fleet")
    known = feeds("v3.0")
    with source(lambda _: Told()) as web:
        web.answer = serving(known, lambda: web.url)
        runner = desk.runner(PULL, url=f"{web.url}/gbfs")
        await runner.attempt("p")
        assert (await desk.state()).next_at == desk.clock.now() + 60_000  # ttl 60, every 30 s
        asked, handed = len(web.asked), len(desk.handed)
        await runner.attempt("p")  # somebody asked for it now
        assert (len(web.asked), (await desk.state()).result["unchanged"]) == (asked, True)
        desk.clock.advance(61_000)
        known["vehicle_status"]["data"]["vehicles"].pop()
        await runner.attempt("p")
        assert len(web.asked) == 2 * asked
        assert all(
            "if-none-match" in one.headers for one in web.asked[asked:] if one.path != "/gbfs"
        )
        assert [layer for _, layer, _ in desk.handed[handed:]] == ["vehicles", "vehicles"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.update(gbfs={"version": "1.1", "data": {}}), "GBFS version"),
        (lambda f: f.update(gbfs=[]), "no GBFS file"),
        (lambda f: f["gbfs"]["data"].update(feeds=[]), "names no feeds"),
        (lambda f: f["station_status"]["data"].update(stations=7), "no list stations"),
        (lambda f: f.pop("station_status"), "HTTP 404"),
    ],
)
async def test_what_is_no_gbfs_is_told(desk: Desk, change: Any, says: str) -> None:
    known = feeds("v3.0")
    change(known)
    await fetch(desk, known)
    assert says in json.dumps((await desk.state()).fault)


async def test_a_feed_elsewhere_is_not_followed(desk: Desk) -> None:
    known = feeds("v3.0")
    with source(lambda _: Told(json.dumps(known["gbfs"]).encode())) as web:
        await desk.runner(PULL, url=f"{web.url}/gbfs").attempt("p")
        assert len(web.asked) == 1
    assert "not in hosts" in json.dumps((await desk.state()).fault)


async def test_a_bad_station_leaves_its_neighbours(desk: Desk) -> None:
    await desk.register("fleet", kind="fleet")
    known = feeds("v2.3")
    good = known["station_status"]["data"]["stations"][0]
    bad = [7, {}, {"station_id": "x", "num_bikes_available": "many"}, {"station_id": "::"}]
    known["station_status"]["data"]["stations"] = [*bad, good]
    await fetch(desk, known)
    state = await desk.state()
    assert (state.fault, state.result["stations"], state.result["bad"]) == ({}, 1, 4)
    assert len(state.result["troubles"]) == 4


@pytest.mark.parametrize("version", ["v2.3", "v3.0"])
def test_the_feeds_read_here_are_of_the_standard(version: str) -> None:
    folder: Path = shared("gbfs") / "schema" / version
    known = feeds(version)
    for name in set(known) & {"gbfs", "station_status", "station_information", "vehicle_types"}:
        jsonschema.validate(known[name], json.loads((folder / f"{name}.json").read_text("utf-8")))


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([
            "data", "stations", "station_id", "num_bikes_available", "is_renting", "version",
            "bikes", "vehicles", "lat", "lon", "geofencing_zones", "features", "properties",
            "rules", "name", "feeds", "url", "last_reported", "ttl", "vehicle_types",
        ]), inner, max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@given(anything, anything)
def test_whatever_a_feed_says_is_read_or_refused(one: Any, other: Any) -> None:
    stations = Stations("dock", {"num_vehicles_available": "bikes", "capacity": "capacity"})
    vehicles, troubles = Vehicles("fleet", {"bicycle": "bikes"}), gbfs.Troubles()
    trees = [{"version": "3.0", "data": tree} for tree in (one, other)]
    for read in (
        lambda: list(gbfs.station_rows(trees[0], trees[1], stations, 0, troubles)),
        lambda: gbfs.station_places(trees[0], stations, troubles),
        lambda: gbfs.vehicle_rows(trees[0], trees[1], vehicles, 0, troubles),
        lambda: gbfs.zones_of(trees[0], troubles),
        lambda: gbfs.feeds_of(trees[0]),
        lambda: gbfs.fresh_until(one, 0),
    ):
        with contextlib.suppress(NotAsDeclared):
            read()
