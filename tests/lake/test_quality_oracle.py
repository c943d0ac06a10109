"""Flags of real series, fed in random batches, beside those of ioos_qc, which sees a whole series.

Ours leave open what theirs passes for want of a value before it: the first of a series has no rate.
"""

import gzip
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray

from tests.shared_data import shared
from zhiyin.kernel import HOUR, MINUTE
from zhiyin.lake import Columns, Flagger, Limits
from zhiyin.lake.flags import IN_TURN, QualityTest, Verdict, of_test
from zhiyin.lake.limits import INFINITE, Flat, Season, Span, Steps

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ioos_qc import qartod

MONTHS, HOURS = tuple(range(1, 13)), tuple(range(24))


class Real(NamedTuple):
    """One real series: UTC ms and values, without gaps in `even` ones."""

    name: str
    time: NDArray[np.int64]
    value: NDArray[np.float64]

    @property
    def stamps(self) -> NDArray[Any]:
        return self.time.astype("M8[ms]").astype("M8[ns]")

    @property
    def every(self) -> int:
        return int(np.median(np.diff(self.time)))

    @property
    def even(self) -> "Real":
        """Return the longest stretch in which every value came when it was due."""
        cut = np.flatnonzero(np.append(True, np.diff(self.time) != self.every))
        size = np.diff(np.append(cut, len(self.time)))
        start = int(cut[size.argmax()])
        part = slice(start, start + int(size.max()))
        return Real(self.name, self.time[part], self.value[part])

    def quantile(self, at: float, of: NDArray[np.float64] | None = None) -> float:
        return float(np.quantile(self.value if of is None else of, at))


def _real(name: str, time: pd.Series, value: pd.Series) -> Real:
    millis = pd.to_datetime(time).to_numpy().astype("M8[ms]").astype(np.int64)
    number = pd.to_numeric(value, errors="coerce").to_numpy(np.float64)
    rows = pd.DataFrame({"t": millis, "v": number}).dropna().drop_duplicates("t").sort_values("t")
    return Real(name, rows.t.to_numpy(), rows.v.to_numpy())


def _nab(folder: Path) -> Iterable[Real]:
    for file in sorted((folder / "data").glob("real[AK]*/*.csv")):
        rows = pd.read_csv(file)
        yield _real(file.stem, rows.timestamp, rows.value)


def _beijing(folder: Path) -> Iterable[Real]:
    for file in sorted(folder.glob("*.csv.gz")):
        with gzip.open(file) as opened:
            rows = pd.read_csv(opened, nrows=8000)
        time = pd.to_datetime(rows[["year", "month", "day", "hour"]])
        for name in ("PM2.5", "O3", "CO", "TEMP", "PRES"):
            yield _real(f"{file.stem} {name}", time, rows[name])


def _wuhan(folder: Path) -> Iterable[Real]:
    rows = pd.read_csv(folder / "wuhan.csv", dtype={"Date": str, "Hour": str})
    for station, own in rows.groupby("WatchPoint"):
        time = pd.to_datetime(own.Date + own.Hour.str.zfill(2), format="%Y%m%d%H", errors="coerce")
        for name in ("PM2.5", "NO2"):
            yield _real(f"{station} {name}", time, own[name])


SETS = {
    "nab": _nab, "beijing-multisite-uci": _beijing, "wuhan-air-hourly-stations-2020": _wuhan,
}  # fmt: skip


@pytest.fixture(scope="module", params=SETS)
def series(request: pytest.FixtureRequest) -> list[Real]:
    found = [one for one in SETS[request.param](shared(request.param)) if len(one.time) > 50]
    assert len(found) >= 15
    return found


