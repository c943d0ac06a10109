"""A judge that was stopped and started goes on as if nothing had been."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.watch.test_engine import RULES, calls, columns, played, table_of
from zhiyin.watch import checkpoint
from zhiyin.watch.engine import Engine
from zhiyin.watch.memory import restore, state_of
from zhiyin.watch.series import SeriesTable


@settings(max_examples=100, deadline=None)
@given(calls, calls, st.sampled_from([0, 5]))
def test_a_restored_judge_goes_on_alike(before: Any, after: Any, lateness: Any) -> None:
    whole = Engine(RULES, table_of(lateness))
    played(whole, before)
    state = state_of(whole)
    second = played(whole, after)
    resumed = Engine(RULES, table_of(lateness, since=50))
    assert restore(resumed, state) == []
    assert repr(played(resumed, after)) == repr(second)


def raised_engine() -> Engine:
    engine = Engine(RULES, table_of())
    engine.step(columns([(0, 1, 5.0), (5, 2, 5.0)]), 3)
    engine.tick(5, 4)
    return engine


def test_a_changed_rule_clears_its_warnings_and_starts_afresh() -> None:
    state = state_of(raised_engine())
    changed = msgspec.structs.replace(RULES[1], clears=1.0, version="")
    resumed = Engine([RULES[0], changed], table_of())
    cleared = restore(resumed, state)
    assert {(t.rule, t.series, t.kind, t.evidence["why"]) for t in cleared} == {
        ("once", 0, "cleared", "rule changed"),
        ("once", 5, "cleared", "rule changed"),
        ("quiet", 0, "cleared", "rule removed"),
        ("quiet", 2, "cleared", "rule removed"),
    }
    again = resumed.step(columns([(0, 6, 5.0)]), 5).transitions
    assert ("once", "raised", changed.version) in {(t.rule, t.kind, t.version) for t in again}
    assert "hold" not in {t.rule for t in again if t.kind == "raised"}


def test_warnings_of_a_series_that_left_are_cleared() -> None:
    state = state_of(raised_engine())
    table = SeriesTable()
    table.add(0, "point", "depth", "a")
    cleared = restore(Engine(RULES, table), state)
    assert {(t.rule, t.series, t.evidence["why"]) for t in cleared} >= {
        ("hold", 5, "series gone"),
        ("once", 5, "series gone"),
    }
    assert all(t.series != 0 for t in cleared)


def test_series_that_came_since_start_empty() -> None:
    state = state_of(raised_engine())
    table = table_of()
    table.add(9, "point", "depth", "new", since=5)
    resumed = Engine(RULES, table)
    assert restore(resumed, state) == []
    out = resumed.step(columns([(9, 6, 1.5)]), 6).transitions
    assert [(t.rule, t.series, t.kind) for t in out] == [("once", 9, "raised")]


def test_a_state_of_another_format_is_refused() -> None:
    state = state_of(raised_engine())
    state["engine"][0] = 99
    with pytest.raises(ValueError, match="format 99"):
        restore(Engine(RULES, table_of()), state)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    path, state = tmp_path / "watch.state", state_of(raised_engine())
    assert checkpoint.load(path) is None
    checkpoint.save(path, state, 17)
    found = checkpoint.load(path)
    assert found is not None
    assert found.position == 17
    assert found.state.keys() == state.keys()
    assert all(np.array_equal(found.state[name], state[name], equal_nan=True) for name in state)


@pytest.mark.parametrize("damage", ["torn", "flipped", "empty", "gone"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, damage: str) -> None:
    path, state = tmp_path / "watch.state", state_of(raised_engine())
    checkpoint.save(path, state, 17)
    checkpoint.save(path, state, 18)
    content = path.read_bytes()
    flipped = content[:-50] + bytes([content[-50] ^ 1]) + content[-49:]
    path.write_bytes({"torn": content[:-9], "flipped": flipped, "empty": b"", "gone": b""}[damage])
    found = checkpoint.load(path)
    assert found is not None
    assert found.position == 17
