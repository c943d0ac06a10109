"""`quality:` in model.yaml: what it means in numbers, and what is found wrong in it."""

from typing import Any

import msgspec
import pytest

from zhiyin.kernel import HOUR, MINUTE
from zhiyin.lake import Limits
from zhiyin.lake.limits import INFINITE, Flat, Near, Season, Span, Steps
from zhiyin.lake.section import SECTION, ModelFile, Property

TITLE = {"zh-CN": "水深", "en": "Depth"}


def property_(quality: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    declared = {"title": TITLE, "unit": "m", "range": [0, 5], "every": "1min", **more}
    return declared if quality is None else {**declared, "quality": quality}


def near(value: float) -> Any:
    return pytest.approx(value)


def limits(quality: dict[str, Any] | None, **more: Any) -> Limits:
    return msgspec.convert(property_(quality, **more), Property).limits


def found(quality: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    """Return (code, place within the block) of each remark."""
    one = {"title": TITLE, "properties": {"depth": property_(quality, **more)}}
    file = msgspec.convert({"types": {"point": one}}, ModelFile)
    assert SECTION.check is not None
    nobody: Any = None
    remarks = SECTION.check(file, nobody)
    return [(code, ".".join(map(str, path[5:]))) for path, code, _, _ in remarks]


def test_without_a_block_there_are_range_and_gap() -> None:
    assert limits(None) == limits({}) == Limits(Span(0, 5), gap=3 * MINUTE)
    assert limits(None, derived=True) == Limits(Span(0, 5), ordered=False)


def test_a_block_in_numbers_of_the_property_seconds_and_metres() -> None:
    quality = {
        "gross": [0, 4], "suspect": [0, 2.5], "gap": 5,
        "climatology": [{"months": [6, 7], "hours": [0], "range": [0, 2], "fail": [0, 3]},
                        {"range": [0, 1]}],
        "spike": {"suspect": "30 cm", "fail": "1 m"}, "rate": {"suspect": "6 cm/10min"},
        "flat": {"suspect": "30min", "fail": "2h", "tolerance": "5 mm"},
        "neighbour": {"within": "2km", "differs": "0.5 m"},
    }  # fmt: skip
    assert found(quality) == []
    assert limits(quality) == Limits(
        gross=Span(0, 4), suspect=Span(0, 2.5),
        climatology=(Season((6, 7), (0,), Span(0, 2), Span(0, 3)),
                     Season(tuple(range(1, 13)), tuple(range(24)), Span(0, 1))),
        spike=Steps(near(0.3), 1), rate=Steps(near(0.0001), INFINITE),
        flat=Flat(30 * MINUTE, 2 * HOUR, near(0.005)), gap=5 * MINUTE,
        near=Near(near(2000), 0.5, 5 * MINUTE),
    )  # fmt: skip


def test_a_bare_number_is_a_quantity_where_the_unit_is_one() -> None:
    quality = {"spike": {"fail": 4}, "rate": {"suspect": "2/h"}, "flat": {"fail": "1h"}}
    assert found(quality, unit="1") == []
    one = limits(quality, unit="1")
    assert (one.spike, one.rate) == (Steps(INFINITE, 4), Steps(2 / 3600, INFINITE))
    assert one.flat == Flat(HOUR, HOUR, 0)


@pytest.mark.parametrize(
    ("quality", "wanted"),
    [
        ({"gross": [3, 1]}, [("lake-001", "gross")]),
        ({"gross": [-1, 3]}, [("lake-005", "gross")]),
        ({"gross": [0, 3], "suspect": [0, 4]}, [("lake-005", "suspect")]),
        ({"climatology": [{"range": [0, 6]}]}, [("lake-005", "climatology.0.range")]),
        ({"climatology": [{"range": [0, 2], "fail": [0, 9]}]},
         [("lake-005", "climatology.0.fail")]),
        ({"spike": {}}, [("lake-006", "spike")]),
        ({"flat": {"tolerance": "1 cm"}}, [("lake-006", "flat")]),
        ({"spike": {"suspect": "3 kg"}}, [("lake-004", "spike.suspect")]),
        ({"spike": {"suspect": 3}}, [("lake-004", "spike.suspect")]),
        ({"spike": {"suspect": "-3 m"}}, [("lake-004", "spike.suspect")]),
        ({"spike": {"suspect": "2 m", "fail": "1 m"}}, [("lake-005", "spike.suspect")]),
        ({"rate": {"suspect": "2 m"}}, [("lake-004", "rate.suspect")]),
        ({"rate": {"fail": "2 m/kg"}}, [("lake-004", "rate.fail")]),
        ({"rate": {"fail": "2 m/0min"}}, [("lake-004", "rate.fail")]),
        ({"flat": {"suspect": "2h", "fail": "1h"}}, [("lake-005", "flat.suspect")]),
        ({"flat": {"fail": "1h", "tolerance": "1 s"}}, [("lake-004", "flat.tolerance")]),
        ({"neighbour": {"within": "2 kg", "differs": "1 m"}}, [("lake-004", "neighbour.within")]),
        ({"neighbour": {"within": "2km", "differs": 1}}, [("lake-004", "neighbour.differs")]),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_found_at_its_place(
    quality: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    assert found(quality) == wanted


def test_a_derived_property_has_no_test_in_order_of_time() -> None:
    quality = {"suspect": [0, 4], "rate": {"fail": "1 m/min"}, "flat": {"fail": "1h"}}
    assert found(quality, derived=True) == [("lake-007", "rate"), ("lake-007", "flat")]


@pytest.mark.parametrize("quality", [{"climatology": [{"months": [13], "range": [0, 1]}]},
                                     {"gap": -1}, {"spikes": {}}])  # fmt: skip
def test_what_cannot_be_is_refused(quality: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        limits(quality)
