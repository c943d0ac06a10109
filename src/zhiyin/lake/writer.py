"""The writer of the observations table: Delta, by day, each stream position exactly once.

The position of the last message in a commit is recorded in the commit itself (an application
transaction), so a commit that is tried again after a crash is recognised and left out.
"""

import contextlib
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import DeltaError, TableNotFoundError

from zhiyin.kernel import DAY, Words, WorldFault, day_of
from zhiyin.lake.flags import Packed
from zhiyin.lake.model import Columns, Floats, Millis, SeriesNames

log = structlog.get_logger()

STAMP = pa.timestamp("ms", tz="UTC")
MOMENT = pa.timestamp("us", tz="UTC")
TABLE = pa.schema(
    [("day", pa.string()), ("thing", pa.string()), ("property", pa.string()), ("time", MOMENT),
     ("value", pa.float64()), ("quality", pa.int8()), ("received", MOMENT),
     ("position", pa.int64()), ("flags", pa.int32())]
)  # fmt: skip


class LakeUnwritable(WorldFault):
    """The table could not be written."""

    code = "lake-010"
    what = Words("数据湖写不进去:{reason}。", "The lake cannot be written: {reason}.")
    do = Words("查磁盘空间;观测留在总线上,恢复后自动补写。",
               "Look at the disk; observations wait on the bus and follow.")  # fmt: skip