def flags_of(every: list[Real], limits: list[Limits], seed: int = 7) -> list[NDArray[np.int32]]:
    """Feed all series side by side, each a random number of rows at a time."""
    random, flagger = np.random.default_rng(seed), Flagger()
    for index, one in enumerate(limits):
        flagger.add(f"real.p{index}", one, [index])
    at = [0] * len(every)
    told: list[list[NDArray[np.int32]]] = [[] for _ in every]
    while any(start < len(one.time) for start, one in zip(at, every, strict=True)):
        most = int(random.choice([1, 3, 50, 4000]))
        parts = [slice(start, start + int(random.integers(0, most + 1))) for start in at]
        parts = [
            slice(*part.indices(len(one.time))) for part, one in zip(parts, every, strict=True)
        ]
        sizes = [part.stop - part.start for part in parts]
        rows = Columns.of(
            np.repeat(np.arange(len(every)), sizes),
            np.concatenate([one.time[part] for one, part in zip(every, parts, strict=True)]),
            np.concatenate([one.value[part] for one, part in zip(every, parts, strict=True)]),
        )
        for own, flags in zip(
            told, np.split(flagger.step(rows), np.cumsum(sizes)[:-1]), strict=True
        ):
            own.append(flags)
        at = [part.stop for part in parts]
    return [np.concatenate(own) for own in told]


def verdicts(flags: NDArray[np.int32], test: QualityTest) -> NDArray[np.uint8]:
    assert (flags & IN_TURN != 0).all()
    return of_test(flags, test)


def differing(every: list[Real], counts: list[int]) -> None:
    assert sum(counts) == 0, dict(zip([one.name for one in every], counts, strict=True))


def test_gross_range(series: list[Real]) -> None:
    spans = [
        (Span(one.quantile(0.01), one.quantile(0.99)), Span(one.quantile(0.1), one.quantile(0.9)))
        for one in series
    ]
    ours = flags_of(series, [Limits(gross, suspect) for gross, suspect in spans])
    different, failed = [], 0
    for one, flags, (gross, suspect) in zip(series, ours, spans, strict=True):
        theirs = qartod.gross_range_test(one.value, gross, suspect)
        different.append(int((theirs != verdicts(flags, QualityTest.GROSS)).sum()))
        failed += int((theirs == Verdict.FAIL).sum())
    differing(series, different)
    assert failed > len(series) // 2


@pytest.mark.parametrize("period", ["month", "hour"])
def test_climatology(series: list[Real], period: str) -> None:
    declared = []
    for one in series:
        inner = Span(one.quantile(0.1), one.quantile(0.9))
        outer = Span(one.quantile(0.02), one.quantile(0.98))
        first, second = (2, 5), (5, 9)  # they share one: the later counts
        as_ours = tuple(
            Season(
                tuple(range(low, high + 1)) if period == "month" else MONTHS,
                tuple(range(low, high + 1)) if period == "hour" else HOURS,
                inner, fail,
            )
            for (low, high), fail in ((first, Span()), (second, outer))
        )  # fmt: skip
        as_theirs = [
            {"tspan": first, "vspan": inner, "period": period},
            {"tspan": second, "vspan": inner, "fspan": outer, "period": period},
        ]
        declared.append((as_ours, as_theirs))
    ours = flags_of(series, [Limits(Span(), climatology=own) for own, _ in declared])
    different, suspected = [], 0
    for one, flags, (_, seasons) in zip(series, ours, declared, strict=True):
        local = one.stamps + np.timedelta64(8, "h")  # ours go by the district's day
        theirs = qartod.climatology_test(seasons, one.value, local, np.full(len(local), np.nan))
        different.append(int((theirs != verdicts(flags, QualityTest.CLIMATOLOGY)).sum()))
        suspected += int((theirs == Verdict.SUSPECT).sum())
    differing(series, different)
    assert suspected > len(series) // 2


def test_spike(series: list[Real]) -> None:
    """Of the middle of three, as theirs; its verdict comes with the row that follows."""
    steps = [
        Steps(one.quantile(0.95, jump), one.quantile(0.995, jump))
        for one in series
        for jump in [np.abs(one.value[1:-1] - (one.value[:-2] + one.value[2:]) / 2)]
    ]
    ours = flags_of(series, [Limits(Span(), spike=one) for one in steps])
    different, failed = [], 0
    for one, flags, step in zip(series, ours, steps, strict=True):
        theirs = qartod.spike_test(one.value, step.suspect, step.fail)
        moved = np.append(verdicts(flags, QualityTest.SPIKE)[1:], Verdict.NOT_EVALUATED)
        different.append(int((theirs != moved).sum()))
        failed += int((theirs == Verdict.FAIL).sum())
    differing(series, different)
    assert failed > len(series) // 2


