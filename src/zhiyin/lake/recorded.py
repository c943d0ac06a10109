"""Many series at once: pages in the order of time, counts, and from when to when there is data.

Each series is asked for under a number of the caller's; rows come back with that number.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from zhiyin.lake.query import Observations

Row = tuple[int, int, float]  # number, time in UTC ms, value
Sorting = Literal["t", "t DESC", "value", "value DESC"]
BEGINNING, END = -62_135_596_800_000, 253_402_300_800_000  # the years 1 to 9999, UTC ms


class Named(NamedTuple):
    """A series under the caller's number; rows at stream positions up to `hidden` are left out.

    `repeated`: the series may hold several rows of one time, of which the newest counts.
    """

    number: int
    thing: str
    property: str
    hidden: int = 0
    repeated: bool = False


class Question(NamedTuple):
    """Which rows: [start, end) in UTC ms, a condition over `t` and `value`, behind a row."""

    start: int = BEGINNING
    end: int = END
    condition: str = "TRUE"
    parameters: tuple[Any, ...] = ()
    behind: tuple[int, int] | None = None  # (time, number) of the last row that was read


class Recorded(Observations):
    """The observations table, asked for many series at once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._spans: dict[tuple[str, str], tuple[int, int]] = {}
        self._seen: set[str] = set()

    def _rows(self, wanted: Sequence[Named], asked: Question) -> str | None:
        """Return the rows in question as a FROM item; the series themselves are `wanted`."""
        source = self._source(asked.start, asked.end - 1)
        if source is None or not wanted:
            return None
        value = (
            "arg_max(value, position) AS value" if any(one.repeated for one in wanted) else "value"
        )
        grouped = " GROUP BY number, t" if value != "value" else ""
        inner = (
            f"SELECT number, epoch_ms(time) AS t, {value} FROM {source}"  # noqa: S608
            " JOIN wanted USING (thing, property)"
            f" WHERE epoch_ms(time) >= {asked.start:d} AND epoch_ms(time) < {asked.end:d}"
            f" AND position > hidden{_only(wanted)}{grouped}"
        )
        return f"(SELECT * FROM ({inner}) WHERE {asked.condition})"  # noqa: S608

    def _run(
        self, wanted: Sequence[Named], question: str, parameters: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        names = pa.table(
            {
                "number": pa.array([one.number for one in wanted], pa.int64()),
                "thing": pa.array([one.thing for one in wanted], pa.string()),
                "property": pa.array([one.property for one in wanted], pa.string()),
                "hidden": pa.array([one.hidden for one in wanted], pa.int64()),
            }
        )
        with self._engine.cursor() as cursor:
            cursor.register("wanted", names)
            try:
                return cursor.execute(question, parameters).fetchall()
            finally:
                cursor.unregister("wanted")

    def rows(
        self, wanted: Sequence[Named], asked: Question, sorting: Sorting, limit: int, skip: int = 0
    ) -> list[Row]:
        """Return rows in order; those of one time or value by number, then time."""
        source = self._rows(wanted, asked)
        if source is None:
            return []
        behind, parameters = "", list(asked.parameters)
        if asked.behind is not None:
            sign = "<" if sorting == "t DESC" else ">"
            behind = f" WHERE t {sign} ? OR (t = ? AND number > ?)"
            parameters += [asked.behind[0], asked.behind[0], asked.behind[1]]
        question = (
            f"SELECT number, t, value FROM {source}{behind}"  # noqa: S608
            f" ORDER BY {sorting}, number, t LIMIT {limit:d} OFFSET {skip:d}"
        )
        return self._run(wanted, question, parameters)

    def count_of(self, wanted: Sequence[Named], asked: Question) -> int:
        source = self._rows(wanted, asked)
        if source is None:
            return 0
        question = f"SELECT count(*) FROM {source}"  # noqa: S608
        return int(self._run(wanted, question, asked.parameters)[0][0])

    def each(
        self, wanted: Sequence[Named], asked: Question, most: int, *, newest: bool
    ) -> list[Row]:
        """Return at most `most` rows of each series, the newest or the oldest, in that order."""
        source = self._rows(wanted, asked)
        if source is None:
            return []
        order = "t DESC" if newest else "t"
        question = (
            f"SELECT number, t, value FROM {source}"  # noqa: S608
            f" QUALIFY row_number() OVER (PARTITION BY number ORDER BY {order}) <= {most:d}"
            f" ORDER BY number, {order}"
        )
        return self._run(wanted, question, asked.parameters)

    def values_at(self, one: Named, times: Sequence[int]) -> dict[int, float]:
        """Return time → value of one series at those of the times that it has."""
        if not times:
            return {}
        listed = ", ".join(f"{time:d}" for time in set(times))
        asked = Question(min(times), max(times) + 1, f"t IN ({listed})")
        return {t: value for _, t, value in self.rows([one], asked, "t", len(set(times)))}

    def position(self, stream: str) -> int:
        """Return the stream position up to which everything is in the table."""
        self._source(0, 0)
        with self._turn:
            return 0 if self._table is None else self._table.transaction_version(stream) or 0

    def spans(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return (thing, property) → (first, last) time in UTC ms; each file is read once."""
        self._source(0, 0)
        with self._turn:
            files = set(self._table.file_uris()) if self._table is not None else set()
            if {_day(one) for one in self._seen} - {_day(one) for one in files}:
                self._spans, self._seen = {}, set()  # days have left the lake
            fresh = sorted(files - self._seen)
            if fresh:
                self._take_in(fresh)
            self._seen = files
            return self._spans

    def _take_in(self, files: list[str]) -> None:
        listed = ", ".join("'" + one.replace("'", "''") + "'" for one in files)
        question = (
            "SELECT thing, property, epoch_ms(min(time)), epoch_ms(max(time))"  # noqa: S608
            f" FROM read_parquet([{listed}], hive_partitioning=false) GROUP BY ALL"
        )
        for thing, prop, first, last in self._ask(question, []):
            known = self._spans.get((thing, prop))
            self._spans[thing, prop] = (
                (first, last) if known is None else (min(first, known[0]), max(last, known[1]))
            )


def _day(uri: str) -> str:
    return uri.rpartition("day=")[2].partition("/")[0]


def _only(wanted: Sequence[Named]) -> str:
    """Name a lone series in so many words, so that files' own statistics leave the others out."""
    if len(wanted) > 1:
        return ""
    thing, prop = (text.replace("'", "''") for text in (wanted[0].thing, wanted[0].property))
    return f" AND thing = '{thing}' AND property = '{prop}'"
