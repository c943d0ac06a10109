"""What goes out by GeoJSON or CSV comes back as it was; bad rows are kept apart with a reason."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.atlas.conftest import ponding
from zhiyin.atlas import Defaults, Element, as_geojson, read_csv, read_geojson
from zhiyin.atlas.exports import write_csv
from zhiyin.atlas.model import ImportUnreadable
from zhiyin.kernel import Place, gcj02_of

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=20,
)
VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.integers(0, 9), max_size=3),
)
KEYS = st.from_regex(r"\A[=a-z][a-z_]{0,9}\Z").filter(lambda key: key != "source_crs")
PLACES = st.builds(Place, st.floats(-180, 180), st.floats(-90, 90))
ELEMENTS = st.builds(
    Element,
    id=st.from_regex(r"\A[A-Za-z0-9_.-]{1,64}\Z"),
    type=st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z"),
    name=WORDS,
    place=PLACES,
    name_en=st.just("") | WORDS,
    area=st.just("420105004"),
    fields=st.dictionaries(KEYS, VALUES, max_size=4),
    owner=WORDS,
    source=WORDS,
    precision_m=st.none() | st.floats(0, 1000),
    valid=st.tuples(st.none() | st.integers(0, 2**41), st.none() | st.integers(0, 2**41)),
)


@settings(max_examples=150)
@given(ELEMENTS)
def test_csv_comes_back_as_it_was(element: Element) -> None:
    back = read_csv(write_csv([element]))
    assert (back.elements, back.bad) == ((element,), ())


@settings(max_examples=150)
@given(ELEMENTS)
def test_geojson_comes_back_as_it_was(element: Element) -> None:
    back = read_geojson(msgspec.json.encode(as_geojson([element])))
    assert (back.elements, back.bad) == ((element,), ())


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "LineString", "coordinates": [[114.19, 30.52], [114.21, 30.5]]},
        {"type": "Polygon", "coordinates": [[[4.1, 3.5], [4.2, 3.5], [4.2, 3.6], [4.1, 3.5]]]},
        {"type": "MultiPoint", "coordinates": [[114.1, 30.5], [114.2, 30.5]]},
    ],
)  # fmt: skip
def test_lines_and_areas_come_back_too(geometry: dict[str, object]) -> None:
    drawn = read_geojson({"type": "Feature", "geometry": geometry, "properties": _TOLD})
    assert read_csv(write_csv(drawn.elements)) == drawn
    assert read_geojson(as_geojson(drawn.elements)) == drawn
    assert drawn.elements[0].geometry == geometry


_TOLD = {"id": "x-1", "type": "canal", "name": "渠"}


def test_a_spreadsheet_can_open_it() -> None:
    text = write_csv([replace(ponding(), name="=HYPERLINK(1)", fields={"t": -4.5, "n": "-x"})])
    assert text.startswith(b"\xef\xbb\xbfid,type,name,")
    assert "'=HYPERLINK(1)" in text.decode()
    assert ",'-x,-4.5" in text.decode()


def test_csv_of_a_chinese_spreadsheet_is_read() -> None:
    content = "id,name,lon,lat,道路\nm-1,井盖,114.24,30.565,琴台大道\n".encode("gb18030")
    (cover,) = read_csv(content, Defaults(type="manhole", source="台账")).elements
    assert (cover.name, cover.fields, cover.source) == ("井盖", {"道路": "琴台大道"}, "台账")
    assert (cover.area, cover.place) == ("420105004", Place(114.24, 30.565))


def test_coordinates_of_web_maps_are_turned_once() -> None:
    lon, lat = gcj02_of(Place(114.24, 30.565))
    content = f"id,name,type,lon,lat\nm-1,井盖,manhole,{lon},{lat}\n".encode()
    (cover,) = read_csv(content, Defaults(crs="GCJ02")).elements
    assert cover.place == pytest.approx((114.24, 30.565), abs=1e-8)
    assert cover.fields == {"source_crs": "GCJ02"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("bad id!,a,t,114,30", "id is 'bad id!'"),
        (",a,t,114,30", "id is ''"),
        ("x,,t,114,30", "name has 0 characters"),
        ("x,a,T-1,114,30", "type is 'T-1'"),
        ("x,a,t,,30", "lon and lat are no numbers"),
        ("x,a,t,30,114", "not in degrees"),
        ("x,a,t,114,30,9", "more cells than columns"),
        ("good,a,t,114,30", "comes twice"),
    ],
)
def test_a_bad_row_is_kept_apart_with_its_reason(row: str, reason: str) -> None:
    reading = read_csv(f"id,name,type,lon,lat\ngood,a,t,114,30\n{row}\n".encode())
    assert [element.id for element in reading.elements] == ["good"]
    assert [bad.row for bad in reading.bad] == [2]
    assert reason in reading.bad[0].reason.en
    assert reading.bad[0].reason.zh


@pytest.mark.parametrize(
    "feature",
    [
        None,
        3,
        {},
        {"geometry": None, "properties": _TOLD},
        {"geometry": {"type": "Point", "coordinates": [1]}, "properties": _TOLD},
        {"geometry": {"type": "Point", "coordinates": [114, 30]}, "properties": None},
        {"geometry": {"type": "Point", "coordinates": [114, 30]}, "properties": [1]},
        {"geometry": {"type": "Point", "coordinates": [114, 30]},
         "properties": _TOLD | {"precision_m": "far"}},
        {"geometry": {"type": "Point", "coordinates": [114, 30]},
         "properties": _TOLD | {"precision_m": []}},
        {"geometry": {"type": "Point", "coordinates": [114, 30]},
         "properties": _TOLD | {"valid_from": "soon"}},
        {"geometry": {"type": "Point", "coordinates": [114, 30]},
         "properties": _TOLD | {"owner": "x" * 101}},
    ],
)  # fmt: skip
def test_a_bad_feature_is_kept_apart(feature: object) -> None:
    reading = read_geojson({"type": "FeatureCollection", "features": [feature]})
    assert (reading.elements, len(reading.bad)) == ((), 1)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff\xfe", b'{"type":"Topology"}', b'"x"', b"[" * 100_000]
)
def test_what_is_no_geojson_is_refused(content: bytes) -> None:
    with pytest.raises(ImportUnreadable):
        read_geojson(content)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b'id,name\n"x'])
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(ImportUnreadable):
        read_csv(content)
