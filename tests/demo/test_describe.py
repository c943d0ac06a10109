"""A day of the packs becomes sensors."""

from pathlib import Path
from typing import Any

import pytest

from zhiyin.kernel import HOUR, MINUTE
from zhiyin.server.district import DayUnknown, describe, read_packs, start_of

PULSE = {"at": "14:35", "rise": "15min", "hold": "20min", "fall": "30min", "height": [0.28, 0.34]}


def flood(**days: Any) -> dict[str, Any]:
    depth = {"type": "ponding_point", "property": "depth"}
    ordinary = {"starts": "08:00", "shapes": [{**depth, "base": 0.0, "noise": 0.004}]}
    bad = {"starts": "14:00", "shapes": [{**depth, "things": ["underpass"], "pulse": PULSE}]}
    return {
        "model": {
            "types": {
                "ponding_point": {
                    "properties": {
                        "depth": {"unit": "m", "range": [0, 5], "every": "1min"},
                        "battery": {"unit": "V", "range": [0, 5], "every": "1h"},
                    }
                }
            }
        },
        "devices": {
            "devices": [
                {
                    "device": "gauge",
                    "for": "ponding_point",
                    "by": "mqtt",
                    "properties": ["depth", "battery"],
                    "every": "1min",
                }
            ],
            "bound": [
                {
                    "device": "dev-7",
                    "template": "gauge",
                    "thing": "crossing",
                    "renames": {"d": "depth"},
                }
            ],
        },
        "elements": {
            "elements": [
                {"id": "underpass", "type": "ponding_point"},
                {"id": "crossing", "type": "ponding_point"},
                {"id": "lake_1", "type": "lake"},
            ]
        },
        "demo": {"days": days or {"ordinary": ordinary, "cloudburst": bad}},
    }


def test_a_shape_naming_the_thing_goes_before_that_of_the_type_and_the_ordinary_day_fills_in() -> (
    None
):
    story, other = describe([flood()], "cloudburst")
    assert (story.thing, story.property, story.every_ms, story.by) == (
        "underpass",
        "depth",
        MINUTE,
        "mqtt",
    )
    assert story.steady
    assert story.shape.pulses[0].at_ms == 14 * HOUR + 35 * MINUTE
    assert story.shape.decimals == 3
    assert not other.steady
    assert other.shape.pulses == ()
    assert (other.shape.floor, other.shape.ceiling) == (0, 5)


def test_a_bound_device_speaks_under_its_own_name_in_its_own_words() -> None:
    _, other = describe([flood()], "ordinary")
    assert (other.thing, other.property) == ("dev-7", "d")


def test_a_pack_without_the_day_plays_its_ordinary_one() -> None:
    other = {"demo": {"days": {"smog": {"starts": "06:30", "shapes": []}}}}
    assert describe([flood(), other], "smog") == describe([flood()], "ordinary")
    assert start_of([flood(), other], "smog") == 6 * HOUR + 30 * MINUTE


def test_an_unknown_day_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DayUnknown, match="cloudburst, ordinary"):
        describe([flood()], "heatwave")


def test_the_packs_of_the_house_describe_their_ordinary_day() -> None:
    folders = sorted(Path(__file__).parents[2].joinpath("packs").glob("*/demo.yaml"))
    if not folders:
        pytest.skip("no pack has a demo.yaml yet")
    packs = read_packs([file.parent for file in folders])
    sensors = describe(packs, "ordinary")
    assert len({(one.thing, one.property) for one in sensors}) == len(sensors) > 0
