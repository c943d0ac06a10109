"""Queries of the lake: DuckDB over the files of the table's present version."""

import threading
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from zhiyin.kernel import DAY, day_of
from zhiyin.lake.flags import IN_TURN, LOW, MISSING, SPIKE, Verdict

LONGEST = 10_000  # rows in one answer
LAST = 253_402_300_799_999  # the last moment of the year 9999
FOLLOWS = DAY  # how long after a span the row may come that judges its last one (a spike)
STEPS = {"10min": 600, "1h": 3600, "1d": 86_400}  # seconds


def scan(table: DeltaTable, days: list[str] | None = None, *, by_name: bool = False) -> str | None:
    """Return a FROM item `… AS o` over the files of these days, None when there are none.

    `by_name` allows for files that lack a column, and reads the foot of each to know.
    """
    uris = [
        uri
        for uri in table.file_uris()
        if days is None or uri.split("day=", 1)[1].split("/", 1)[0] in days
    ]
    if not uris:
        return None
    files = ", ".join("'" + uri.replace("'", "''") + "'" for uri in uris)
    how = "hive_partitioning=false" + (", union_by_name=true" if by_name else "")
    return f"read_parquet([{files}], {how}) AS o"


def flagged(source: str) -> str:
    """Return a WITH item `rows(t, value, quality, position, flags)` of one series, in a span.

    Its parameters are thing, property, start, end and `FOLLOWS`. Files of before there were flags
    have none. The spike verdict that a row carries goes to the row before it: `lake.flags`.
    """
    in_turn = f"flags & {IN_TURN} != 0"
    return (
        "said AS (SELECT epoch_ms(time) AS t, arg_max(value, position) AS value,"  # noqa: S608
        " arg_max(quality, position) AS quality, max(position) AS position,"
        f" arg_max(flags, position) AS flags FROM (SELECT * FROM {source}"
        " UNION ALL BY NAME SELECT NULL::INTEGER AS flags WHERE false)"
        " WHERE thing = $thing AND property = $prop AND epoch_ms(time) >= $start"
        f" AND epoch_ms(time) < $end + {FOLLOWS} GROUP BY t),"
        f" told AS (SELECT *, lead(CASE WHEN {in_turn} THEN flags END IGNORE NULLS)"
        " OVER (ORDER BY t) AS next FROM said),"
        f" rows AS (SELECT t, value, quality, position, (flags & ~{SPIKE})"
        f" | CASE WHEN {in_turn} AND next IS NOT NULL THEN next & {SPIKE} ELSE 0 END AS flags"
        " FROM told WHERE t < $end)"
    )


def counted(verdicts: str) -> str:
    """Return SQL for how many rows have each verdict; `verdicts` is a column of flags."""
    worst = (
        f"CASE WHEN {verdicts} & {MISSING} != 0 THEN {Verdict.MISSING:d}"
        f" WHEN {verdicts} & ({verdicts} >> 1) & {LOW} != 0 THEN {Verdict.FAIL:d}"
        f" WHEN ({verdicts} >> 1) & {LOW} != 0 THEN {Verdict.SUSPECT:d}"
        f" WHEN {verdicts} & {LOW} != 0 THEN {Verdict.PASS:d} ELSE {Verdict.NOT_EVALUATED:d} END"
    )
    return f"*, {worst} AS verdict"


class Aggregate(NamedTuple):
    """What a stretch of time came to; `flags` counts all rows, also those that were left out."""

    time: int  # UTC ms
    used: int
    min: float | None
    mean: float | None
    max: float | None
    sum: float | None
    flags: dict[str, int]


def _by_verdict(found: tuple[int, ...]) -> dict[str, int]:
    return {one.key: count for one, count in zip(Verdict, found, strict=True) if count}


class Observations:
    """Read access to the observations table; follows the writer by itself."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "observations")
        self._table: DeltaTable | None = None
        self._turn = threading.Lock()
        self._engine = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})

    def _source(self, start: int, end: int, *, flags: bool = False) -> str | None:
        if flags:
            end = min(end + FOLLOWS, LAST)
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
            return scan(self._table, days, by_name=flags)

    def _ask(self, question: str, parameters: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._engine.cursor() as cursor:
            return cursor.execute(question, parameters).fetchall()

    def series(
        self, thing: str, prop: str, start: int, end: int, limit: int = LONGEST
    ) -> list[tuple[int, float, int, int, int | None]]:
        """Return (time ms, value, quality, stream position, flags) in [start, end), in order."""
        source = self._source(start, end, flags=True)
        if source is None:
            return []
        question = f"WITH {flagged(source)} SELECT * FROM rows ORDER BY t LIMIT $limit"  # noqa: S608
        asked = {"thing": thing, "prop": prop, "start": start, "end": end}
        return self._ask(question, {**asked, "limit": min(limit, LONGEST)})

    def aggregates(
        self, thing: str, prop: str, start: int, end: int, step: int, *, good: bool = False
    ) -> list[Aggregate]:
        """Return one row per `step` seconds of the district's day; `good` leaves out the failed."""
        source = self._source(start, end, flags=True)
        if source is None:
            return []
        width, zone = step * 1000, 8 * 3_600_000
        used = f"FILTER (verdict != {Verdict.FAIL:d})" if good else ""
        each = ", ".join(f"count(*) FILTER (verdict = {one:d})" for one in Verdict)
        question = (
            f"WITH {flagged(source)} SELECT ((t + {zone}) // {width}) * {width} - {zone} AS step,"  # noqa: S608
            f" count(*) {used} AS used, min(value) {used}, avg(value) {used}, max(value) {used},"
            f" sum(value) {used}, {each} FROM (SELECT {counted('flags')} FROM rows)"
            f" GROUP BY step ORDER BY step LIMIT {LONGEST}"
        )
        asked = {"thing": thing, "prop": prop, "start": start, "end": end}
        rows = self._ask(question, asked)
        return [Aggregate._make((*row[:6], _by_verdict(row[6:]))) for row in rows]

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
