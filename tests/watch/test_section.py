"""rules.yaml: what a pack writes becomes rules, and what cannot be is said where it stands."""

from typing import Any

import msgspec
import pytest

from zhiyin.kernel import WarningLevel, Words
from zhiyin.watch.section import RulesFile, check, derives_of, rules_of

UNITS = {("ponding_point", "depth"): "m", ("air", "aqi"): "1"} | {
    ("air", name): "mg/m³" if name == "co" else "µg/m³"
    for name in ("so2", "no2", "co", "o3", "pm10", "pm25")
}
GOOD = {
    "rule": "ponding_depth", "watches": "ponding_point.depth", "for": "2min", "clears": "3 cm",
    "levels": {"blue": "0.10 m", "yellow": "15 cm", "orange": "0.25 m", "red": "0.40 m"},
    "opens": {"orange": "waterlogging"}, "says": {"zh-CN": "{thing}积水", "en": "{thing}: water"},
}  # fmt: skip
SILENT = {"rule": "quiet", "kind": "silent", "watches": "ponding_point.depth", "after": "10min",
          "levels": {"blue": "10min", "yellow": "1h"}}  # fmt: skip


def units(type_: str, property_: str) -> str | None:
    return UNITS.get((type_, property_))


def file_of(*rules: dict[str, Any], derive: tuple[dict[str, Any], ...] = ()) -> RulesFile:
    return msgspec.convert({"rules": rules, "derive": derive}, RulesFile)


def test_quantities_are_stored_in_the_unit_of_the_property() -> None:
    file = file_of(GOOD, SILENT)
    assert list(check(file, units)) == []
    depth, quiet = rules_of(file, units, "flood")
    assert depth.floors[1:] == (0.1, 0.15, 0.25, 0.4)
    assert (depth.clears, depth.hold_ms, depth.unit, depth.name()) == (
        0.03, 120_000, "m", "flood/ponding_depth",
    )  # fmt: skip
    assert depth.opens == {WarningLevel.ORANGE: "waterlogging"}
    assert depth.says == Words("{thing}积水", "{thing}: water")
    assert quiet.floors[1:3] == (600_000, 3_600_000)
    assert quiet.hold_ms == 600_000


def test_the_version_follows_the_judgement_not_the_words() -> None:
    def version(**change: object) -> str:
        return rules_of(file_of(GOOD | change), units, "flood")[0].version

    assert version() == version(says={"en": "other words"}) == version(clears="0.03 m")
    assert (
        len({version(), version(clears="4 cm"), version(opens={}), version(**{"for": "3min"})}) == 4
    )


def test_the_rule_in_force_is_chosen_by_the_day() -> None:
    later = GOOD | {"clears": "4 cm", "valid_from": "2027-01-01"}
    file = file_of(later, GOOD)
    assert list(check(file, units)) == []
    assert [rule.clears for rule in rules_of(file, units, "flood", "2026-12-31")] == [0.03]
    assert [rule.clears for rule in rules_of(file, units, "flood")] == [0.04]


BELOW = {"direction": "below", "levels": {"blue": "2 m", "yellow": "1 m"}}


@pytest.mark.parametrize(
    ("rule", "path", "code"),
    [
        (GOOD | {"watches": "ponding_point.width"}, ("watches",), "watch-002"),
        (GOOD | {"watches": "depth"}, ("watches",), "watch-002"),
        (GOOD | {"levels": {"blue": "1 kg"}}, ("levels", "blue"), "watch-003"),
        (GOOD | {"levels": {"blue": "1"}, "opens": {}}, ("levels", "blue"), "watch-003"),
        (GOOD | {"clears": "3 s"}, ("clears",), "watch-003"),
        (GOOD | {"for": "2 minutes"}, ("for",), "watch-004"),
        (SILENT | {"after": "soon"}, ("after",), "watch-004"),
        (GOOD | {"levels": {"purple": "1 m"}}, ("levels", "purple"), "watch-005"),
        (GOOD | {"levels": {}, "opens": {}}, ("levels",), "watch-006"),
        (GOOD | {"levels": {"blue": "2 m", "orange": "1 m"}}, ("levels", "orange"), "watch-007"),
        (SILENT | {"levels": {"blue": "1h", "red": "1h"}}, ("levels", "red"), "watch-007"),
        (GOOD | {"direction": "below"}, ("levels", "yellow"), "watch-007"),
        (GOOD | {"levels": {"red": "1 m"}}, ("opens", "orange"), "watch-008"),
        (GOOD | {"clears": ""}, (), "watch-009"),
        (GOOD | {"clears": "0 m"}, ("clears",), "watch-009"),
        (GOOD | {"clears": "20 cm"}, ("clears",), "watch-010"),
        (GOOD | {"after": "2min"}, ("after",), "watch-011"),
        (SILENT | {"clears": "2 m"}, ("clears",), "watch-011"),
        (GOOD | {"valid_from": "2026-3-1"}, ("valid_from",), "watch-012"),
    ],
)
def test_what_cannot_be_is_said_where_it_stands(rule: Any, path: Any, code: Any) -> None:
    found = list(check(file_of(rule), units))
    assert (("rules", 0, *path), code) in [(where, what) for where, what, _, _ in found]
    assert all(words.zh and words.en for _, _, *texts in found for words in texts)


def test_falling_levels_of_a_low_rule_are_right() -> None:
    assert list(check(file_of(GOOD | BELOW | {"opens": {}}), units)) == []


def test_a_name_stands_once() -> None:
    assert [code for _, code, _, _ in check(file_of(GOOD, GOOD), units)] == ["watch-001"]


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `hold`"):
        file_of(GOOD | {"hold": "2min"})


def test_derived_air_quality_needs_its_six_pollutants() -> None:
    derive = {"derive": "aqi_hour", "kind": "aqi", "from": "air", "gives": "aqi"}
    good = file_of(derive=(derive,))
    assert list(check(good, units)) == []
    assert derives_of(good, "eco")[0].source == "air"
    bad = file_of(derive=(derive | {"from": "ponding_point"},))
    assert {code for _, code, _, _ in check(bad, units)} == {"watch-002"}
