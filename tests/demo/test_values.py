"""The simulated day is a pure function of seed and time."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.demo.sensors import START, STORY, district
from zhiyin.kernel import DAY, HOUR, MINUTE
from zhiyin.server.district import value
from zhiyin.server.district.schedule import Message, Schedule, Trouble

SENSORS = district()
UNDERPASS = SENSORS[0]
END = START + 3 * HOUR


def taken(seed: int, steps: list[int]) -> list[Message]:
    schedule = Schedule(SENSORS, seed, START, Trouble(SENSORS, seed))
    out: list[Message] = []
    for step in [*sorted(steps), END]:
        out += schedule.take(min(step, END), 10**9)
    return out


def test_a_story_rises_holds_and_falls_within_its_heights() -> None:
    top = [value(UNDERPASS, 1, START + minute * MINUTE) for minute in range(50, 71)]
    before = [value(UNDERPASS, 1, START + minute * MINUTE) for minute in range(35)]
    after = [value(UNDERPASS, 1, START + minute * MINUTE) for minute in range(101, 120)]
    assert all(STORY.low - 0.03 < one < STORY.high + 0.03 for one in top)
    assert all(0 <= one < 0.03 for one in before + after)
    assert value(UNDERPASS, 1, START + 42 * MINUTE) < top[0]


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 10 * DAY // MINUTE))
def test_every_value_is_inside_the_range_of_its_property(seed: int, minute: int) -> None:
    readings = [(one, value(one, seed, START + minute * MINUTE)) for one in SENSORS]
    assert all((one.shape.floor or 0) <= read <= (one.shape.ceiling or 0) for one, read in readings)


def test_seeds_differ_and_repeat() -> None:
    times = range(START, END, MINUTE)
    one, again, other = ([value(SENSORS[1], seed, at) for at in times] for seed in (1, 1, 2))
    assert one == again
    assert one != other


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(START, END), max_size=30))
def test_the_messages_are_the_same_however_the_time_is_cut(steps: list[int]) -> None:
    whole = taken(3, [])
    assert taken(3, steps) == whole
    assert [one.due for one in whole] == sorted(one.due for one in whole)


def test_samples_stand_at_exact_multiples_of_their_interval() -> None:
    ordinary = [one for one in taken(3, []) if one.kind in {"ordinary", "late", "duplicate"}]
    every = {one.thing: one.every_ms for one in SENSORS}
    assert all(one.observations[0].time % every[one.thing] == 0 for one in ordinary)


def test_ordinary_life_has_every_trouble_and_the_story_has_none() -> None:
    schedule = Schedule(SENSORS, 5, START, Trouble(SENSORS, 5))
    messages = schedule.take(START + DAY, 10**9)
    kinds = {one.kind for one in messages}
    story = [one for one in messages if one.thing == "underpass" and one.kind == "ordinary"]
    hours = [one for one in messages if one.kind == "unknown"]
    assert kinds == {"ordinary", "duplicate", "late", "unknown", "mistyped", "outlying"}
    assert len(story) == DAY // MINUTE
    assert 23 <= len(hours) <= 25


def test_a_silent_device_says_nothing_for_a_while() -> None:
    schedule = Schedule(SENSORS, 5, START, Trouble(SENSORS, 5))
    said = [one for one in schedule.take(START + DAY, 10**9) if one.kind == "ordinary"]
    gaps = [
        later - earlier
        for thing in {one.thing for one in said}
        for times in [[one.due for one in said if one.thing == thing]]
        for earlier, later in pairwise(times)
    ]
    assert 10 * MINUTE < max(gaps) <= 40 * MINUTE
