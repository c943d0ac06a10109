"""Elements keep every version, and are found by type, window, area and words."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.atlas.conftest import NOON, SmallBrain, ponding
from zhiyin import atlas
from zhiyin.atlas.model import ElementUnknown
from zhiyin.cloud import OutboxRow
from zhiyin.kernel import Place


async def test_seeding_twice_makes_no_version(brain: SmallBrain) -> None:
    async with brain.database.write("system:atlas") as session:
        first = await atlas.seed(session, [ponding(), ponding("pp-2")], at=NOON)
    async with brain.database.write("system:atlas") as session:
        again = await atlas.seed(session, [ponding(), ponding("pp-2")], at=NOON + 1)
    assert (first.created, first.changed, first.unchanged) == (2, 0, 0)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 2)


async def test_fields_are_compared_as_json_keeps_them(brain: SmallBrain) -> None:
    odd = ponding(fields={"range": (0, 5), "gap": float("nan")})
    async with brain.database.write("system:atlas") as session:
        await atlas.seed(session, [odd], at=NOON)
        again = await atlas.seed(session, [odd], at=NOON)
    assert again.unchanged == 1


async def test_a_change_is_a_new_version_and_the_earlier_stays(brain: SmallBrain) -> None:
    async with brain.database.write("user:one") as session:
        await atlas.put_element(session, ponding(), at=NOON, by="user:one")
    async with brain.database.write("user:two") as session:
        changed = replace(ponding(), fields={"road": "汉阳大道"})
        now = await atlas.put_element(session, changed, at=NOON + 1, by="user:two")
    async with brain.database.read() as session:
        kept = await atlas.versions(session, "pp-1")
    assert now.version == 2
    assert [(v.element.version, v.by, v.element.fields["road"]) for v in kept] == [
        (2, "user:two", "汉阳大道"),
        (1, "user:one", "琴台大道"),
    ]


async def test_a_removed_element_leaves_the_map_but_not_the_books(brain: SmallBrain) -> None:
    async with brain.database.write("user:one") as session:
        await atlas.put_element(session, ponding(), at=NOON, by="user:one")
        await atlas.remove_element(session, "pp-1", at=NOON + 1, by="user:one")
    async with brain.database.read() as session:
        assert await atlas.elements(session) == []
        assert [v.removed for v in await atlas.versions(session, "pp-1")] == [True, False]
        with pytest.raises(ElementUnknown):
            await atlas.require_element(session, "pp-1")
    async with brain.database.write("user:one") as session:
        back = await atlas.put_element(session, ponding(), at=NOON + 2, by="user:one")
        with pytest.raises(ElementUnknown):
            await atlas.remove_element(session, "pp-9", at=NOON, by="user:one")
    assert back.version == 3


async def test_every_change_leaves_through_the_outbox(brain: SmallBrain) -> None:
    async with brain.database.write("user:one") as session:
        await atlas.put_element(session, ponding(), at=NOON, by="user:one")
    async with brain.database.read() as session:
        kinds = [row.kind for row in await session.scalars(select(OutboxRow))]
    assert kinds == ["row.atlas.element.created", "row.atlas.element_version.created"]


async def test_an_element_is_given_its_street(brain: SmallBrain) -> None:
    async with brain.database.write("user:one") as session:
        inside = await atlas.put_element(session, ponding(), at=NOON, by="user:one")
        outside = ponding("far", place=Place(114.4, 30.5))
        beyond = await atlas.put_element(session, outside, at=NOON, by="user:one")
    assert (inside.area, beyond.area) == ("420105004", "")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["a", "b", "c%"]),
        ({"type": "canal"}, ["b"]),
        ({"q": "总港"}, ["b"]),
        ({"q": "GUOMIAN"}, ["a", "c%"]),
        ({"q": "%"}, ["c%"]),
        ({"q": "_"}, []),
        ({"area": "420105"}, ["a", "b"]),
        ({"area": "420105004"}, ["a"]),
        ({"area": "42010500"}, ["a"]),
        ({"bbox": (114.205, 30.49, 114.22, 30.51)}, ["b"]),
        ({"bbox": (114.0, 30.0, 114.1, 30.1)}, []),
        ({"limit": 1, "offset": 1}, ["b"]),
    ],
)
async def test_elements_are_found(brain: SmallBrain, wanted: dict, found: list[str]) -> None:  # type: ignore[type-arg]
    line = {"type": "LineString", "coordinates": [[114.19, 30.52], [114.21, 30.50]]}
    canal = ponding("b", type="canal", name="总港", name_en="", geometry=line)
    some = [
        ponding("a"),
        replace(canal, place=Place(114.2, 30.51)),
        ponding("c%", place=Place(114.4, 30.5)),
    ]
    async with brain.database.write("system:atlas") as session:
        await atlas.seed(session, some, at=NOON)
    async with brain.database.read() as session:
        assert [element.id for element in await atlas.elements(session, **wanted)] == found


async def test_a_thousand_are_seeded_in_few_queries(brain: SmallBrain) -> None:
    many = [ponding(f"pp-{number}") for number in range(1000)]
    async with brain.database.write("system:atlas") as session:
        done = await atlas.seed(session, many, at=NOON)
    async with brain.database.read() as session:
        assert len(await atlas.elements(session)) == done.created == 1000


def test_geojson_carries_latest_values_and_levels() -> None:
    shown = atlas.as_geojson([ponding()], {"pp-1": {"depth": {"value": 0.3}}}, {"pp-1": "orange"})
    told = shown["features"][0]["properties"]
    assert (told["latest"], told["level"]) == ({"depth": {"value": 0.3}}, "orange")
    assert atlas.as_geojson([ponding()])["features"][0]["properties"]["level"] is None
