"""The flagger in rows of many series: late ones, gaps, neighbours, whatever comes together."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from zhiyin.kernel import HOUR, MINUTE
from zhiyin.lake import Columns, Flagger, Limits, flag_counts, flags_shown
from zhiyin.lake.flags import IN_TURN, MISSING, QualityTest, Verdict, aggregate, of_test
from zhiyin.lake.limits import Flat, Near, Season, Span, Steps

NAN = float("nan")
EVERY = MINUTE
ALL = Limits(
    Span(-50, 50), Span(-40, 40),
    (Season(tuple(range(1, 13)), tuple(range(12)), Span(-20, 20), Span(-45, 45)),),
    Steps(4, 8), Steps(0.05, 0.2), Flat(3 * EVERY, 6 * EVERY, 1.5), 3 * EVERY,
    Near(1500, 6, 3 * EVERY),
)  # fmt: skip
PLAIN = Limits(Span(-50, 50), gap=3 * EVERY)
SERIES = 5
LON = [114.26, 114.26, 114.26, 114.30, NAN]
LAT = [30.55, 30.551, 30.552, 30.55, NAN]


def flagger() -> Flagger:
    made = Flagger()
    made.add("a.p", ALL, np.arange(SERIES), LON, LAT)
    made.add("a.q", PLAIN, [SERIES])
    made.add("a.d", Limits(Span(-50, 50), ordered=False), [SERIES + 1])
    return made


def sorted_rows(rows: list[tuple[int, int, float]]) -> Columns:
    rows = sorted(rows, key=lambda one: one[:2])
    series, time, value = zip(*rows, strict=True)
    return Columns.of(series, np.array(time, np.int64) * (EVERY // 2), value)


class Plain:
    """The same tests, one row after the other, with lists."""

    def __init__(self) -> None:
        self.past: dict[int, list[tuple[int, float]]] = {}

    def neighbours(self, series: int) -> list[int]:
        near = {0: [1, 2], 1: [0, 2], 2: [0, 1]}
        return near.get(series, [])

    def message(self, rows: Columns) -> list[dict[str, str]]:
        """Judge one message: rows by series and time."""
        before = {series: list(past) for series, past in self.past.items()}
        listed = list(
            zip(rows.series.tolist(), rows.time.tolist(), rows.value.tolist(), strict=True)
        )
        return [self.row(series, time, value, before, listed) for series, time, value in listed]

    def row(
        self, series: int, time: int, value: float, before: dict[int, list[tuple[int, float]]],
        message: list[tuple[int, int, float]],
    ) -> dict[str, str]:  # fmt: skip
        said = {"gross": _worst(abs(value) > 40 and series < SERIES, abs(value) > 50)}
        if series < SERIES and (time // HOUR + 8) % 24 < 12:
            said["climatology"] = _worst(abs(value) > 20, abs(value) > 45)
        past = self.past.setdefault(series, [])
        if series > SERIES or (past and time <= past[-1][0]):
            return said
        if past:
            self.ordered(said, series, time, value, past)
        past.append((time, value))
        if series < SERIES:
            said["flat"] = _flat(past)
            values = [
                found for other in self.neighbours(series)
                if (found := _said(other, time, before, message)) is not None
            ]  # fmt: skip
            if values:
                said["neighbour"] = _worst(abs(value - float(np.median(values))) > 6, fail=False)
        return said

    def ordered(
        self, said: dict[str, str], series: int, time: int, value: float,
        past: list[tuple[int, float]],
    ) -> None:  # fmt: skip
        last_time, last = past[-1]
        said["gap"] = _worst(time - last_time > 3 * EVERY, fail=False)
        if series == SERIES:
            return
        rate = abs((value - last) / ((time - last_time) / 1000))
        said["rate"] = _worst(rate > 0.05, rate > 0.2)
        if len(past) > 1:
            height = abs(last - (past[-2][1] + value) / 2)
            said["spike"] = _worst(height > 4, height > 8)


def _worst(suspect: bool, fail: bool) -> str:
    return "fail" if fail else "suspect" if suspect else "pass"


def _flat(past: list[tuple[int, float]]) -> str:
    time, low = past[-1][0], past[-1][1]
    high, begin = low, time
    for (at, value), (after, _) in zip(past[-2::-1], past[:0:-1], strict=True):
        low, high = min(low, value), max(high, value)
        if high - low >= 1.5 or after - at > 3 * EVERY:
            break
        begin = at
    return _worst(time - begin >= 3 * EVERY, time - begin >= 6 * EVERY)


def _said(
    series: int, time: int, before: dict[int, list[tuple[int, float]]],
    message: list[tuple[int, int, float]],
) -> float | None:  # fmt: skip
    newest = before.get(series, [])[-1:]
    own = [(at, value) for of, at, value in message if of == series and at <= time]
    own = [one for one in own if not newest or one[0] > newest[0][0]] or newest
    return own[-1][1] if own and abs(own[-1][0] - time) <= 3 * EVERY else None


row = some.tuples(
    some.integers(0, SERIES + 1), some.integers(0, 60),
    some.integers(-120, 120).map(lambda n: n / 2),
)  # fmt: skip
quiet = some.tuples(some.integers(0, 2), some.integers(0, 60), some.sampled_from([0.0, 0.5, 1, 2]))
messages = some.lists(some.lists(row | quiet, min_size=1, max_size=25), min_size=1, max_size=8)


def as_sent(sent: list[list[tuple[int, int, float]]]) -> list[Columns]:
    """Return messages without repeated identities, as the lake admits them."""
    known: set[tuple[int, int]] = set()
    admitted = []
    for message in sent:
        kept = {one[:2]: one for one in reversed(message) if one[:2] not in known}
        known |= set(kept)
        if kept:
            admitted.append(sorted_rows(list(kept.values())))
    return admitted


@settings(max_examples=300, deadline=None)
@given(messages)
def test_says_what_the_plainest_program_says(sent: list[list[tuple[int, int, float]]]) -> None:
    ours, plain = flagger(), Plain()
    for rows in as_sent(sent):
        found = [flags_shown(int(one)) for one in ours.step(rows)]
        for one in found:
            del one["aggregate"]
        assert found == plain.message(rows)


@settings(max_examples=200, deadline=None)
@given(messages, some.integers(0, 8))
def test_does_not_depend_on_what_is_taken_together_nor_on_a_restart(
    sent: list[list[tuple[int, int, float]]], cut: int
) -> None:
    admitted, alone, together = as_sent(sent), flagger(), flagger()
    apart: dict[tuple[int, int], int] = {}
    for number, rows in enumerate(admitted):
        if number == cut:
            state = {key: array.copy() for key, array in alone.state().items()}
            alone = flagger()
            alone.restore(state)
        apart |= _by_identity(rows, alone.step(rows))
    joint: dict[tuple[int, int], int] = {}
    for group in _in_turn(admitted):
        parts = np.repeat(np.arange(len(group)), [len(rows) for rows in group])
        series = np.concatenate([rows.series for rows in group])
        time = np.concatenate([rows.time for rows in group])
        value = np.concatenate([rows.value for rows in group])
        order = np.lexsort((time, series))
        rows = Columns.of(series[order], time[order], value[order])
        joint |= _by_identity(rows, together.step(rows, parts[order]))
    assert joint == apart
    states = alone.state(), together.state()
    for name in ("time", "value", "before"):
        np.testing.assert_array_equal(states[0][name], states[1][name])


def _by_identity(rows: Columns, flags: Any) -> dict[tuple[int, int], int]:
    keys = zip(rows.series.tolist(), rows.time.tolist(), strict=True)
    return dict(zip(keys, flags.tolist(), strict=True))


def _in_turn(admitted: list[Columns]) -> list[list[Columns]]:
    """Join messages while no series has a row older than one in an earlier message."""
    groups: list[list[Columns]] = []
    newest: dict[int, int] = {}
    for rows in admitted:
        pairs = list(zip(rows.series.tolist(), rows.time.tolist(), strict=True))
        if not groups or any(time <= newest.get(series, -1) for series, time in pairs):
            groups.append([])
            newest = {}
        groups[-1].append(rows)
        for series, time in pairs:
            newest[series] = max(newest.get(series, -1), time)
    return groups


def test_a_late_row_is_judged_by_its_value_alone_and_changes_nothing() -> None:
    ours = flagger()
    ours.step(sorted_rows([(0, 10, 1.0)]))
    (late,) = ours.step(sorted_rows([(0, 8, 45.0)]))
    assert flags_shown(int(late)) == {
        "aggregate": "suspect", "gross": "suspect", "climatology": "suspect"
    }  # fmt: skip
    assert not late & IN_TURN
    (next_,) = ours.step(sorted_rows([(0, 12, 1.5)]))
    assert flags_shown(int(next_))["rate"] == "pass"


def test_defaults_are_range_and_gap() -> None:
    ours = flagger()
    flags = ours.step(sorted_rows([(SERIES, 0, 1.0), (SERIES, 6, 2.0), (SERIES, 13, 60.0)]))
    assert [flags_shown(int(one)) for one in flags] == [
        {"aggregate": "pass", "gross": "pass"},
        {"aggregate": "pass", "gross": "pass", "gap": "pass"},
        {"aggregate": "fail", "gross": "fail", "gap": "suspect"},
    ]
    assert flag_counts(flags) == {
        ("gross", "pass"): 2, ("gross", "fail"): 1, ("gap", "pass"): 1, ("gap", "suspect"): 1
    }  # fmt: skip


def test_no_number_is_missing_and_leaves_the_others_open() -> None:
    ours = flagger()
    flags = ours.step(sorted_rows([(0, 0, 1.0), (0, 2, NAN), (0, 4, 1.0)]))
    assert flags[1] == MISSING | IN_TURN
    assert aggregate(flags).tolist() == [Verdict.PASS, Verdict.MISSING, Verdict.PASS]
    for test in (QualityTest.RATE, QualityTest.SPIKE):
        assert (of_test(flags, test) == Verdict.NOT_EVALUATED).all()


def test_the_same_value_after_silence_is_no_flat_line() -> None:
    ours = flagger()
    flags = ours.step(sorted_rows([(0, 0, 1.0), (0, 40, 1.0), (0, 42, 1.0)]))
    assert (of_test(flags, QualityTest.FLAT) == Verdict.PASS).all()


def test_series_that_come_later_are_neighbours_too() -> None:
    ours = flagger()
    ours.step(sorted_rows([(0, 0, 1.0)]))
    ours.add("a.p", ALL, [9], [114.26], [30.5505])
    (flags,) = ours.step(sorted_rows([(9, 1, 30.0)]))
    assert flags_shown(int(flags))["neighbour"] == "suspect"
    assert len(ours) == 10


@pytest.mark.parametrize("codes", list(itertools.product(range(4), repeat=2)))
def test_the_worst_counts(codes: tuple[int, int]) -> None:
    flags = np.array([codes[0] << QualityTest.GROSS | codes[1] << QualityTest.GAP], np.int32)
    worst = [Verdict.NOT_EVALUATED, Verdict.PASS, Verdict.SUSPECT, Verdict.FAIL][max(codes)]
    assert aggregate(flags).tolist() == [worst]
    assert flags_shown(int(flags[0]))["aggregate"] == worst.key


def test_nothing_said_is_not_evaluated() -> None:
    assert flags_shown(None) == {"aggregate": "not_evaluated"}