def test_rate_of_change(series: list[Real]) -> None:
    steps = [
        Steps(one.quantile(0.95, rate), one.quantile(0.995, rate))
        for one in series
        for rate in [np.abs(np.diff(one.value) / (np.diff(one.time) / 1000))]
    ]
    ours = flags_of(series, [Limits(Span(), rate=one) for one in steps])
    different, failed = [], 0
    for one, flags, step in zip(series, ours, steps, strict=True):
        theirs = qartod.rate_of_change_test(one.value, one.stamps, step.suspect, step.fail)
        found = verdicts(flags, QualityTest.RATE)
        assert found[0] == Verdict.NOT_EVALUATED
        different.append(int((theirs[1:] != found[1:]).sum()))
        failed += int((theirs == Verdict.FAIL).sum())
    differing(series, different)
    assert failed > len(series) // 2


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_flat_line(series: list[Real], share: float) -> None:
    """A tolerance of 0 (ours: no change at all) and of a share of the usual span of values."""
    even = [one.even for one in series]
    limits = []
    for one in even:
        width = share * (one.quantile(0.9) - one.quantile(0.1))
        limits.append(Flat(3 * one.every, 6 * one.every, width))
    ours = flags_of(even, [Limits(Span(), flat=one) for one in limits])
    different, flat = [], 0
    for one, flags, limit in zip(even, ours, limits, strict=True):
        tolerance = limit.tolerance or np.finfo(float).smallest_subnormal
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = qartod.flat_line_test(
                one.value, one.stamps, limit.suspect // 1000, limit.fail // 1000, tolerance
            )
        different.append(int((theirs != verdicts(flags, QualityTest.FLAT)).sum()))
        flat += int((theirs == Verdict.FAIL).sum())
    differing(even, different)
    assert flat > 10 or len(even[0].time) < 100


def test_flat_line_of_slow_signals_over_many_values() -> None:
    """A long window over noise, steps and drift: what is kept of the past must suffice."""
    random = np.random.default_rng(5)
    count, every = 6000, MINUTE
    time = np.arange(count, dtype=np.int64) * every
    noise = random.normal(0, 1, count)
    stairs = np.repeat(random.normal(0, 3, count // 100), 100) + noise / 10
    drift = np.cumsum(random.normal(0, 0.02, count)).round(2)
    made = [Real("noise", time, noise), Real("stairs", time, stairs), Real("drift", time, drift)]
    limits = [Flat(10 * every, 60 * every, 3.5), Flat(30 * every, 60 * every, 0.6),
              Flat(10 * every, 60 * every, 0.2)]  # fmt: skip
    ours = flags_of(made, [Limits(Span(), flat=one) for one in limits])
    for one, flags, limit in zip(made, ours, limits, strict=True):
        theirs = qartod.flat_line_test(
            one.value, one.stamps, limit.suspect // 1000, limit.fail // 1000, limit.tolerance
        )
        found = verdicts(flags, QualityTest.FLAT)
        assert (theirs == Verdict.SUSPECT).any()
        np.testing.assert_array_equal(found, theirs, one.name)


def test_their_missing_is_ours() -> None:
    value = np.array([1.0, np.nan, 3.0, 9.0])
    real = Real("", np.arange(4, dtype=np.int64) * HOUR, value)
    (flags,) = flags_of([real], [Limits(Span(0, 5), Span(0, 4), spike=Steps(1, INFINITE))])
    theirs = qartod.gross_range_test(value, (0, 5), (0, 4))
    ours = of_test(flags, QualityTest.GROSS)
    assert ours[[0, 2, 3]].tolist() == theirs[[0, 2, 3]].tolist()
    assert (theirs[1], ours[1]) == (Verdict.MISSING, Verdict.NOT_EVALUATED)
    assert (of_test(flags, QualityTest.SPIKE) == Verdict.NOT_EVALUATED).all()
