"""Flags in the table: older tables gain the column, a spike is shown where it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.lake.test_table import NAMES, START, add
from zhiyin.kernel import DAY, HOUR, MINUTE
from zhiyin.lake import Columns, Flagger, Limits, Observations, ObservationsTable, flags_shown
from zhiyin.lake.limits import Span, Steps
from zhiyin.lake.writer import TABLE


def older(folder: Path) -> None:
    """Make a table as a house made it that knew no flags, with two rows."""
    rows = {
        "day": ["2026-07-01"] * 2, "thing": ["a"] * 2, "property": ["depth"] * 2,
        "time": [START * 1000, (START + MINUTE) * 1000], "value": [1.0, 2.0], "quality": [0, 0],
        "received": [START * 1000] * 2, "position": [1, 2],
    }  # fmt: skip
    schema = TABLE.remove(TABLE.get_field_index("flags"))
    table: Any = pa.Table.from_pydict(rows, schema)
    write_deltalake(str(folder / "observations"), table, partition_by=["day"])


def flagged(table: ObservationsTable, flagger: Flagger, position: int, columns: Columns) -> None:
    positions = np.full(len(columns), position, np.int64)
    flags = flagger.step(columns)
    assert table.append(columns, columns.time, positions, NAMES, position, flags) == len(columns)


def shown(folder: Path, start: int, end: int, limit: int = 100) -> list[tuple[float, Any]]:
    rows = Observations(folder).series("a", "depth", start, end, limit)
    return [(row[1], flags_shown(row[4])) for row in rows]


@pytest.fixture
def flagger() -> Flagger:
    made = Flagger()
    made.add("t.depth", Limits(Span(0, 10), spike=Steps(1, 3), gap=10 * MINUTE), [0, 1])
    return made


def test_an_older_table_is_read_and_gains_the_column(tmp_path: Path, flagger: Flagger) -> None:
    older(tmp_path)
    unknown = {"aggregate": "not_evaluated"}
    assert shown(tmp_path, START, START + DAY) == [(1.0, unknown), (2.0, unknown)]
    table = ObservationsTable(tmp_path, "S@1")
    for position, day in ((3, 0), (4, 1), (5, 1)):
        at = START + day * DAY + position * MINUTE
        flagged(table, flagger, position, Columns.of([0], [at], [3.0]))
    rows = shown(tmp_path, START, START + 2 * DAY)
    assert rows[:2] == [(1.0, unknown), (2.0, unknown)]
    assert [told["gross"] for _, told in rows[2:]] == ["pass"] * 3
    assert [told.get("gap") for _, told in rows[2:]] == [None, "suspect", "pass"]
    assert table.tidy(START + 2 * DAY + HOUR + 1, 30 * DAY) == ["2026-07-01", "2026-07-02"]
    assert shown(tmp_path, START, START + 2 * DAY) == rows
    schema = DeltaTable(str(tmp_path / "observations")).schema()
    assert {field.name for field in schema.fields} == set(TABLE.names)


def test_aggregates_of_an_older_table(tmp_path: Path) -> None:
    older(tmp_path)
    (hour,) = Observations(tmp_path).aggregates("a", "depth", START, START + HOUR, 3600)
    assert (hour.used, hour.sum, hour.flags) == (2, 3.0, {"not_evaluated": 2})


def test_rows_written_without_flags_are_not_evaluated(tmp_path: Path) -> None:
    add(ObservationsTable(tmp_path, "S@1"), 1, Columns.of([0], [START], [3.0]))
    assert shown(tmp_path, START, START + DAY) == [(3.0, {"aggregate": "not_evaluated"})]


@pytest.fixture
def spiky(tmp_path: Path, flagger: Flagger) -> Path:
    """Values 1, 2, 1, 9, 1, 1 a minute apart, and one that came late, between them."""
    table = ObservationsTable(tmp_path, "S@1")
    for position, value in enumerate([1.0, 2.0, 1.0, 9.0, 1.0, 1.0], 1):
        at = START + position * MINUTE
        flagged(table, flagger, position, Columns.of([0], [at], [value]))
    flagged(table, flagger, 7, Columns.of([0], [START + 4 * MINUTE + 5], [5.0]))
    return tmp_path


def test_a_spike_is_shown_where_it_was(spiky: Path) -> None:
    rows = shown(spiky, START, START + HOUR)
    spikes = [(value, told.get("spike")) for value, told in rows]
    assert spikes == [
        (1.0, None), (2.0, "pass"), (1.0, "fail"), (9.0, "fail"), (5.0, None), (1.0, "fail"),
        (1.0, None),
    ]  # fmt: skip
    assert rows[3][1]["aggregate"] == "fail"
    assert rows[4][1] == {"aggregate": "pass", "gross": "pass"}


def test_a_span_and_a_limit_do_not_hide_it(spiky: Path) -> None:
    (row,) = shown(spiky, START + 4 * MINUTE, START + 4 * MINUTE + 1)
    assert (row[0], row[1]["spike"]) == (9.0, "fail")
    assert shown(spiky, START, START + HOUR, 4)[-1] == row


def test_aggregates_count_flags_and_may_leave_out_what_failed(spiky: Path) -> None:
    history = Observations(spiky)
    (every,) = history.aggregates("a", "depth", START, START + HOUR, 3600)
    assert (every.used, every.max, every.flags) == (7, 9.0, {"pass": 4, "fail": 3})
    (good,) = history.aggregates("a", "depth", START, START + HOUR, 3600, good=True)
    assert (good.used, good.min, good.max, good.sum) == (4, 1.0, 5.0, 9.0)
    assert good.flags == every.flags
    span = START + 4 * MINUTE, START + 4 * MINUTE + 1
    (none,) = history.aggregates("a", "depth", *span, 600, good=True)
    assert (none.used, none.mean, none.flags) == (0, None, {"fail": 1})
