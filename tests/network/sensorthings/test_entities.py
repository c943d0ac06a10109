"""Entities in this process: made deep, read along links, changed, removed."""

import json
from typing import Any

import pytest

from tests.network.sensorthings.client import datastream, thing
from tests.network.sensorthings.house import House
from tests.shared_data import shared


async def test_the_root_names_every_collection_and_what_it_conforms_to(house: House) -> None:
    root = await house.get("")
    assert [one["name"] for one in root["value"]] == [
        "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "Observations",
        "ObservedProperties", "FeaturesOfInterest",
    ]  # fmt: skip
    assert root["value"][0]["url"] == "http://house.test/sta/v1.1/Things"
    assert any("deep-insert" in one for one in root["serverSettings"]["conformance"])
    for one in root["value"]:
        assert (await house.get(one["name"]))["value"] == []


async def test_the_deep_insert_of_a_real_server_makes_all_it_holds(house: House) -> None:
    body = json.loads(shared("sensorthings/entitiesDefault.json").read_text())
    made = await house.call("POST", "Things", body, 201)
    assert house.last.headers["location"] == f"http://house.test/sta/v1.1/Things({made['@iot.id']})"
    assert made["properties"] == {"reference": "firstThing"}
    full = await house.get(
        f"Things({made['@iot.id']})",
        expand="Locations,HistoricalLocations,Datastreams($expand=Sensor,ObservedProperty,"
        "Observations($expand=FeatureOfInterest))",
    )
    assert full["Locations"][0]["location"] == body["Locations"][0]["location"]
    assert full["HistoricalLocations"][0]["time"] == "2026-11-23T06:00:00.000Z"
    streams = full["Datastreams"]
    assert [one["name"] for one in streams] == ["datastream name 1", "datastream name 2"]
    assert streams[0]["Sensor"]["metadata"] == "Light flux sensor"
    assert streams[1]["ObservedProperty"]["name"] == "Tempretaure"
    assert [
        [(one["phenomenonTime"], one["result"]) for one in stream["Observations"]]
        for stream in streams
    ] == [
        [("2015-03-03T00:00:00.000Z", 3), ("2015-03-04T00:00:00.000Z", 4)],
        [("2015-03-05T00:00:00.000Z", 5), ("2015-03-06T00:00:00.000Z", 6)],
    ]
    features = {
        one["FeatureOfInterest"]["@iot.id"] for stream in streams for one in stream["Observations"]
    }
    assert len(features) == 1  # made once, from the location
    assert streams[0]["phenomenonTime"] == "2015-03-03T00:00:00.000Z/2015-03-04T00:00:00.000Z"


async def test_links_lead_as_deep_as_one_walks(house: House) -> None:
    number = await house.make("Things", thing("a", datastream("d", Observations=[{"result": 1.5}])))
    stream = (await house.values(f"Things({number})/Datastreams"))[0]
    for link in ("Thing", "Sensor", "ObservedProperty", "Observations"):
        assert stream[f"{link}@iot.navigationLink"] == f"{stream['@iot.selfLink']}/{link}"
    path = f"Datastreams({stream['@iot.id']})"
    observation = (await house.values(f"{path}/Observations"))[0]
    deep = f"Observations({observation['@iot.id']!r})/Datastream/Thing/Locations"
    assert (await house.values(deep))[0]["name"] == "place of a"
    assert (await house.get(f"{path}/Thing"))["@iot.id"] == number
    assert await house.get(f"{path}/unitOfMeasurement/symbol") == {"symbol": "m"}
    assert await house.get(f"{path}/name") == {"name": "d"}
    assert await house.get(f"{path}/name/$value") == "d"
    assert await house.get(f"{path}/Thing/name/$value") == "a"
    refs = await house.values(f"Things({number})/Datastreams/$ref")
    assert refs == [{"@iot.selfLink": stream["@iot.selfLink"]}]
    inside = f"Things({number})/{path}/Observations({observation['@iot.id']!r})/result/$value"
    assert await house.get(inside) == "1.5"
    assert (await house.get(f"{path}/properties", status=204)) == ""
    other = await house.make("Things", thing("b"))
    await house.get(f"Things({other})/{path}", status=404)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Thing", 404),
        ("Things(999999)", 404),
        ("Things('a')", 404),
        ("Things(1)/Nothing", 404),
        ("Nothing", 404),
        ("Things/name", 404),
        ("Things/$value", 404),
        ("Things(1", 404),
        ("Observations('none')", 404),
        ("Observations(5)", 404),
        ("Things(99999999999999999999)", 404),
        ("Things?$top=-1", 400),
        ("Things?$top=x", 400),
        ("Things?$what=1", 400),
        ("Things?$filter=nam eq 1", 400),
        ("Things?$filter=name eq", 400),
        ("Things?$expand=Nothing", 400),
        ("Things?$orderby=nothing", 400),
        ("Things?$select=nothing", 400),
        ("Things?$filter=foo(name)", 400),
        ("Things?$filter=length(name,name) eq 1", 400),
        ("Things?$top=1&$top=2", 400),
        ("Things?$resultFormat=dataArray", 400),
        ("Things?$count=maybe", 400),
        ("Things?$filter=" + "(" * 60 + "true" + ")" * 60, 400),
        ("Things?$filter=name eq '" + "x" * 9000 + "'", 400),
        ("Things?$expand=" + "Datastreams/Thing/" * 3 + "Locations", 400),
    ],
)
async def test_what_cannot_be_is_a_problem_with_its_status(
    house: House, path: str, status: int
) -> None:
    problem = await house.get(path, status=status)
    assert problem["status"] == status
    assert problem["title_en"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Things", {"name": "x"}),
        ("Things", {"name": 5, "description": "y"}),
        ("Things", []),
        ("Things", {"name": "x", "description": "y", "nam": 1}),
        ("Things", {"name": "x", "description": "y", "properties": 5}),
        ("Things", {"name": "x", "description": "y", "Locations": {"@iot.id": 1}}),
        ("Things", {"name": "x", "description": "y", "Locations": [{"@iot.id": 77}]}),
        (
            "Locations",
            {
                "name": "x",
                "description": "y",
                "encodingType": "application/geo+json",
                "location": {"type": "Point"},
            },
        ),
        ("Datastreams", datastream("d")),
        ("Datastreams", {**datastream("d"), "Thing": {"@iot.id": 12345}}),
        ("Observations", {"result": 1}),
        ("Observations", {"result": 1, "Datastream": {"@iot.id": 9}}),
        ("Things", b"{"),
        ("Things", b"[" * 5000),
        ("Things", b'{"a":' * 1000 + b"1" + b"}" * 1000),
    ],
)
async def test_what_makes_no_entity_is_refused_and_leaves_nothing(
    house: House, path: str, body: Any
) -> None:
    await house.call("POST", path, body, 400)
    for kind in ("Things", "Sensors", "Locations", "Datastreams"):
        assert await house.values(kind) == []


