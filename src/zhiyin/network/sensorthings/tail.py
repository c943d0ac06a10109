"""What clients of the standard have sent and the lake does not have yet.

The lake commits about once a second; a client that writes and then reads wants its own back at
once. Values stand here from before they go on the stream until the lake has that position. After
a start the stream itself is asked for what lies between the lake and its end.
"""

import asyncio
from collections.abc import Iterable

from zhiyin import cloud, lake
from zhiyin.network.model import Register

IN_FLIGHT = 2**62  # the position of what the stream has not acknowledged
CATCH_UP = 10.0  # real seconds to wait for the stream at the start


class Tail:
    """Values by datastream and time; kept in this process only."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, tuple[float, int]]] = {}
        self.settled = 0  # the position up to which nothing is here any more

    def value(self, datastream: int, time: int) -> float | None:
        """Return a value that is here, also one still in flight."""
        found = self._rows.get(datastream, {}).get(time)
        return None if found is None else found[0]

    def put(self, datastream: int, time: int, value: float, position: int = IN_FLIGHT) -> None:
        self._rows.setdefault(datastream, {})[time] = (value, position)

    def land(self, keys: Iterable[tuple[int, int]], position: int) -> None:
        """The stream has them at this position."""
        for datastream, time in keys:
            row = self._rows.get(datastream, {}).get(time)
            if row is not None:
                self._rows[datastream][time] = (row[0], position)

    def drop(self, keys: Iterable[tuple[int, int]]) -> None:
        for datastream, time in keys:
            self._rows.get(datastream, {}).pop(time, None)

    def rows(self, datastreams: Iterable[int]) -> list[tuple[int, int, float]]:
        """Return (datastream, time, value) of what the stream has, by time."""
        found = [
            (datastream, time, value)
            for datastream in datastreams
            for time, (value, position) in self._rows.get(datastream, {}).items()
            if position < IN_FLIGHT
        ]
        return sorted(found, key=lambda row: (row[1], row[0]))

    def span(self, datastream: int) -> tuple[int, int] | None:
        times = [t for t, (_, at) in self._rows.get(datastream, {}).items() if at < IN_FLIGHT]
        return (min(times), max(times)) if times else None

    def settle(self, position: int) -> None:
        """Forget what the lake has: everything up to a stream position."""
        if position <= self.settled and self.settled:
            return
        self.settled = position
        for datastream, rows in list(self._rows.items()):
            left = {time: row for time, row in rows.items() if row[1] > position}
            if left:
                self._rows[datastream] = left
            else:
                del self._rows[datastream]


async def catch_up(tail: Tail, bus: cloud.Bus, register: Register, position: int) -> None:
    """Take in what the stream holds behind `position` for series of the standard's clients."""
    last = await bus.last(cloud.OBSERVATIONS, "observations.batch")
    if last is None or last.seq <= position:
        return
    reader = bus.read_from(cloud.OBSERVATIONS, position + 1, "observations.batch")
    async with asyncio.timeout(CATCH_UP):
        async for messages in reader:
            for message in messages:
                _take(tail, register, message)
            if messages and messages[-1].seq >= last.seq:
                return


def _take(tail: Tail, register: Register, message: cloud.Message) -> None:
    try:
        columns, _, _ = lake.decode(message.data)
    except lake.UnreadableBatch:
        return
    rows = zip(columns.series.tolist(), columns.time.tolist(), columns.value.tolist(), strict=True)
    for index, time, value in rows:
        if index >= len(register):
            continue
        name = register.series[index].property
        if name.startswith("ds") and name[2:].isdecimal():
            datastream = int(name[2:])
            if tail.value(datastream, time) is None:  # of a tie the lake keeps the first
                tail.put(datastream, time, value, message.seq)
