"""What the lake keeps: observations as columns, in memory, on the bus and in the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numpy.typing import NDArray

from zhiyin.kernel import OurFault, Words

Ints = NDArray[np.int32]
Millis = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SCHEMA = pa.schema(
    [("series", pa.int32()), ("time", pa.int64()), ("value", pa.float64()), ("quality", pa.uint8())]
)


class UnreadableBatch(OurFault):
    """A message of the observations stream that is no batch of ours."""

    code = "lake-011"
    what = Words(
        "流中的消息不是观测批次:{reason}。", "A message on the stream is no batch: {reason}."
    )
    do = Words("已另存到隔离区,查是谁写入。", "It was kept apart; find out who wrote it.")


@dataclass(frozen=True, slots=True)
class Columns:
    """n observations: series index, event time (UTC ms), value in the series' unit, quality."""

    series: Ints
    time: Millis
    value: Floats
    quality: Flags

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def of(
        cls,
        series: npt.ArrayLike,
        time: npt.ArrayLike,
        value: npt.ArrayLike,
        quality: npt.ArrayLike | None = None,
    ) -> "Columns":
        """Make columns of anything NumPy takes; without `quality` all rows are good."""
        index = np.asarray(series, np.int32)
        return cls(
            index,
            np.asarray(time, np.int64),
            np.asarray(value, np.float64),
            np.zeros(len(index), np.uint8) if quality is None else np.asarray(quality, np.uint8),
        )

    def take(self, rows: NDArray[np.integer] | Mask) -> "Columns":
        return Columns(self.series[rows], self.time[rows], self.value[rows], self.quality[rows])

    def encode(self, received: int, source: str) -> bytes:
        """Return an Arrow IPC stream of one record batch; `received` in UTC ms."""
        schema = SCHEMA.with_metadata({"received": str(received), "source": source})
        batch = pa.record_batch(
            [pa.array(self.series), pa.array(self.time), pa.array(self.value),
             pa.array(self.quality)], schema=schema,
        )  # fmt: skip
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue())


def joined(parts: Sequence[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Columns.of([], [], [])
    return Columns(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.quality for part in parts]),
    )


def decode(data: bytes) -> tuple[Columns, int, str]:
    """Return (columns, received in UTC ms, source); UnreadableBatch for bytes not ours."""
    try:
        reader = pa.ipc.open_stream(data)
        batch = reader.read_next_batch()
        if batch.schema.names != SCHEMA.names:
            raise UnreadableBatch(reason=f"columns {batch.schema.names}")
        columns = Columns(
            *(batch.column(i).to_numpy(zero_copy_only=True) for i in range(len(SCHEMA)))
        )
    except (pa.ArrowException, StopIteration, TypeError) as fault:
        raise UnreadableBatch(reason=str(fault)) from fault
    metadata = reader.schema.metadata or {}
    return columns, int(metadata.get(b"received", b"0")), metadata.get(b"source", b"").decode()


class SeriesNames(Protocol):
    """Whoever knows what a series index stands for; arrays grow, an index never changes meaning."""

    @property
    def things(self) -> pa.StringArray: ...
    @property
    def properties(self) -> pa.StringArray: ...
