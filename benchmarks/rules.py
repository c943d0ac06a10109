"""Rules over columns: microseconds per observation for 100,000 series and 20 rules.

Beside it the same rules as a loop in Python, one observation after the other. The loop is spared
what the engine also does: order in time, lateness, repeats, evidence, ids of warnings.
"""

import time
from collections.abc import Iterable
from statistics import median
from typing import Any

import numpy as np

from zhiyin.lake import Columns
from zhiyin.watch.engine import Engine
from zhiyin.watch.model import Rule
from zhiyin.watch.series import SeriesTable

SERIES = 100_000
SIZES = (20_000, 1_000)  # observations a batch
NAN = float("nan")


def rules(kinds: int, each: int) -> list[Rule]:
    """Return `each` rules for each of `kinds` properties; half hold for two minutes."""
    return [
        Rule(
            key=f"r{kind}_{n}",
            pack="bench",
            type="point",
            property=f"p{kind}",
            floors=(NAN, 3.0 + n / 100, 3.5 + n / 100, 4.0 + n / 100, 4.5 + n / 100),
            clears=0.2,
            hold_ms=120_000 * (n % 2),
        )
        for kind in range(kinds)
        for n in range(each)
    ]


def table_of(kinds: int) -> SeriesTable:
    """Return 100,000 series spread evenly over the properties."""
    table = SeriesTable()
    for kind in range(kinds):
        series = np.arange(kind, SERIES, kinds)
        table.add_many(series, "point", f"p{kind}", [f"t{n}" for n in series])
    return table


# mean of the noise (deviation 1; the lowest floor is 3): how often a value stands above a floor
MOODS = {"quiet": -2.0, "restless": 0.0, "storm": 1.0}


def batches(size: int, count: int, mood: str) -> list[Columns]:
    """Return batches of noise, one second of event time each."""
    random = np.random.default_rng(1)
    return [
        Columns.of(
            random.integers(0, SERIES, size),
            1_000_000 + number * 1000 + random.integers(0, 1000, size),
            random.normal(MOODS[mood], 1.0, size),
        )
        for number in range(count)
    ]


def columns(kinds: int, each: int, size: int, mood: str) -> dict[str, float]:
    """Return µs per observation and changes per thousand, of steps with a tick after each.

    The times are medians over the batches: the machine may have other work.
    """
    engine = Engine(rules(kinds, each), table_of(kinds))
    engine.tick(0, 0)
    work = batches(size, max(25, 105_000 // size), mood)
    warm, work = work[:5], work[5:]
    changes = 0
    for rows in warm:
        engine.step(rows, 0)
    spent, ticking = [], []
    for number, rows in enumerate(work):
        start = time.perf_counter()
        changes += len(engine.step(rows, number).transitions)
        middle = time.perf_counter()
        changes += len(engine.tick(1_000_000 + (number + 6) * 1000, number))
        spent.append(middle - start)
        ticking.append(time.perf_counter() - middle)
    return {
        "us_per_observation": round(median(spent) / size * 1e6, 3),
        "tick_ms": round(median(ticking) * 1e3, 3),
        "changes_per_1000": round(changes / (size * len(work)) * 1e3, 2),
    }


def loop(kinds: int, each: int, size: int, mood: str) -> float:
    """Return µs per observation of a plain loop: only the level of each rule."""
    by_kind: dict[int, list[tuple[Any, ...]]] = {}
    for rule in rules(kinds, each):
        floors = list(enumerate(rule.floors[1:], 1))
        by_kind.setdefault(int(rule.property[1:]), []).append((rule, floors))
    state: dict[tuple[str, int], list[Any]] = {}
    rows = batches(size, 1, mood)[0]
    start = time.perf_counter()
    for series, moment, value in zip(
        rows.series.tolist(), rows.time.tolist(), rows.value.tolist(), strict=True
    ):
        for rule, floors in by_kind[series % kinds]:
            mine = state.setdefault((rule.key, series), [0, {}])
            reached = 0
            for level, floor in floors:
                if value >= floor:
                    since = mine[1].setdefault(level, moment)
                    if moment - since >= rule.hold_ms:
                        reached = level
                else:
                    mine[1].pop(level, None)
            while mine[0] > reached and value < rule.floors[mine[0]] - rule.clears:
                mine[0] -= 1
            mine[0] = max(mine[0], reached)
    return round((time.perf_counter() - start) / size * 1e6, 3)


def main(moods: Iterable[str] = tuple(MOODS)) -> dict[str, Any]:
    """Return the measurements by name."""
    results: dict[str, Any] = {}
    for kinds, each in ((5, 4), (1, 20)):
        for mood in moods:
            name = f"{each} of 20 rules per series, {mood}"
            for size in SIZES:
                results[f"{name}, batch {size}"] = columns(kinds, each, size, mood)
            results[f"{name}, python loop"] = {
                "us_per_observation": loop(kinds, each, 20_000, mood)
            }
    return results


if __name__ == "__main__":
    for title, figures in main().items():
        print(f"{title:55} {figures}")
