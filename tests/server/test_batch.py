"""Joined messages are judged as if they had come one by one."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from zhiyin import cloud, lake, watch
from zhiyin.kernel import Words
from zhiyin.lake import Columns
from zhiyin.network import Series
from zhiyin.server.batch import TICK, Batch, Read, joined, runs
from zhiyin.watch.model import Rule

NAN = float("nan")
SERIES = [
    Series(
        index=n, thing=f"t{n}", property="p", type="point", unit="m", floor=-10.0, ceiling=10.0,
        every=60_000, since=0, lateness=0,
    )
    for n in range(5)
]  # fmt: skip


def rule(key: str, kind: Any, hold: int, floors: Any) -> Rule:
    return Rule(
        key=key, pack="test", type="point", property="p", kind=kind, floors=floors, clears=0.2,
        hold_ms=hold, says=Words("", ""),
    )  # fmt: skip


RULES = [
    rule("now", "threshold", 0, (NAN, 1.0, NAN, 2.0, 3.0)),
    rule("held", "threshold", 3, (NAN, 1.0, NAN, 2.0, NAN)),
    rule("silent", "silent", 5, (NAN, 5.0, NAN, NAN, 12.0)),
]


def message(position: int, columns: Columns) -> Read:
    return Read(cloud.Message(position, "observations.batch", {}, b"", 0), columns, 0, "test")


row = some.tuples(
    some.integers(0, 4), some.integers(0, 6), some.sampled_from([0.0, 0.9, 1.0, 2.5, 3.5])
)
messages = some.lists(some.lists(row, min_size=1, max_size=12), min_size=2, max_size=6)


def parts_of(sent: list[list[tuple[int, int, float]]]) -> list[Read]:
    """Later messages tend to be about later times, as in life; sometimes they are not."""
    return [
        message(
            n + 1,
            Columns.of([r[0] for r in rows], [4 * n + r[1] for r in rows], [r[2] for r in rows]),
        )
        for n, rows in enumerate(sent)
    ]


def judged(batches: list[Batch]) -> tuple[list[object], dict[str, np.ndarray], list[list[bool]]]:
    judge, live = watch.Judge(RULES, []), lake.LiveState(5)
    judge.sync(SERIES)
    changes: list[object] = list(judge.tick(0, 0))
    late: list[list[bool]] = []
    for batch in batches:
        admission = live.admit(batch.rows, lambda rows: np.full(len(rows), np.nan))
        new = batch.take(admission.new)
        if len(new.rows):
            outcome = judge.step(new.rows, new.positions)
            changes += outcome.transitions
            late.append(sorted(outcome.late.tolist()))
    changes += judge.tick(60, 99)
    state = {**judge.state(), **{f"live.{key}": value for key, value in live.state().items()}}
    return sorted(changes, key=repr), state, late


@settings(max_examples=400, deadline=None)
@given(messages)
def test_joined_is_as_one_by_one(sent: list[list[tuple[int, int, float]]]) -> None:
    parts = parts_of(sent)
    whole = joined(parts)
    if not whole.in_turn:
        return
    together, state, _ = judged([whole])
    alone, expected, _ = judged([joined([one]) for one in parts])
    assert together == alone
    for key, value in expected.items():
        if not key.startswith("live._"):
            np.testing.assert_array_equal(state[key], value, key)


def test_a_row_out_of_turn_is_seen() -> None:
    first = message(1, Columns.of([0, 1], [10, 10], [0.0, 0.0]))
    assert joined([first, message(2, Columns.of([1], [10], [0.0]))]).in_turn
    assert not joined([first, message(2, Columns.of([1], [9], [0.0]))]).in_turn


def test_a_tick_stands_alone() -> None:
    def said(position: int, subject: str, size: int = 10) -> cloud.Message:
        return cloud.Message(position, subject, {}, bytes(size), 0)

    stream = [
        said(1, "observations.batch"), said(2, "observations.mqtt"), said(3, TICK), said(4, TICK),
        said(5, "observations.batch", 5_000_000), said(6, "observations.batch", 5_000_000),
    ]  # fmt: skip
    assert [[one.seq for one in run] for run in runs(stream)] == [[1, 2], [3], [4], [5], [6]]
