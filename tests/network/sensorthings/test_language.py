"""The filter language: what it reads, what it means, and what the stores are handed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.kernel import parse_time
from zhiyin.network.sensorthings.faults import BadQuery
from zhiyin.network.sensorthings.judge import Judge, check
from zhiyin.network.sensorthings.language import Call, Constant, Path, Tree, read_tree
from zhiyin.network.sensorthings.model import DATASTREAM, LOCATION, OBSERVATION, THING, Entity, Kind
from zhiyin.network.sensorthings.options import read_options
from zhiyin.network.sensorthings.pushdown import to_lake, to_sql
from zhiyin.network.sensorthings.when import When

NOW = parse_time("2026-11-23T06:00:00Z")
AT = parse_time("2020-02-29T13:14:15.250Z")
STREAM = Entity(
    DATASTREAM, 7, 7,
    {
        "name": "Water 水", "unitOfMeasurement": {"symbol": "m"},
        "properties": {"a": {"b": 5}, "tag": "x"}, "phenomenonTime": When(AT, AT + 10_000),
    },
    {},
)  # fmt: skip
OBSERVED = Entity(
    OBSERVATION, 0, "7-1", {"phenomenonTime": When(AT), "result": -2.5, "resultTime": None}, {}
)
HERE = Entity(
    LOCATION, 1, 1,
    {"location": {"type": "Point", "coordinates": [114.0, 30.0]}}, {},
)  # fmt: skip


def fits(text: str, entity: Entity = OBSERVED, related: Any = None) -> bool:
    tree = read_tree(text)
    check(entity.kind, tree)
    return Judge(entity.kind, tree, NOW).fits(entity, related or (lambda _one, _link: []))


@pytest.mark.parametrize(
    "text",
    [
        "result eq -2.5",
        "result lt 0",
        "not (result gt 0)",
        "not result gt 0",
        "result add 2.5 eq 0",
        "result sub 1 eq -3.5",
        "result mul -2 eq 5",
        "result div 2 eq -1.25",
        "7 mod 4 eq 3",
        "-result eq 2.5",
        "1 add 2 mul 3 eq 7",
        "(1 add 2) mul 3 eq 9",
        "round(result) eq -3",
        "floor(result) eq -3",
        "ceiling(result) eq -2",
        "round(2.5) eq 3",
        "result gt 5 or result lt 0 and true",
        "resultTime eq null",
        "result ne null",
        "not (resultTime gt 2000-01-01T00:00:00Z)",
        "1 div 0 eq null",
        "phenomenonTime eq 2020-02-29T13:14:15.250Z",
        "phenomenonTime gt 2020-02-29T13:14:15Z",
        "phenomenonTime lt 2020-02-29T21:14:16+08:00",
        "phenomenonTime lt 2020-02-29T21:14:16 08:00",
        "phenomenonTime ge '2020-02-29T13:14:15.250Z'",
        "phenomenonTime lt now()",
        "year(phenomenonTime) eq 2020",
        "month(phenomenonTime) eq 2",
        "day(phenomenonTime) eq 29",
        "hour(phenomenonTime) eq 13",
        "minute(phenomenonTime) eq 14",
        "second(phenomenonTime) eq 15",
        "fractionalseconds(phenomenonTime) eq 0.25",
        "date(phenomenonTime) eq 2020-02-29",
        "time(phenomenonTime) lt 13:14:16",
        "totaloffsetminutes(phenomenonTime) eq 0",
        "phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime()",
        "phenomenonTime add duration'PT1M' gt 2020-02-29T13:15:00Z",
        "now() sub phenomenonTime ne null",
        "during(phenomenonTime, 2020-01-01T00:00:00Z/2021-01-01T00:00:00Z)",
        "before(phenomenonTime, 2021-01-01T00:00:00Z)",
        "after(phenomenonTime, 2019-01-01T00:00:00Z)",
        "id eq '7-1'",
        "@iot.id eq '7-1'",
    ],
)
def test_what_holds_of_an_observation(text: str) -> None:
    assert fits(text)
    assert not fits(f"not ({text})")


@pytest.mark.parametrize(
    "text",
    [
        "substringof('ater', name)",
        "contains(name, '水')",
        "startswith(name, 'Wat')",
        "endswith(name, '水')",
        "indexof(name, 't') eq 2",
        "length(name) eq 7",
        "substring(name, 6) eq '水'",
        "substring(name, 1, 3) eq 'ate'",
        "tolower(name) eq 'water 水'",
        "toupper(name) eq 'WATER 水'",
        "trim('  a ') eq 'a'",
        "concat(name, '!') eq 'Water 水!'",
        "concat(concat('a', ', '), 'b') eq 'a, b'",
        "'it''s' eq 'it''s'",
        "id eq 7",
        "properties/a/b eq 5",
        "properties/tag eq 'x'",
        "properties/none eq null",
        "unitOfMeasurement/symbol eq 'm'",
        "properties/tag ne 5",
        "phenomenonTime lt 2020-03-01T00:00:00Z",
        "phenomenonTime gt 2020-02-01T00:00:00Z",
        "overlaps(phenomenonTime, 2020-02-29T13:14:20Z/2020-03-01T00:00:00Z)",
        "phenomenonTime eq 2020-02-29T13:14:15.250Z/2020-02-29T13:14:25.250Z",
        "meets(phenomenonTime, 2020-02-29T13:14:25.250Z/2020-03-01T00:00:00Z)",
        "starts(phenomenonTime, 2020-02-29T13:14:15.250Z)",
        "finishes(phenomenonTime, 2020-02-29T13:14:25.250Z)",
        "not (true eq 1)",
        "not ('1' eq 1)",
    ],
)
def test_what_holds_of_a_datastream(text: str) -> None:
    assert fits(text, STREAM)


@pytest.mark.parametrize(
    "text",
    [
        "geo.distance(location, geography'POINT(114 31)') eq 1",
        "geo.length(geography'LINESTRING(0 0, 3 4)') eq 5",
        "geo.intersects(location, geography'POLYGON((113 29,115 29,115 31,113 31,113 29))')",
        "st_within(location, geography'POLYGON((113 29,115 29,115 31,113 31,113 29))')",
        "st_contains(geography'SRID=4326;POLYGON((113 29,115 29,115 31,113 31,113 29))', location)",
        "st_equals(location, geography'POINT(114 30)')",
        "st_disjoint(location, geometry'POINT(1 2)')",
        "st_intersects(location, geography'LINESTRING(113 30,115 30)')",
        "st_touches(geography'POINT(113 30)', geography'LINESTRING(113 30,115 30)')",
        "st_crosses(geography'LINESTRING(0 0,2 2)', geography'LINESTRING(0 2,2 0)')",
        "st_overlaps(geography'POLYGON((0 0,2 0,2 2,0 2,0 0))',"
        " geography'POLYGON((1 1,3 1,3 3,1 3,1 1))')",
        "st_relate(location, geography'POINT(114 30)', 'T*F**FFF*')",
    ],
)
def test_what_holds_of_a_place(text: str) -> None:
    assert fits(text, HERE)


def test_two_paths_through_one_link_speak_of_the_same_one() -> None:
    thing = Entity(THING, 1, 1, {"name": "t"}, {})
    streams = [
        STREAM._replace(values={"name": name, "properties": {"n": n}})
        for name, n in (("a", 1), ("b", 2))
    ]

    def related(_owner: Entity, link: str) -> list[Entity]:
        return streams if link == "Datastreams" else []

    assert fits("Datastreams/name eq 'a' and Datastreams/properties/n eq 1", thing, related)
    assert not fits("Datastreams/name eq 'a' and Datastreams/properties/n eq 2", thing, related)
    assert fits("Locations/name eq null", thing, related)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name eq",
        "eq 5",
        "name eq 'x",
        "name = 'x'",
        "(name eq 'x'",
        "name eq 'x')",
        "name eq geography'POINT(1'",
        "name eq 2020-13-01T00:00:00Z",
        "name and and 5",
        "f(",
        "a//b eq 1",
        "name eq duration'x'",
        "not",
        "1 2",
        "\0",
        "name eq 99:99 99",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(BadQuery):
        check(STREAM.kind, read_tree(text))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        tree = read_tree(text)
        check(THING, tree)
        Judge(THING, tree, NOW).fits(Entity(THING, 1, 1, {"name": "t"}, {}), lambda _o, _l: [])
    except BadQuery:
        pass


_values = st.one_of(
    st.integers(-5, 5).map(Constant), st.sampled_from([-2.5, 0.5, 3.0]).map(Constant)
)
_leaves: Any = st.one_of(
    st.tuples(st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]), _values).map(
        lambda pair: Call(pair[0], (Path(("result",)), pair[1]))
    ),
    st.tuples(st.sampled_from(["eq", "lt", "ge"]), st.integers(-3, 3)).map(
        lambda pair: Call(pair[0], (Path(("phenomenonTime",)), Constant(When(AT + pair[1]))))
    ),
    st.just(Call("eq", (Path(("parameters", "x")), Constant(1)))),
    st.integers(0, 23).map(
        lambda n: Call("eq", (Call("hour", (Path(("phenomenonTime",)),)), Constant(n)))
    ),
)
_trees: Any = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        inner.map(lambda one: Call("not", (one,))),
        st.tuples(inner, inner).map(lambda pair: Call("and", pair)),
        st.tuples(inner, inner).map(lambda pair: Call("or", pair)),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(_trees, st.sampled_from([-2.5, 0.0, 0.5, 3.0, 4.0]), st.integers(-3, 3))
def test_the_lake_is_never_asked_for_too_little(tree: Tree, value: float, later: int) -> None:
    import duckdb

    wanted = to_lake(tree)
    entity = OBSERVED._replace(values={"phenomenonTime": When(AT + later), "result": value})
    truth = Judge(OBSERVATION, tree, NOW).fits(entity, lambda _o, _l: [])
    if wanted is None:
        return
    found = duckdb.execute(
        f"SELECT count(*) FROM (SELECT {AT + later}::BIGINT AS t, {value}::DOUBLE AS value)"
        f" WHERE {wanted.sql}",
        wanted.parameters,
    ).fetchall()[0][0]
    assert found >= truth
    if wanted.exact:
        assert bool(found) == truth


@pytest.mark.parametrize(
    ("kind", "text", "exact"),
    [
        (THING, "name eq 'x'", True), (THING, "startswith(name,'x') or id gt 5", True),
        (THING, "not (name eq 'x')", True), (THING, "properties/a eq 'x'", False),
        (THING, "Datastreams/name eq 'x'", True), (THING, "length(name) gt 5", None),
        (THING, "not (Datastreams/name eq 'x')", None),
        (THING, "Datastreams/name eq 'x' and Datastreams/description eq 'y'", False),
        (DATASTREAM, "Thing/id eq 5 and length(name) gt 2", False),
        (DATASTREAM, "ObservedProperty/name eq 'x'", True),
        (DATASTREAM, "phenomenonTime gt 2020-01-01T00:00:00Z", None),
        (DATASTREAM, "Observations/result gt 5", None),
    ],
)  # fmt: skip
def test_what_the_operations_store_is_handed(kind: Kind, text: str, exact: bool | None) -> None:
    condition = to_sql(kind, read_tree(text))
    assert (condition.exact if condition is not None else None) is exact


def test_options_within_options() -> None:
    options = read_options(
        "$expand=Datastreams($filter=name%20eq%20'a;b(';$top=2;$expand=Sensor,Observations("
        "$orderby=phenomenonTime%20desc,id;$top=1)),Locations/HistoricalLocations&$select=name",
        THING,
    )
    streams = options.expand["Datastreams"]
    assert streams.filter == Call("eq", (Path(("name",)), Constant("a;b(")))
    assert streams.top == 2
    assert set(streams.expand) == {"Sensor", "Observations"}
    order = streams.expand["Observations"].orderby
    assert [one.descending for one in order] == [True, False]
    assert set(options.expand["Locations"].expand) == {"HistoricalLocations"}
    assert options.select == ("name",)
