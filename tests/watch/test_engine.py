"""The judge over columns says what the plain one says, whatever the batches and ticks."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.watch.reference import Reference, Told
from zhiyin.kernel import Quality
from zhiyin.lake import Columns
from zhiyin.watch.engine import Engine
from zhiyin.watch.model import Rule, Transition
from zhiyin.watch.series import SeriesTable

NAN = float("nan")
SERIES = [0, 2, 5]
RULES = [
    Rule(key="hold", pack="t", type="point", property="depth", hold_ms=3,
         floors=(NAN, 1.0, 2.0, 3.0, 4.0), clears=0.5),
    Rule(key="once", pack="t", type="point", property="depth",
         floors=(NAN, 1.0, NAN, 2.5, NAN), clears=1.25),
    Rule(key="low", pack="t", type="point", property="depth", hold_ms=2, direction="below",
         floors=(NAN, NAN, 1.0, 0.5, NAN), clears=0.25),
    Rule(key="quiet", pack="t", type="point", property="depth", kind="silent", hold_ms=4,
         floors=(NAN, 2.0, 6.0, NAN, 12.0)),
]  # fmt: skip

values = st.integers(0, 20).map(lambda n: n / 4)
rows = st.tuples(st.sampled_from(SERIES), st.integers(0, 60), values)
batch = st.lists(rows, min_size=1, max_size=20)
ticks = st.integers(0, 90)
calls = st.lists(st.one_of(batch, ticks), max_size=12)


def table_of(lateness: int = 0, since: int = 0) -> SeriesTable:
    table = SeriesTable()
    table.add_many(SERIES, "point", "depth", ["a", "b", "c"], lateness=lateness, since=since)
    return table


def columns(batch: list[tuple[int, int, float]]) -> Columns:
    return Columns.of(*zip(*batch, strict=True))


def plain(transitions: list[Transition]) -> list[Told]:
    """The changes as the plain judge tells them."""
    counts: dict[tuple[int, str], int] = {}
    told = []
    for t in transitions:
        key = (t.series, t.rule)
        told.append(
            (t.time, t.rule, t.series, t.kind, t.level, t.warning, t.value, t.since,
             counts.get(key, 0))
        )  # fmt: skip
        counts[key] = counts.get(key, 0) + 1
    return sorted(told, key=repr)


def played(engine: Engine, calls: list[Any]) -> list[Transition]:
    out: list[Transition] = []
    for position, call in enumerate(calls):
        if isinstance(call, int):
            out += engine.tick(call, position)
        else:
            out += engine.step(columns(call), position).transitions
    return out


@settings(max_examples=120, deadline=None)
@given(calls, st.sampled_from([0, 0, 5]), st.integers(0, 10), st.sampled_from([0, 4, 48]))
def test_columns_judge_as_one_by_one(calls: Any, lateness: Any, since: Any, few: Any) -> None:
    engine = Engine(RULES, table_of(lateness, since))
    for watched in engine.watched:
        for threshold in watched.thresholds:
            threshold.few = few
    reference = Reference(RULES, SERIES, lateness, since)
    out = []
    for position, call in enumerate(calls):
        if isinstance(call, int):
            out += engine.tick(call, position)
            reference.tick(call)
        else:
            judged = engine.step(columns(call), position)
            out += judged.transitions
            assert judged.late.tolist() == reference.step(call)
    assert plain(out) == sorted(reference.told(), key=repr)


@settings(max_examples=120, deadline=None)
@given(batch, st.randoms(use_true_random=False), st.lists(ticks, max_size=5))
def test_any_order_within_the_lateness_judges_the_same(
    batch: Any, random: Any, between: Any
) -> None:
    straight = Engine(RULES, table_of(lateness=100))
    expected = played(straight, [batch, 300])
    shuffled = list(batch)
    random.shuffle(shuffled)
    pieces: list[Any] = [[row] for row in shuffled]
    for tick in between:
        pieces.insert(random.randrange(len(pieces) + 1), tick)
    other = Engine(RULES, table_of(lateness=100))
    assert plain(played(other, [*pieces, 300])) == plain(expected)


@settings(max_examples=120, deadline=None)
@given(batch, st.lists(st.integers(0, 60), max_size=8))
def test_ticks_between_change_nothing(batch: Any, when: Any) -> None:
    batch = sorted(batch, key=lambda row: row[1])
    stream: list[Any] = [(row[1], 0, [row]) for row in batch] + [(tick, 1, tick) for tick in when]
    ordered = [call for _, _, call in sorted(stream, key=lambda item: item[:2])]
    with_ticks = played(Engine(RULES, table_of()), [*ordered, 100])
    without = played(Engine(RULES, table_of()), [batch, 100])
    assert plain(with_ticks) == plain(without)


def test_history_late_and_numbers_that_are_none_are_not_judged() -> None:
    engine = Engine(RULES, table_of())
    rows = Columns.of([0, 0, 2, 99], [1, 2, 3, 4], [5.0, 5.0, NAN, 5.0],
                      [Quality.HISTORY, Quality.LATE, Quality.GOOD, Quality.GOOD])  # fmt: skip
    judged = engine.step(rows, 1)
    assert judged.transitions == []
    assert not judged.late.any()


def test_a_warning_carries_its_evidence() -> None:
    table = table_of()
    engine = Engine(RULES[1:2], table)
    engine.step(columns([(0, t, 0.5) for t in range(10)]), 7)
    rows = columns([(0, 11, 2.5), (0, 12, 0.5), (0, 13, -1.0)])
    raised, fallen, cleared = engine.step(rows, 8).transitions
    assert (raised.kind, raised.level, raised.value, raised.time) == ("raised", 3, 2.5, 11)
    assert raised.evidence == {
        "rule": "once", "version": RULES[1].version, "level": 3, "floor": 2.5, "unit": "1",
        "values": [*([t, 0.5] for t in range(3, 10)), [11, 2.5]], "position": 8,
    }  # fmt: skip
    assert (fallen.kind, fallen.level, fallen.warning) == ("level", 1, raised.warning)
    assert fallen.evidence["exit"] == 1.25
    assert (cleared.kind, cleared.level, cleared.value) == ("cleared", 0, -1.0)


def test_times_too_far_apart_for_the_packed_key_sort_as_well() -> None:
    engine = Engine(RULES[1:2], table_of())
    far = 1 << 61
    rows = Columns.of([2, 0, 0, 2], [far, -far, 5, 1], [3.0, 3.0, 0.0, 0.0])
    out = engine.step(rows, 1).transitions
    assert [(t.series, t.time, t.kind) for t in out if t.kind != "level"] == [
        (0, -far, "raised"),
        (2, far, "raised"),
    ]


def test_series_may_be_added_while_running() -> None:
    table = SeriesTable()
    engine = Engine(RULES[1:2], table)
    assert engine.step(columns([(0, 1, 5.0)]), 1).transitions == []
    table.add(0, "point", "depth", "a")
    table.add_many(np.arange(1, 500), "point", "depth", [f"p{n}" for n in range(1, 500)])
    table.add(600, "point", "battery", "a")
    out = engine.step(columns([(0, 2, 5.0), (499, 2, 5.0), (600, 2, 5.0)]), 2).transitions
    assert [t.series for t in out] == [0, 499]