class ObservationsTable:
    """The one writer of the observations table of one brain.

    `stream` names the stream that positions are of; a stream set up anew counts from 1 again.
    """

    def __init__(self, folder: Path, stream: str) -> None:
        self.path = folder / "observations"
        self._stream = stream
        self._turn = threading.RLock()
        self._table: DeltaTable | None = None
        self._complete = False  # the table is known to have every column
        with contextlib.suppress(TableNotFoundError):
            self._table = DeltaTable(str(self.path))

    @property
    def position(self) -> int:
        """The stream position up to which everything is in the table, 0 at first."""
        if self._table is None:
            return 0
        return self._table.transaction_version(self._stream) or 0

    def append(
        self, columns: Columns, received: Millis, positions: Millis, names: SeriesNames, upto: int,
        flags: Packed | None = None,
    ) -> int:  # fmt: skip
        """Commit rows whose stream positions are at most `upto`; return the number written.

        Rows at or below the table's own position are in already and are left out. Without
        `flags` their quality counts as not evaluated. A table made before there were flags gets
        the column by the first commit. Raises LakeUnwritable; then nothing of them is in.
        """
        with self._turn:
            return self._append(columns, received, positions, names, upto, flags)

    def _append(
        self, columns: Columns, received: Millis, positions: Millis, names: SeriesNames, upto: int,
        flags: Packed | None,
    ) -> int:  # fmt: skip
        fresh = positions > self.position
        if upto <= self.position:
            return 0
        if not fresh.all():
            columns, received, positions = columns.take(fresh), received[fresh], positions[fresh]
            flags = flags[fresh] if flags is not None else None
        if not len(columns):
            return 0  # the next commit with rows moves the position on
        table = _rows(columns, received, positions, names, flags)
        properties = CommitProperties(app_transactions=[Transaction(self._stream, upto)])
        try:
            write_deltalake(
                self._table if self._table is not None else str(self.path),
                table,
                mode="append",
                partition_by=["day"],
                schema_mode=self._merging(),
                commit_properties=properties,
                writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
                configuration={"delta.deletedFileRetentionDuration": "interval 1 hours"}
                if self._table is None
                else None,
            )
            if self._table is None:
                self._table = DeltaTable(str(self.path))
        except (DeltaError, OSError, pa.ArrowException) as fault:
            self.reload()
            raise LakeUnwritable(str(self.path), reason=str(fault)) from fault
        return len(columns)

    def _merging(self) -> Literal["merge"] | None:
        """Return how to write so that a table of an older house gets the columns it lacks."""
        if self._complete or self._table is None:
            return None
        there = {field.name for field in self._table.schema().fields}
        self._complete = there >= set(TABLE.names)
        return None if self._complete else "merge"

    def reload(self) -> None:
        """Read the table's state again, after a commit whose end is not known."""
        try:
            self._table = DeltaTable(str(self.path))
        except TableNotFoundError:
            self._table = None

    def tidy(self, now: int, retention: int) -> list[str]:
        """Sort closed days by thing, property and time, and drop days past `retention` (ms).

        A day is closed an hour after its end (UTC). Returns the days that were sorted.
        """
        with self._turn:
            return [] if self._table is None else self._tidy(self._table, now, retention)

    def _tidy(self, table: DeltaTable, now: int, retention: int) -> list[str]:
        table.update_incremental()
        closed, oldest = day_of(now - 3_600_000), day_of(now - retention)
        counts: dict[str, int] = {}
        for uri in table.file_uris():
            day = uri.split("day=", 1)[1].split("/", 1)[0]
            counts[day] = counts.get(day, 0) + 1
        done = []
        for day in sorted(counts):
            if day < oldest:
                table.delete(f"day = '{day}'")
            elif counts[day] > 1 and day < closed:
                self._sort_day(table, day)
                done.append(day)
        if done or any(day < oldest for day in counts):
            table.vacuum(retention_hours=1, dry_run=False, enforce_retention_duration=False)
        return done

    def _sort_day(self, table: DeltaTable, day: str) -> None:
        started = time.monotonic()
        rows = table.to_pyarrow_table(filters=[("day", "=", day)])
        rows = rows.sort_by(
            [("thing", "ascending"), ("property", "ascending"), ("time", "ascending")]
        )
        write_deltalake(
            table,
            rows,
            mode="overwrite",
            predicate=f"day = '{day}'",
            writer_properties=WriterProperties(compression="ZSTD", max_row_group_size=65_536),
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=True),
        )
        seconds = round(time.monotonic() - started, 2)
        log.info("day sorted", day=day, rows=rows.num_rows, seconds=seconds)

    def values_of(self, columns: Columns, names: SeriesNames, position: int) -> Floats:
        """Return for each (series, time) its value in the table, NaN where there is none.

        The table answers as it did when `position` of the stream was read for the first time:
        after a crash it is ahead of its reader, and would show a row to itself as a repetition.
        """
        with self._turn:
            return self._values_of(columns, names, position)

    def _values_of(self, columns: Columns, names: SeriesNames, position: int) -> Floats:
        values = np.full(len(columns), np.nan)
        if self._table is None or not len(columns):
            return values
        import duckdb  # noqa: PLC0415  (only rows older than memory need it)

        from zhiyin.lake.query import scan  # noqa: PLC0415

        days = sorted({day_of(int(t)) for t in np.unique(columns.time // DAY) * DAY})
        source = scan(self._table, days)
        if source is None:
            return values
        wanted = pa.table(
            {
                "n": np.arange(len(columns)),
                "thing": names.things.take(pa.array(columns.series)),
                "property": names.properties.take(pa.array(columns.series)),
                "time": pa.array(columns.time, pa.int64()),
            }
        )
        with duckdb.connect() as connection:
            connection.register("wanted", wanted)
            asked: Any = connection.sql(
                f"SELECT n, any_value(value) AS value FROM {source} JOIN wanted"  # noqa: S608
                " USING (thing, property)"
                " WHERE epoch_ms(o.time) = wanted.time AND o.position NOT BETWEEN ? AND ?"
                " GROUP BY n",
                params=[position, self.position],
            )
            found = asked.to_arrow_table()
        values[found["n"].to_numpy()] = found["value"].to_numpy()
        return values


def _rows(
    columns: Columns, received: Millis, positions: Millis, names: SeriesNames, flags: Packed | None
) -> Any:
    index = pa.array(columns.series)
    stamps = pa.array(columns.time).cast(STAMP)
    return pa.table(
        [
            _days(columns.time),
            names.things.take(index),
            names.properties.take(index),
            stamps.cast(MOMENT),
            pa.array(columns.value),
            pa.array(columns.quality.astype(np.int8)),
            pa.array(received).cast(STAMP).cast(MOMENT),
            pa.array(positions),
            pa.nulls(len(columns), pa.int32()) if flags is None else pa.array(flags),
        ],
        schema=TABLE,
    )


def _days(times: Millis) -> Any:
    numbers, inverse = np.unique(times // DAY, return_inverse=True)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    words = [(epoch + timedelta(days=int(n))).strftime("%Y-%m-%d") for n in numbers]
    return pc.take(pa.array(words, pa.string()), pa.array(inverse))
