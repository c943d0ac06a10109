"""Batches: many requests in one, in groups that hold together."""

import json
from typing import Any

from tests.network.sensorthings.client import datastream, thing
from tests.network.sensorthings.house import NOW, House
from tests.shared_data import shared
from zhiyin.kernel import iso

FOREIGN = ("Roles", "Projects", "Users", "UserProjectRoles")  # of a server's extension


async def test_the_batch_of_a_real_server_makes_its_things(house: House) -> None:
    said = json.loads(shared("sensorthings/dataBatchPost.json").read_text())
    requests = [one for one in said["requests"] if one["url"] not in FOREIGN]
    for one in requests:
        one["body"].pop("Projects", None)
    told = (await house.call("POST", "$batch", {"requests": requests}))["responses"]
    assert [one["status"] for one in told] == [201] * len(requests)
    assert [one["id"] for one in told] == [one["id"] for one in requests]
    things = await house.values("Things", expand="Locations,Datastreams($expand=Observations)")
    assert [one["name"] for one in things] == ["Thing 1", "Thing 2", "Thing 3", "Thing 4"]
    assert [one["Locations"][0]["name"] for one in things] == [
        f"Location {n}" for n in (1, 2, 3, 4)
    ]
    for one in things:
        assert len(one["Datastreams"]) == 2
        for stream in one["Datastreams"]:
            assert [obs["result"] for obs in stream["Observations"]] == [1, 2, 3, 4]
    whole = (await house.call("POST", "$batch", {"requests": said["requests"]}))["responses"]
    assert [one["status"] for one in whole] == [404] + [424] * (len(whole) - 1)
    assert len(await house.values("Things")) == 4


async def test_a_group_holds_together_and_single_requests_stand_alone(house: House) -> None:
    def ask(id_: str, method: str, url: str, body: Any = None, **more: Any) -> dict[str, Any]:
        return {"id": id_, "method": method, "url": url, "body": body, **more}

    bad = {"name": "only a name"}
    requests = [
        ask("g1", "post", "Things", thing("lost"), atomicityGroup="g"),
        ask("g2", "post", "Things", bad, atomicityGroup="g"),
        ask("t", "POST", "/sta/v1.1/Things", thing("kept")),
        ask("d", "POST", "$t/Datastreams", datastream("d")),
        ask("o", "POST", "Observations", {"result": 3, "phenomenonTime": iso(NOW),
                                          "Datastream": {"@iot.id": "$d"}}),
        ask("p", "PATCH", "$t", {"description": "patched"}),
        ask("q", "GET", "Things?$filter=name%20eq%20'kept'&$select=description"),
        ask("x", "GET", "Things(4711)"),
        ask("del", "DELETE", "$o"),
    ]  # fmt: skip
    told = (await house.call("POST", "$batch", {"requests": requests}))["responses"]
    status = {one["id"]: one["status"] for one in told}
    assert status == {"g1": 424, "g2": 400, "t": 201, "d": 201, "o": 201, "p": 200, "q": 200,
                      "x": 404, "del": 200}  # fmt: skip
    found = next(one["body"] for one in told if one["id"] == "q")
    assert found["value"] == [{"description": "patched"}]
    assert [one["name"] for one in await house.values("Things")] == ["kept"]
    assert await house.values("Observations") == []
    bodies: list[Any] = [{"requests": 5}, [], {"requests": [{"id": "1"}]}]
    for body in bodies:
        await house.call("POST", "$batch", body, 400)


async def test_bodies_have_limits_and_kinds(house: House) -> None:
    house.sensing.body_limit = 1000
    big = json.dumps({"name": "x" * 2000, "description": "y"}).encode()
    await house.call("POST", "Things", big, 413)
    await house.call("POST", "Things", b"<xml/>", 400, kind="application/xml")
    nested: Any = 1
    for _ in range(70):
        nested = [nested]
    await house.call(
        "POST", "Things", {"name": "x", "description": "y", "properties": {"a": nested}}, 400
    )
    house.sensing.batch_limit = 2
    rows = {"Datastream": {"@iot.id": 1}, "components": ["result"], "dataArray": [[1]] * 3}
    await house.call("POST", "CreateObservations", [rows], 413)
    answer = await house.http.head("/sta/v1.1/Things")
    assert (answer.status_code, answer.content) == (200, b"")
    answer = await house.http.options("/sta/v1.1/Things")
    assert answer.status_code == 204
    answer = await house.http.get("/sta/v1.1/Things?$top=1&$filter=" + "a" * 20_000)
    assert answer.status_code == 400


async def test_addresses_follow_the_clients_own_name_for_the_server(house: House) -> None:
    await house.make("Things", thing("a"))
    answer = await house.http.get(
        "/sta/v1.1/Things",
        headers={"x-forwarded-proto": "https", "x-forwarded-host": "city.example:8443"},
    )
    link = answer.json()["value"][0]["@iot.selfLink"]
    assert link.startswith("https://city.example:8443/sta/v1.1/Things(")
    answer = await house.http.get("/sta/v1.1/Things", headers={"x-forwarded-host": 'evil"<x>'})
    assert answer.json()["value"][0]["@iot.selfLink"].startswith("http://evilx/sta")
