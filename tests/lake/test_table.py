"""The observations table: closed days are tidied, old ones go, positions count once."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from zhiyin.kernel import DAY, HOUR, MINUTE, parse_time
from zhiyin.lake import Columns, Observations, ObservationsTable

START = parse_time("2026-07-01T00:00:00Z")
YEARS = 3 * 365 * DAY


class Names(NamedTuple):
    """What the series of these tests stand for."""

    things: Any
    properties: Any


NAMES = Names(pa.array(["a", "b", "c"]), pa.array(["depth", "depth", "flow"]))


def add(table: ObservationsTable, position: int, columns: Columns) -> int:
    positions = np.full(len(columns), position, np.int64)
    return table.append(columns, columns.time, positions, NAMES, position)


def scattered(day: int, seed: int) -> Columns:
    random = np.random.default_rng(seed)
    times = START + day * DAY + random.permutation(1000)[:200] * MINUTE + seed
    return Columns.of(random.integers(0, 3, 200), times, random.random(200))


def files(folder: Path, day: str) -> list[str]:
    return [uri for uri in DeltaTable(str(folder / "observations")).file_uris() if day in uri]


def content(folder: Path) -> list[tuple[Any, ...]]:
    rows = DeltaTable(str(folder / "observations")).to_pyarrow_table().to_pylist()
    return sorted(tuple(row.values()) for row in rows)


@pytest.fixture
def table(tmp_path: Path) -> ObservationsTable:
    made = ObservationsTable(tmp_path, "S@1")
    for position in range(1, 6):
        add(made, position, scattered(0, position))
    add(made, 6, scattered(1, 6))
    add(made, 7, scattered(1, 7))
    return made


def test_a_closed_day_becomes_one_sorted_file_with_every_row(
    table: ObservationsTable, tmp_path: Path
) -> None:
    before = content(tmp_path)
    assert len(files(tmp_path, "2026-07-01")) == 5
    assert table.tidy(START + DAY + HOUR + 1, YEARS) == ["2026-07-01"]
    assert content(tmp_path) == before
    assert len(files(tmp_path, "2026-07-01")) == 1
    assert len(files(tmp_path, "2026-07-02")) == 2
    (file,) = files(tmp_path, "2026-07-01")
    rows = pa.parquet.read_table(file.removeprefix("file://"), partitioning=None)
    order = [("thing", "ascending"), ("property", "ascending"), ("time", "ascending")]
    assert rows.equals(rows.sort_by(order))


def test_a_day_is_left_alone_until_an_hour_after_its_end(table: ObservationsTable) -> None:
    assert table.tidy(START + DAY + HOUR - 1, YEARS) == []


def test_tidying_again_does_nothing(table: ObservationsTable) -> None:
    table.tidy(START + 3 * DAY, YEARS)
    assert table.tidy(START + 3 * DAY, YEARS) == []


def test_a_late_row_of_a_tidied_day_is_seen_and_tidied_in(
    table: ObservationsTable, tmp_path: Path
) -> None:
    table.tidy(START + 3 * DAY, YEARS)
    add(table, 8, Columns.of([0], [START + 5], [9.0]))
    history = Observations(tmp_path)
    assert history.series("a", "depth", START, START + 10)[-1][1] == 9.0
    assert table.tidy(START + 3 * DAY, YEARS) == ["2026-07-01"]
    assert history.series("a", "depth", START, START + 10)[-1][1] == 9.0
    assert history.count(START, START + 2 * DAY - 1) == 1401


def test_days_past_retention_are_gone_and_the_position_stays(
    table: ObservationsTable, tmp_path: Path
) -> None:
    table.tidy(START + 2 * DAY, DAY)
    assert files(tmp_path, "2026-07-01") == []
    assert Observations(tmp_path).count(START, START + 2 * DAY - 1) == 400
    assert ObservationsTable(tmp_path, "S@1").position == 7


def test_a_reader_follows_the_writer_through_it_all(
    table: ObservationsTable, tmp_path: Path
) -> None:
    history = Observations(tmp_path)
    assert history.count(START, START + 2 * DAY - 1) == 1400
    table.tidy(START + 3 * DAY, YEARS)
    assert history.count(START, START + 2 * DAY - 1) == 1400


def test_a_commit_tried_again_counts_once(table: ObservationsTable, tmp_path: Path) -> None:
    assert add(table, 7, scattered(1, 7)) == 0
    assert ObservationsTable(tmp_path, "S@1").position == 7
    assert add(ObservationsTable(tmp_path, "S@1"), 8, scattered(1, 8)) == 200


def test_a_stream_set_up_anew_counts_from_one_again(
    table: ObservationsTable, tmp_path: Path
) -> None:
    anew = ObservationsTable(tmp_path, "S@2")
    assert anew.position == 0
    assert add(anew, 1, scattered(2, 9)) == 200


def test_what_is_in_the_table_is_found_by_series_and_time(table: ObservationsTable) -> None:
    columns = scattered(0, 1)
    values = table.values_of(columns, NAMES, 7)
    np.testing.assert_array_equal(values, columns.value)
    unknown = Columns.of([0], [START - 1], [1.0])
    assert np.isnan(table.values_of(unknown, NAMES, 7)).all()


def test_a_table_ahead_of_its_reader_does_not_show_a_row_to_itself(
    table: ObservationsTable,
) -> None:
    """After a crash the reader takes messages again that are in the table already."""
    rows = scattered(1, 7)
    np.testing.assert_array_equal(table.values_of(rows, NAMES, 8), rows.value)
    assert np.isnan(table.values_of(rows, NAMES, 7)).all()
