"""A short run of the fault harness: one brain, mixed kinds. `make faults` runs as many as asked."""

from pathlib import Path

import pytest

from tests.faults.__main__ import parser, run
from tests.faults.reference import MINUTE, Observation, Told, opens, warnings

pytestmark = pytest.mark.slow


@pytest.mark.timeout(280)
def test_trials_of_mixed_kinds_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    # The order of seed 7 has kinds of every sort; slow machines begin fewer trials.
    chosen = parser().parse_args(
        ["--trials", "8", "--seed", "7", "--size", "0.5", "--seconds", "60",
         "--folder", str(tmp_path)]
    )  # fmt: skip
    results = run(chosen)
    assert results
    assert [r.line() for r in results if r.violations] == []
    assert sum(r.observations for r in results) > 1000 * len(results)
    assert all(r.warnings and r.cases for r in results)


def _rows(*values: float) -> list[Observation]:
    return [Observation("g", "depth", n * MINUTE, value) for n, value in enumerate(values)]


def test_the_reference_holds_levels_and_leaves_them_late() -> None:
    told = warnings(_rows(0.0, 0.3, 0.3, 0.3, 0.23, 0.21, 0.1), {}, 60 * MINUTE)
    changes = (("raised", 3, 3 * MINUTE), ("level", 2, 5 * MINUTE), ("cleared", 0, 6 * MINUTE))
    assert told == [Told("gauge_depth", "g", 3 * MINUTE, changes)]
    assert opens(told[0])


def test_the_reference_lets_a_splash_pass_and_time_ripen_the_last_reading() -> None:
    assert warnings(_rows(0.0, 0.5, 0.0), {}, 60 * MINUTE) == []
    told = warnings(_rows(0.0, 0.2), {}, 60 * MINUTE)
    assert told == [Told("gauge_depth", "g", 3 * MINUTE, (("raised", 2, 3 * MINUTE),))]
