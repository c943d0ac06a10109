"""Messages of the stream that are judged in one step, as one set of columns.

A step costs the same few hundred calls for ten rows as for ten thousand, so what has arrived is
taken together. It must not show: rows of several messages are joined only where judging them one
message after the other would come to the same (`in_turn`, and what the judge says of them).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from zhiyin import cloud, lake, watch
from zhiyin.lake import Columns, Mask, Millis

TICK = "observations.tick"
JOINED = 8 * 1024 * 1024  # bytes of messages taken together at most; a row is 21


class Read(NamedTuple):
    """One message, decoded."""

    message: cloud.Message
    columns: Columns
    received: int
    source: str


class Batch(NamedTuple):
    """Rows by series, then time, and which of `parts` each came with; what came first is first."""

    rows: Columns
    part: Millis
    parts: Sequence[Read]

    @property
    def positions(self) -> Millis:
        """The stream position of each row."""
        return np.array([one.message.seq for one in self.parts], np.int64)[self.part]

    @property
    def received(self) -> Millis:
        """When each row was received, UTC ms."""
        return np.array([one.received for one in self.parts], np.int64)[self.part]

    def take(self, rows: Mask) -> "Batch":
        return Batch(self.rows.take(rows), self.part[rows], self.parts)

    def of_part(self, part: int) -> Columns:
        """Return the rows that came with one part."""
        return self.rows.take(self.part == part)

    @property
    def in_turn(self) -> bool:
        """Whether no series has a row that is older than one it has in an earlier message."""
        series, part = self.rows.series, self.part
        return not bool(((part[1:] < part[:-1]) & (series[1:] == series[:-1])).any())


def joined(parts: Sequence[Read]) -> Batch:
    columns = lake.joined([one.columns for one in parts])
    if not len(columns):
        return Batch(columns, np.zeros(0, np.int64), parts)
    row = watch.ordered(columns.series.astype(np.int64), columns.time).row
    part = np.repeat(np.arange(len(parts)), [len(one.columns) for one in parts])
    return Batch(columns.take(row), part[row], parts)


def runs(messages: Sequence[cloud.Message]) -> Iterator[list[cloud.Message]]:
    """Cut messages into runs that may be taken together; a tick of the clock stands alone."""
    run: list[cloud.Message] = []
    size = 0
    for message in messages:
        alone = message.subject == TICK
        if run and (alone or size + len(message.data) > JOINED):
            yield run
            run, size = [], 0
        if alone:
            yield [message]
        else:
            run.append(message)
            size += len(message.data)
    if run:
        yield run
