"""The lake over HTTP: history, aggregates and latest values of what came in."""

import time
from typing import Any

import httpx
import pytest

from tests.brains import RunningBrain, until
from tests.rooms import figure, new_device, reading, stored
from zhiyin.kernel import DAY, HOUR, MINUTE, iso, parse_time


def days_ago(days: int) -> int:
    """Return midnight in the district so many days ago (UTC ms)."""
    now = time.time_ns() // 1_000_000
    return (now + 8 * HOUR) // DAY * DAY - 8 * HOUR - days * DAY


def test_a_span_is_from_its_start_to_before_its_end(brain: RunningBrain) -> None:
    thing, t = new_device(brain), days_ago(2)
    brain.post("/observations", [reading(thing, t + n * MINUTE, n / 10) for n in range(5)])
    span: dict[str, Any] = {"from": iso(t + MINUTE), "to": iso(t + 3 * MINUTE)}
    assert [row["value"] for row in stored(brain, thing, 2, **span)] == [0.1, 0.2]
    assert stored(brain, thing, 1, **{**span, "limit": 1})[0]["time"] == iso(t + MINUTE)


def test_times_may_be_said_in_any_zone(brain: RunningBrain) -> None:
    thing, t = new_device(brain), days_ago(2)
    brain.post("/observations", reading(thing, t, 0.1))
    local = iso(t + 8 * HOUR).removesuffix("Z")
    for start in (iso(t), f"{local}+08:00", local, local.replace("T", " ")):
        assert len(stored(brain, thing, 1, **{"from": start, "to": iso(t + 1)})) == 1


def test_aggregates_follow_the_day_of_the_district(brain: RunningBrain) -> None:
    thing, t = new_device(brain), days_ago(3)
    times = [t - 1, t, t + 9 * MINUTE, t + 10 * MINUTE, t + 59 * MINUTE, t + DAY]
    brain.post("/observations", [reading(thing, at, n) for n, at in enumerate(times[:5])])
    brain.post("/observations", reading(thing, times[5], 5))
    span = {"from": iso(t - HOUR), "to": iso(t + 2 * DAY)}
    stored(brain, thing, 6, **span)
    path = f"/series/{thing}/depth/aggregates"
    days = brain.get(path, every="1d", **span)
    assert [(row["time"], row["count"]) for row in days] == [
        (iso(t - DAY), 1), (iso(t), 4), (iso(t + DAY), 1)
    ]  # fmt: skip
    assert sum(days[1].pop("flags").values()) == 4
    assert days[1] == {"time": iso(t), "count": 4, "min": 1, "mean": 2.5, "max": 4, "sum": 10}
    hours = brain.get(path, every="1h", **span)
    assert [row["count"] for row in hours] == [1, 4, 1]
    tens = brain.get(path, every="10min", **span)
    assert [row["time"] for row in tens] == [
        iso(t - 10 * MINUTE), iso(t), iso(t + 10 * MINUTE), iso(t + 50 * MINUTE), iso(t + DAY)
    ]  # fmt: skip


def test_latest_is_the_newest_by_its_own_time_and_a_late_row_still_goes_in(
    brain: RunningBrain,
) -> None:
    thing, t = new_device(brain), days_ago(1)
    brain.post("/observations", reading(thing, t + 10 * MINUTE, 0.2))
    brain.post("/observations", reading(thing, t, 0.1))
    span = {"from": iso(t), "to": iso(t + HOUR)}
    rows = stored(brain, thing, 2, **span)
    assert [(row["value"], row["quality"]) for row in rows] == [(0.1, 1), (0.2, 0)]

    def latest() -> list[dict[str, object]]:
        return [row for row in brain.get("/latest", thing=thing) if row["property"] == "depth"]

    (row,) = until(latest)
    assert (row["value"], row["time"]) == (0.2, iso(t + 10 * MINUTE))


def test_an_unknown_series_is_empty(brain: RunningBrain) -> None:
    assert brain.get("/series/nobody/depth/observations") == []
    assert brain.get("/series/nobody/depth/aggregates") == []


@pytest.mark.parametrize("said", ["noon", "2026-13-01", "0001-01-01T00:00:00+08:00", "99999"])
def test_a_span_that_is_no_time_is_refused(brain: RunningBrain, said: Any) -> None:
    answer = httpx.get(
        f"{brain.api}/series/a/depth/observations", params={"from": said}, trust_env=False
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "lake-020")
    assert "RFC 3339" in answer.json()["title"]


def test_the_widest_span_is_answered(brain: RunningBrain) -> None:
    span = {"from": "1970-01-01T00:00:00Z", "to": "9999-12-31T00:00:00Z"}
    assert brain.get("/series/nobody/depth/observations", **span) == []
    assert parse_time("1970-01-01T00:00:00Z") == 0


def test_duplicates_older_than_memory_are_known_from_the_table(brain: RunningBrain) -> None:
    thing, t = new_device(brain), days_ago(2)
    rows = [reading(thing, t + n * MINUTE, n / 100) for n in range(20)]
    brain.post("/observations", rows)
    span = {"from": iso(t), "to": iso(t + HOUR)}
    stored(brain, thing, 20, **span)
    again = [*rows[:3], reading(thing, t + HOUR - 1, 1.0), reading(thing, t + MINUTE, 2.0)]
    brain.post("/observations", again)
    found = stored(brain, thing, 21, **span)
    assert len(found) == 21
    assert [row["value"] for row in found[:3]] == [0.0, 0.01, 0.02]
    page = until(lambda: brain.get("/quarantine", thing=thing, reason="contradiction")["items"])
    assert [item["raw"]["value"] for item in page] == [2.0]


def test_every_observation_is_flagged_and_none_is_left_out(brain: RunningBrain) -> None:
    """A depth that leaps up and down again; the limits are those of the pack."""
    thing, t = new_device(brain), days_ago(2)
    depths = [0.1, 0.12, 1.2, 0.13, 0.12, 2.5]
    before = httpx.get(f"{brain.url}/metrics", trust_env=False).text
    brain.post("/observations", [reading(thing, t + n * MINUTE, d) for n, d in enumerate(depths)])
    span = {"from": iso(t), "to": iso(t + HOUR)}
    rows = stored(brain, thing, 6, **span)
    assert [row["value"] for row in rows] == depths
    assert rows[0]["flags"] == {"aggregate": "pass", "gross": "pass"}
    assert rows[2]["flags"] == {
        "aggregate": "fail", "gross": "pass", "spike": "fail", "rate": "fail", "gap": "pass"
    }  # fmt: skip
    assert rows[4]["flags"]["aggregate"] == "fail"  # 2.5 m after it make it one, so far
    assert rows[5]["flags"]["gross"] == "suspect"
    assert "spike" not in rows[5]["flags"]
    path = f"/series/{thing}/depth/aggregates"
    (every,) = brain.get(path, every="1h", **span)
    (good,) = brain.get(path, every="1h", good=True, **span)
    assert (every["count"], good["count"], good["max"]) == (6, 2, 0.12)
    assert every["flags"] == good["flags"] == {"pass": 1, "suspect": 1, "fail": 4}

    def counted() -> bool:
        after = httpx.get(f"{brain.url}/metrics", trust_env=False).text
        name, labels = "zhiyin_quality_flags_total", {"test": "rate", "flag": "fail"}
        return figure(after, name, **labels) >= figure(before, name, **labels) + 3

    until(counted)
