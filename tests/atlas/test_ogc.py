"""OGC API – Features: core and geojson, as a client of the standard sees it."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.atlas.conftest import NOON
from zhiyin.kernel import DAY, iso

Client = TestClient[Litestar]
POINTS = "/ogc/collections/ponding_point"


def _rels(answer: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {link["rel"]: link["href"] for link in answer["links"]}


def test_the_landing_page_leads_on(client: Client) -> None:
    rels = _rels(client.get("/ogc/").json())
    assert set(rels) >= {"service-desc", "conformance", "data"}
    assert client.get(rels["conformance"]).json()["conformsTo"][0].endswith("/conf/core")
    assert client.get(rels["service-desc"]).status_code == 200
    listed = client.get(rels["data"]).json()
    assert [one["id"] for one in listed["collections"]] == ["canal", "ponding_point"]
    assert client.get(_rels(listed["collections"][0])["items"]).json()["numberMatched"] == 1


def test_next_leads_through_all_pages(client: Client) -> None:
    first = client.get(f"{POINTS}/items?limit=1&bbox=114.1,30.4,114.3,30.6")
    last = client.get(_rels(first.json())["next"])
    ids = [first.json()["features"][0]["id"], last.json()["features"][0]["id"]]
    assert first.headers["content-type"] == "application/geo+json"
    assert ids == ["pp-1", "pp-2"]
    assert "next" not in _rels(last.json())


def test_a_feature_is_found_by_its_address(client: Client) -> None:
    feature = client.get(f"{POINTS}/items/pp-1").json()
    assert (feature["id"], feature["type"]) == ("pp-1", "Feature")
    assert client.get(_rels(feature)["collection"]).json()["id"] == "ponding_point"


@pytest.mark.parametrize(
    ("span", "number"),
    [
        (iso(NOON), 1),
        (iso(NOON - DAY), 0),
        (f"../{iso(NOON)}", 1),
        (f"{iso(NOON - DAY)}/{iso(NOON - 1)}", 0),
        (f"{iso(NOON - DAY)}/..", 1),
    ],
)
def test_datetime_selects_what_is_valid_then(client: Client, span: str, number: int) -> None:
    answer = client.get("/ogc/collections/canal/items", params={"datetime": span}).json()
    assert answer["numberMatched"] == number


def test_things_without_time_are_always_there(client: Client) -> None:
    answer = client.get(f"{POINTS}/items", params={"datetime": "1990-01-01T00:00:00Z"}).json()
    assert answer["numberMatched"] == 2


def test_a_very_large_limit_gets_what_there_is(client: Client) -> None:
    assert client.get(f"{POINTS}/items?limit=1000000").json()["numberReturned"] == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ogc/collections/none", 404),
        ("/ogc/collections/none/items", 404),
        (f"{POINTS}/items/canal-1", 404),
        (f"{POINTS}/items?colour=red", 400),
        (f"{POINTS}/items?limit=0", 400),
        (f"{POINTS}/items?limit=ten", 400),
        (f"{POINTS}/items?bbox=1,2", 400),
        (f"{POINTS}/items?datetime=yesterday", 400),
        (f"{POINTS}/items?datetime=2026-02-01T00:00:00Z/2026-01-01T00:00:00Z", 400),
        ("/ogc/?f=html", 400),
    ],
)
def test_what_the_standard_refuses_is_refused(client: Client, path: str, status: int) -> None:
    assert client.get(path).status_code == status