async def test_methods_that_an_address_lacks_are_named(house: House) -> None:
    number = await house.make("Things", thing("a"))
    for method, path in (
        ("DELETE", "Things"), ("PUT", "Things"), ("POST", f"Things({number})"),
        ("DELETE", f"Things({number})/name"), ("POST", ""), ("GET", "CreateObservations"),
        ("GET", "$batch"), ("TRACE", "Things"),
    ):  # fmt: skip
        await house.call(method, path, {} if method != "GET" else None, status=405)
        assert house.last.headers["allow"]


async def test_patch_merges_put_replaces_and_json_patch_edits(house: House) -> None:
    number = await house.make("Things", thing("a", properties={"x": 1, "deep": {"y": 2, "z": 3}}))
    path = f"Things({number})"
    told = await house.call(
        "PATCH", path, {"description": "new", "properties": {"deep": {"y": 5, "z": None}}}
    )
    assert told["description"] == "new"
    assert told["name"] == "a"
    assert told["properties"] == {"x": 1, "deep": {"y": 5}}
    edits = [
        {"op": "replace", "path": "/properties/x", "value": 9},
        {"op": "remove", "path": "/properties/deep"},
        {"op": "test", "path": "/name", "value": "a"},
    ]
    told = await house.call("PATCH", path, edits, kind="application/json-patch+json")
    assert told["properties"] == {"x": 9}
    bad = [{"op": "test", "path": "/name", "value": "b"}]
    await house.call("PATCH", path, bad, 400, kind="application/json-patch+json")
    told = await house.call("PUT", path, {"name": "b", "description": "c"})
    assert told["name"] == "b"
    assert "properties" not in told
    await house.call("PUT", path, {"name": "b"}, 400)
    await house.call("PATCH", path, {"name": None}, 400)
    await house.call("PATCH", "Things(4711)", {"name": "x"}, 404)


async def test_patch_links_to_other_entities(house: House) -> None:
    one = await house.make("Things", thing("a", datastream("d")))
    other = await house.make("Things", thing("b"))
    stream = (await house.values(f"Things({one})/Datastreams"))[0]["@iot.id"]
    await house.call("PATCH", f"Datastreams({stream})", {"Thing": {"@iot.id": other}})
    assert (await house.get(f"Datastreams({stream})/Thing"))["@iot.id"] == other
    await house.call("PATCH", f"Datastreams({stream})", {"Sensor": {"name": "inline"}}, 400)


