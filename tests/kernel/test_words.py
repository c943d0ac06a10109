"""Ids, quantities, levels and faults."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.kernel import (
    CallerFault,
    Fault,
    OurFault,
    PackFault,
    Quantity,
    WarningLevel,
    Words,
    WorldFault,
    convert,
    factor,
    fixed_id,
    known_unit,
    new_id,
    parse_quantity,
)


def test_new_ids_differ_and_have_one_form() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(re.fullmatch(r"[0-7][0-9a-hjkmnp-tv-z]{25}", made) for made in ids)


def test_new_ids_sort_by_time_made(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1_000_000_000, 2_000_000_000, 1_795_406_400_000_000_000])
    monkeypatch.setattr("time.time_ns", lambda: next(moments))
    ids = [new_id() for _ in range(3)]
    assert ids == sorted(ids)


@given(st.lists(st.text() | st.integers(), min_size=1, max_size=4))
def test_fixed_ids_are_the_same_for_the_same(parts: list[object]) -> None:
    assert fixed_id(*parts) == fixed_id(*parts)
    assert fixed_id(*parts) != fixed_id(*parts, "more")


def test_fixed_ids_keep_their_parts_apart() -> None:
    assert fixed_id("ab", "c") != fixed_id("a", "bc")
    assert fixed_id("rule", 7, 1_795_406_400_000) == "f8ad2804-7041-5da7-913e-1de5bc12d6b5"


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("0.10 m", 0.1, "m"),
        ("27 µg/m³", 27, "µg/m³"),
        ("5", 5, "1"),
        ("-1.5e3Pa", -1500, "Pa"),
        (" .5 % ", 0.5, "%"),
        ("+3 mm/h", 3, "mm/h"),
    ],
)
def test_quantities_are_read(text: str, value: float, unit: str) -> None:
    assert parse_quantity(text) == (value, unit)


@pytest.mark.parametrize("text", ["", "m", "about 3 m", "--3", "."])
def test_text_without_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not start with a number"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("quantity", "to", "value"),
    [
        (Quantity(15, "cm"), "m", 0.15),
        (Quantity(1, "mg/m³"), "µg/m³", 1000),
        (Quantity(36, "km/h"), "m/s", 10),
        (Quantity(20, "degC"), "degF", 68),
        (Quantity(0, "degC"), "K", 273.15),
        (Quantity(50, "%"), "1", 0.5),
        (Quantity(3, "1"), "1", 3),
    ],
)
def test_known_conversions(quantity: Quantity, to: str, value: float) -> None:
    assert convert(quantity, to) == pytest.approx(value)


@given(
    st.floats(-1e6, 1e6),
    st.sampled_from([("m", "cm"), ("mg/m³", "µg/m³"), ("degC", "degF"), ("m³/s", "L/min")]),
)
def test_conversions_come_back(value: float, units: tuple[str, str]) -> None:
    there = convert(Quantity(value, units[0]), units[1])
    assert convert(Quantity(there, units[1]), units[0]) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("units", [("m", "s"), ("m", "nonsense"), ("1", "m")])
def test_units_that_do_not_fit_are_refused(units: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"unit|turned"):
        factor(*units)


def test_units_are_known_or_not() -> None:
    assert all(known_unit(unit) for unit in ("", "1", "m", "µg/m³", "mm/h", "dB", "%", "ppb"))
    assert not any(known_unit(unit) for unit in ("立方", "km2", "m+s", "depth"))


def test_a_quantity_is_written_as_it_is_read() -> None:
    assert [str(parse_quantity(text)) for text in ("0.1 m", "5")] == ["0.1 m", "5"]


def test_warning_levels_rise_from_none_to_red() -> None:
    keys = [level.key for level in sorted(WarningLevel)]
    assert keys == ["none", "blue", "yellow", "orange", "red"]
    assert [WarningLevel.of(key) for key in keys] == list(WarningLevel)


class _TooDeep(CallerFault):
    code = "test-001"
    what = Words("深 {depth},应在 {most} 以下。", "It is {depth} deep; it should be below {most}.")
    do = Words("核对探头。", "Check the probe.")


def test_a_fault_says_where_what_and_what_to_do() -> None:
    fault = _TooDeep("pp-1.depth", depth="9 m", most="5 m")
    assert fault.text("zh-CN") == "pp-1.depth: 深 9 m,应在 5 m 以下。核对探头。"
    assert str(fault) == "pp-1.depth: It is 9 m deep; it should be below 5 m. Check the probe."
    assert fault.problem() == {
        "title": "深 9 m,应在 5 m 以下。",
        "status": 400,
        "detail": "核对探头。",
        "title_en": "It is 9 m deep; it should be below 5 m.",
        "detail_en": "Check the probe.",
        "code": "test-001",
        "where": "pp-1.depth",
        "fields": {"depth": "9 m", "most": "5 m"},
    }


def test_the_base_class_says_whose_fault_it_is() -> None:
    kinds: list[type[Fault]] = [CallerFault, PackFault, OurFault, WorldFault]
    assert [kind.status for kind in kinds] == [400, 422, 500, 503]
