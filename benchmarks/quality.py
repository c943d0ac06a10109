"""The quality tests alone, over columns of 100,000 series: CPU µs an observation."""

import time

import numpy as np

from zhiyin.kernel import MINUTE
from zhiyin.lake import Columns, Flagger, Limits
from zhiyin.lake.limits import Flat, Near, Season, Span, Steps

SERIES, ROUNDS = 100_000, 8
START = 1_780_000_000_000
GAP = 3 * MINUTE
SEASON = Season(tuple(range(1, 13)), tuple(range(24)), Span(-50, 50))
DEFAULT = Limits(Span(-100, 100), gap=GAP)
KINDS = {
    "default: gross, gap": DEFAULT,
    "and suspect": DEFAULT._replace(suspect=Span(-90, 90)),
    "and climatology": DEFAULT._replace(climatology=(SEASON,)),
    "and spike": DEFAULT._replace(spike=Steps(1, 2)),
    "and rate": DEFAULT._replace(rate=Steps(1, 2)),
    "and flat, of lively values": DEFAULT._replace(flat=Flat(30 * MINUTE, 60 * MINUTE, 0.01)),
    "and flat, of still values": DEFAULT._replace(flat=Flat(30 * MINUTE, 60 * MINUTE, 1)),
    "and neighbour, 8 each": DEFAULT._replace(near=Near(500, 1, GAP)),
    "all": Limits(
        Span(-100, 100), Span(-90, 90), (SEASON,), Steps(1, 2), Steps(1, 2),
        Flat(30 * MINUTE, 60 * MINUTE, 0.1), GAP, Near(500, 1, GAP),
    ),
}  # fmt: skip


def cost(limits: Limits, batch: int) -> float:
    """Return CPU µs an observation, the least of some batches of so many series."""
    random, flagger = np.random.default_rng(1), Flagger()
    lon, lat = random.uniform(114.0, 114.3, SERIES), random.uniform(30.4, 30.7, SERIES)
    flagger.add("bench.p", limits, np.arange(SERIES), lon, lat)
    walk = np.cumsum(random.normal(0, 0.1, (ROUNDS, SERIES)), axis=0)
    took = []
    for number, values in enumerate(walk):
        series = np.sort(random.choice(SERIES, batch, replace=False))
        rows = Columns.of(series, np.full(batch, START + number * MINUTE), values[series])
        begun = time.process_time()
        flagger.step(rows, np.zeros(batch, np.int64))
        took.append(time.process_time() - begun)
    return min(took[1:]) / batch * 1e6


def main() -> None:
    for name, limits in KINDS.items():
        costs = [f"{cost(limits, batch):6.3f} µs ×{batch}" for batch in (50_000, 2_000)]
        print(f"{name:28}", *costs)


if __name__ == "__main__":
    main()