async def test_a_thing_that_moves_leaves_its_history(house: House) -> None:
    number = await house.make("Things", thing("a"))
    house.clock.advance(60_000)
    place = {
        "name": "p2", "description": "there", "encodingType": "application/vnd.geo+json",
        "location": {"type": "Point", "coordinates": [114.3, 30.6]},
    }  # fmt: skip
    second = await house.make(f"Things({number})/Locations", place)
    assert [one["@iot.id"] for one in await house.values(f"Things({number})/Locations")] == [second]
    history = await house.values(f"Things({number})/HistoricalLocations", orderby="time desc")
    assert [one["time"] for one in history] == [
        "2026-11-23T06:01:00.000Z", "2026-11-23T06:00:00.000Z"
    ]  # fmt: skip
    was = await house.values(f"HistoricalLocations({history[1]['@iot.id']})/Locations")
    assert was[0]["name"] == "place of a"
    old = {"time": "2020-01-01T00:00:00Z", "Thing": {"@iot.id": number},
           "Locations": [{"@iot.id": was[0]["@iot.id"]}]}  # fmt: skip
    await house.make("HistoricalLocations", old)
    assert [one["@iot.id"] for one in await house.values(f"Things({number})/Locations")] == [second]
    newer = {**old, "time": "2026-11-23T08:00:00Z"}
    await house.make("HistoricalLocations", newer)
    now = await house.values(f"Things({number})/Locations")
    assert [one["@iot.id"] for one in now] == [was[0]["@iot.id"]]


async def test_what_hangs_on_a_removed_entity_goes_with_it(house: House) -> None:
    number = await house.make(
        "Things", thing("a", datastream("d", Observations=[{"result": 1}]), datastream("e"))
    )
    sensor = (await house.values("Sensors", filter="name eq 'sensor of e'"))[0]["@iot.id"]
    await house.call("DELETE", f"Sensors({sensor})")
    assert [one["name"] for one in await house.values("Datastreams")] == ["d"]
    observation = (await house.values("Observations"))[0]
    await house.call("DELETE", f"Things({number})")
    await house.call("DELETE", f"Things({number})", status=404)
    for kind in ("Things", "Datastreams", "HistoricalLocations", "Observations"):
        assert await house.values(kind) == []
    await house.get(f"Observations({observation['@iot.id']!r})", status=404)
    assert len(await house.values("Locations")) == 1
    location = (await house.values("Locations"))[0]["@iot.id"]
    again = await house.make("Things", {**thing("b"), "Locations": [{"@iot.id": location}]})
    assert again > number  # a number is never used again
    await house.call("DELETE", f"Locations({location})")
    assert await house.values("HistoricalLocations") == []


async def test_pages_are_whole_and_in_order_and_links_lead_on(house: House) -> None:
    for n in range(7):
        await house.make("Things", {"name": f"t{n % 3}", "description": str(n)})
    pages = await house.pages("Things", top=3, select="description")
    assert [[one["description"] for one in page] for page in pages] == [
        ["0", "1", "2"], ["3", "4", "5"], ["6"]
    ]  # fmt: skip
    assert set(pages[0][0]) == {"description"}
    pages = await house.pages("Things", top=2, orderby="name desc", filter="description ne '0'")
    assert [one["description"] for page in pages for one in page] == ["2", "5", "1", "4", "3", "6"]
    page = await house.get("Things", top=2, skip=5, count="true")
    assert page["@iot.count"] == 7
    assert [one["description"] for one in page["value"]] == ["5", "6"]
    assert "@iot.nextLink" not in page
    assert (await house.get("Things", top=0, count="true")) == {"@iot.count": 7, "value": []}
    pages = await house.pages("Things", top=2, orderby="description mod 2")
    assert sum(len(page) for page in pages) == 7


async def test_the_houses_own_devices_are_there_and_stay(house: House) -> None:
    await house.device("pond-1", "显正街积水点", (114.26, 30.55))
    found = (await house.values("Things", expand="Locations,Datastreams/ObservedProperty"))[0]
    assert found["name"] == "显正街积水点"
    assert found["properties"] == {"id": "pond-1", "type": "ponding_point"}
    assert found["Locations"][0]["location"]["coordinates"] == [114.26, 30.55]
    names = [one["ObservedProperty"]["name"] for one in found["Datastreams"]]
    assert names == ["depth", "wet"]
    await house.device("pond-2")
    assert len(await house.values("Things")) == 2
    await house.reborn()
    assert len(await house.values("Datastreams")) == 4
    await house.call("DELETE", f"Things({found['@iot.id']})", status=405)
    await house.call("DELETE", f"Datastreams({found['Datastreams'][0]['@iot.id']})", status=405)
    sensor = (await house.values("Sensors"))[0]["@iot.id"]
    await house.call("DELETE", f"Sensors({sensor})", status=405)
    depth = found["Datastreams"][0]["@iot.id"]
    await house.make("Observations", {"result": 0.5, "Datastream": {"@iot.id": depth}})
    refused = {"result": 50, "Datastream": {"@iot.id": depth}}
    await house.call("POST", "Observations", refused, 400)
    assert [one["result"] for one in await house.values(f"Datastreams({depth})/Observations")] == [
        0.5
    ]
