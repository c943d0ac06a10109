"""Live state against the plainest thing that could say the same: a dictionary."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from zhiyin.lake import NEVER, Columns, LiveState
from zhiyin.lake.live import RING

SERIES = 4
row = some.tuples(
    some.integers(0, SERIES - 1), some.integers(0, 40), some.sampled_from([0.0, 1.0, 2.0])
)
batches = some.lists(some.lists(row, min_size=1, max_size=30), min_size=1, max_size=12)


class Table:
    """Everything ever admitted; asked for what is older than memory."""

    def __init__(self) -> None:
        self.value: dict[tuple[int, int], float] = {}
        self.asked: list[tuple[int, int]] = []

    def look_up(self, rows: Columns) -> np.ndarray:
        keys = list(zip(rows.series.tolist(), rows.time.tolist(), strict=True))
        self.asked += keys
        return np.array([self.value.get(key, np.nan) for key in keys])


def ordered(rows: list[tuple[int, int, float]]) -> Columns:
    series, time, value = zip(*sorted(rows, key=lambda one: one[:2]), strict=True)
    return Columns.of(series, time, value)


@settings(max_examples=300, deadline=None)
@given(batches)
def test_admits_each_identity_once_and_knows_contradictions(
    sent: list[list[tuple[int, int, float]]],
) -> None:
    live, table = LiveState(SERIES), Table()
    for rows in sent:
        columns = ordered(rows)
        admission = live.admit(columns, table.look_up)
        fates = zip(admission.new, admission.duplicate, admission.conflict, strict=True)
        rows_ = zip(columns.series.tolist(), columns.time.tolist(), columns.value, strict=True)
        for (series, time, value), fate in zip(rows_, fates, strict=True):
            there = (series, time) in table.value
            known = table.value.setdefault((series, time), value)
            assert fate == (not there, there and known == value, there and known != value)
        for series in range(SERIES):
            times = [time for one, time in table.value if one == series]
            newest = max(times, default=NEVER)
            assert live.time[series] == newest
            if times:
                assert live.value[series] == table.value[series, newest]


@settings(max_examples=200, deadline=None)
@given(batches)
def test_asks_the_table_only_about_what_is_older_than_memory(
    sent: list[list[tuple[int, int, float]]],
) -> None:
    live, table = LiveState(SERIES), Table()
    for rows in sent:
        columns = ordered(rows)
        before = dict(table.value)
        table.asked.clear()
        admission = live.admit(columns, table.look_up)
        new = columns.take(admission.new)
        for series, time in table.asked:
            assert sum(one == series for one, _ in before) >= RING, time
        for series, time, value in zip(
            new.series.tolist(), new.time.tolist(), new.value.tolist(), strict=True
        ):
            assert (series, time) not in before
            table.value[series, time] = value


def test_grows_without_forgetting() -> None:
    live = LiveState(1)
    live.admit(Columns.of([0], [5], [1.0]), lambda rows: np.full(len(rows), np.nan))
    live.grow(100)
    again = live.admit(Columns.of([0, 99], [5, 5], [1.0, 2.0]), lambda rows: np.zeros(len(rows)))
    assert again.duplicate.tolist() == [True, False]
    assert live.value[99] == 2.0
