"""Queries of the lake: DuckDB over the files of the table's present version."""

import threading
from pathlib import Path
from typing import Any

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from zhiyin.kernel import DAY, day_of

LONGEST = 10_000  # rows in one answer
STEPS = {"10min": 600, "1h": 3600, "1d": 86_400}  # seconds


def scan(table: DeltaTable, days: list[str] | None = None) -> str | None:
    """Return a FROM item `… AS o` over the files of these days, None when there are none."""
    uris = [
        uri
        for uri in table.file_uris()
        if days is None or uri.split("day=", 1)[1].split("/", 1)[0] in days
    ]
    if not uris:
        return None
    files = ", ".join("'" + uri.replace("'", "''") + "'" for uri in uris)
    return f"read_parquet([{files}], hive_partitioning=false) AS o"


class Observations:
    """Read access to the observations table; follows the writer by itself."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "observations")
        self._table: DeltaTable | None = None
        self._turn = threading.Lock()
        self._engine = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})

    def _source(self, start: int, end: int) -> str | None:
        with self._turn:
            try:
                if self._table is None:
                    self._table = DeltaTable(self._path)
                else:
                    self._table.update_incremental()
            except TableNotFoundError:
                return None
            days = None  # so long a span is quicker read whole
            if (end - start) // DAY < 5000:
                days = [day_of(t) for t in range(start - start % DAY, end + 1, DAY)]
            return scan(self._table, days)

    def _ask(self, question: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        with self._engine.cursor() as cursor:
            return cursor.execute(question, parameters).fetchall()

    def series(
        self, thing: str, prop: str, start: int, end: int, limit: int = LONGEST
    ) -> list[tuple[int, float, int, int]]:
        """Return (time ms, value, quality, stream position) in [start, end), in order."""
        source = self._source(start, end)
        if source is None:
            return []
        question = (
            "SELECT epoch_ms(time) AS t, arg_max(value, position), arg_max(quality, position),"  # noqa: S608
            f" max(position) FROM {source}"
            " WHERE thing = ? AND property = ? AND epoch_ms(time) >= ? AND epoch_ms(time) < ?"
            " GROUP BY t ORDER BY t LIMIT ?"
        )
        return self._ask(question, [thing, prop, start, end, min(limit, LONGEST)])

    def aggregates(
        self, thing: str, prop: str, start: int, end: int, step: int
    ) -> list[tuple[int, int, float, float, float, float]]:
        """Return (time ms, count, min, mean, max, sum) per `step` seconds of the district's day."""
        source = self._source(start, end)
        if source is None:
            return []
        width, zone = step * 1000, 8 * 3_600_000
        question = (
            f"SELECT ((epoch_ms(time) + {zone}) // {width}) * {width} - {zone} AS t, count(*),"  # noqa: S608
            " min(value), avg(value), max(value), sum(value) FROM"
            f" (SELECT time, arg_max(value, position) AS value FROM {source}"
            " WHERE thing = ? AND property = ? AND epoch_ms(time) >= ? AND epoch_ms(time) < ?"
            " GROUP BY time)"
            f" GROUP BY t ORDER BY t LIMIT {LONGEST}"
        )
        return self._ask(question, [thing, prop, start, end])

    def newest(
        self, thing: str, prop: str, start: int, end: int, count: int
    ) -> list[tuple[int, float]]:
        """Return the last `count` (time ms, value) in [start, end), in order."""
        source = self._source(start, end)
        if source is None:
            return []
        question = (
            "SELECT t, value FROM (SELECT epoch_ms(time) AS t, arg_max(value, position) AS value"  # noqa: S608
            f" FROM {source} WHERE thing = ? AND property = ?"
            " AND epoch_ms(time) >= ? AND epoch_ms(time) < ? GROUP BY t ORDER BY t DESC LIMIT ?)"
            " ORDER BY t"
        )
        return self._ask(question, [thing, prop, start, end, count])

    def of_things(
        self, things: list[str], prop: str, start: int, end: int
    ) -> list[tuple[str, int, float]]:
        """Return (thing, time ms, value) of several things in [start, end), in order of time."""
        source = self._source(start, end)
        if source is None or not things:
            return []
        question = (
            "SELECT thing, epoch_ms(time) AS t, arg_max(value, position)"  # noqa: S608
            f" FROM {source} WHERE list_contains(?, thing) AND property = ?"
            " AND epoch_ms(time) >= ? AND epoch_ms(time) < ? GROUP BY thing, t ORDER BY t"
        )
        return self._ask(question, [things, prop, start, end])

    def count(self, start: int, end: int) -> int:
        source = self._source(start, end)
        if source is None:
            return 0
        return int(self._ask(f"SELECT count(*) FROM {source}", [])[0][0])  # noqa: S608
