"""Areas, elements and the base map as a client of the API sees them."""

import csv
import io

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.atlas.conftest import NOON, SmallBrain
from zhiyin.kernel import iso

Client = TestClient[Litestar]
COVER = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [114.2607, 30.5518]},
    "properties": {"id": "mh-1", "type": "manhole", "name": "井盖", "diameter": 0.7},
}


def test_areas_of_a_kind(client: Client) -> None:
    answer = client.get("/areas", params={"kind": "street"})
    assert answer.headers["content-type"] == "application/geo+json"
    assert len(answer.json()["features"]) == 11
    assert len(client.get("/areas").json()["features"]) == 130
    (one,) = client.get("/areas", params={"q": "晴川街道"}).json()["features"]
    assert (one["id"], one["geometry"]["type"]) == ("420105004", "Polygon")
    assert one["properties"]["name_en"] == "Qingchuan Subdistrict"


def test_the_areas_at_a_place(client: Client) -> None:
    found = client.get("/areas/at", params={"lon": 114.2607, "lat": 30.5518}).json()
    assert found["street"]["name"] == "建桥街道"
    assert (found["community"]["short_name"], found["approximate"]) == ("钟家村社区", True)
    beyond = client.get("/areas/at", params={"lon": 114.4, "lat": 30.5}).json()
    assert (beyond["district"], beyond["community"]) == (None, None)


def test_a_layer_is_fetched_once(client: Client) -> None:
    first = client.get("/map/water")
    again = client.get("/map/water", headers={"If-None-Match": first.headers["etag"]})
    assert first.headers["cache-control"] == "public, max-age=3600"
    assert {f["properties"]["kind"] for f in first.json()["features"]} == {"river", "lake"}
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/map/streams", 404, "atlas-005"),
        ("/areas?kind=village", 400, "atlas-007"),
        ("/areas/at?lon=200&lat=0", 400, "atlas-003"),
        ("/elements?bbox=1,2,3", 400, "atlas-002"),
        ("/elements?limit=0", 400, "atlas-006"),
        ("/elements?limit=10001", 400, "atlas-006"),
        ("/elements?offset=-1", 400, "atlas-006"),
        ("/elements/nowhere", 404, "atlas-001"),
        ("/elements/nowhere/versions", 404, "atlas-001"),
    ],
)
def test_what_cannot_be_is_refused(client: Client, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]


def test_elements_are_listed_with_values_and_levels(client: Client, served: SmallBrain) -> None:
    served.values["pp-1"] = {"depth": {"value": 0.31, "time": iso(NOON), "unit": "m"}}
    served.levels["pp-1"] = "orange"
    page = client.get("/elements", params={"type": "ponding_point", "limit": 1}).json()
    told = page["features"][0]["properties"]
    assert (page["numberMatched"], page["numberReturned"]) == (2, 1)
    assert (told["id"], told["level"], told["latest"]["depth"]["value"]) == ("pp-1", "orange", 0.31)
    assert (told["area_name"], told["fields"]["capacity"]) == ("晴川街道", 1.5)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("q=墨水湖", ["pp-2"]),
        ("area=420105004", ["pp-1"]),
        ("bbox=114.205,30.49,114.22,30.51", ["canal-1"]),
        ("limit=1&offset=2", ["pp-2"]),
        ("type=nothing", []),
    ],
)
def test_elements_are_filtered(client: Client, query: str, ids: list[str]) -> None:
    found = client.get(f"/elements?{query}").json()["features"]
    assert [feature["id"] for feature in found] == ids


def test_an_import_makes_a_version_in_the_users_name(client: Client) -> None:
    user = {"X-Zhiyin-User": "user:lin"}
    wider = {**COVER, "properties": {**COVER["properties"], "diameter": 0.8}}  # type: ignore[dict-item]
    first = client.post("/elements", json=COVER, headers=user).json()
    again = client.post("/elements", json=COVER, headers=user).json()
    changed = client.post("/elements", json=wider).json()
    assert first == {"created": 1, "changed": 0, "unchanged": 0, "bad": []}
    assert (again["unchanged"], changed["changed"]) == (1, 1)
    latest, earliest = client.get("/elements/mh-1/versions").json()
    assert (latest["by"], earliest["by"]) == ("user:duty", "user:lin")
    assert earliest["element"]["properties"]["fields"] == {"diameter": 0.7}
    one = client.get("/elements/mh-1").json()
    assert (one["properties"]["version"], one["properties"]["area"]) == (2, "420105002")


def test_bad_rows_come_back_and_good_ones_go_through(client: Client) -> None:
    body = {"type": "FeatureCollection", "features": [COVER, {"type": "Feature"}]}
    told = client.post("/elements", json=body).json()
    assert told["created"] == 1
    assert told["bad"] == [
        {
            "row": 2,
            "reason": "没有几何。",
            "reason_en": "There is no geometry.",
            "content": {"type": "Feature"},
        }
    ]


def test_what_is_no_geojson_is_refused(client: Client) -> None:
    answer = client.post("/elements", content=b"hello")
    assert (answer.status_code, answer.json()["code"]) == (422, "atlas-004")


def test_csv_goes_out_and_comes_back_unchanged(client: Client) -> None:
    answer = client.get("/elements.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == ["canal-1", "pp-1", "pp-2"]
    headers = {"Content-Type": "text/csv"}
    back = client.post("/elements", content=answer.content, headers=headers).json()
    assert back == {"created": 0, "changed": 0, "unchanged": 3, "bad": []}


def test_geojson_goes_out_and_comes_back_unchanged(client: Client) -> None:
    page = client.get("/elements").json()
    back = client.post("/elements", json=page).json()
    assert back == {"created": 0, "changed": 0, "unchanged": 3, "bad": []}
