"""What a run has read, through the front door: counted wholly, kept apart up to a number."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import prometheus_client

from zhiyin.kernel import Clock, fixed_id
from zhiyin.network.intake import Message
from zhiyin.network.model import Reason, Rejected
from zhiyin.network.pull.section import Pull
from zhiyin.network.replay_rows import Observation, Row
from zhiyin.network.service import Door

SHOWN = 2_000  # characters of a bad row
BATCH = 5_000  # observations handed over at once

pulled = prometheus_client.Counter(
    "zhiyin_pull_rows", "What pulls brought: accepted, kept apart, or bad and only counted",
    ["pull", "outcome"],
)  # fmt: skip


class Result(msgspec.Struct):
    """What a run did; bad = rows that could not be read + observations refused, kept or not."""

    files: int = 0
    bytes: int = 0
    rows: int = 0
    missing: int = 0
    observations: int = 0
    accepted: int = 0
    bad: int = 0
    kept: int = 0
    reasons: dict[str, int] = {}
    unchanged: bool = False
    stations: int = 0
    vehicles: int = 0
    zones: int = 0
    troubles: list[str] = []


class Delivery:
    """One run of one pull, on its way to the stream."""

    def __init__(self, door: Door, clock: Clock, one: Pull, past: int) -> None:
        self._reasons: Counter[str] = Counter()
        self.result = Result(reasons=self._reasons, troubles=[])
        self._door, self._clock, self._one, self._past = door, clock, one, past
        self._source = f"pull:{one.pull}"
        self._waiting: list[Observation] = []

    async def take(self, rows: Sequence[Row]) -> None:
        """Take rows as they were read; whole batches go on."""
        bad: list[Rejected] = []
        for row in rows:
            self._waiting += row.observations
            if row.reasons:
                self._count(Reason.MALFORMED)
                if self._room(len(bad)):
                    bad.append(self._unreadable(row))
        await self._keep(bad)
        while len(self._waiting) >= BATCH:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            await self._send(batch)

    async def observe(self, found: Sequence[Observation]) -> None:
        self._waiting += found

    async def finish(self) -> None:
        """Hand over the rest; return once the stream has all of it. Raises BusDown, BusFull."""
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            await self._send(batch)
        result = self.result
        uncounted = result.bad - result.kept
        if uncounted > 0 and result.kept >= self._one.keep:
            detail = f"{uncounted} more bad rows of this run were counted and not kept"
            raw = {"pull": self._one.pull, "counts": dict(self._reasons)}
            now = self._clock.now()
            key = fixed_id(self._source, "counted", now)
            item = Rejected(key, Reason.MALFORMED, detail, self._source, now, "", "", raw)
            await self._door.keep([item])
            pulled.labels(self._one.pull, "counted").inc(uncounted)

    async def _send(self, batch: list[Observation]) -> None:
        self.result.observations += len(batch)
        limit = self._clock.now() - self._past
        old = self._one.history == "old"
        parts = [(batch, self._one.history == "all")]
        if old and any(one.time < limit for one in batch):
            parts = [
                ([one for one in batch if one.time >= limit], False),
                ([one for one in batch if one.time < limit], True),
            ]
        for part, history in parts:
            if part:
                await self._hand_over(part, history=history)

    async def _hand_over(self, part: list[Observation], *, history: bool) -> None:
        things, properties, times, values = zip(*part, strict=True)
        message = Message(things, properties, times, values)
        checked = await self._door.look(message, self._source, history=history)
        bad: list[Rejected] = []
        for item in checked.rejected:
            self._count(item.reason)
            if self._room(len(bad)):
                # The same row of the same source is kept once, however often it is pulled.
                key = fixed_id(self._source, msgspec.json.encode(item.raw))
                bad.append(msgspec.structs.replace(item, id=key))
        # Each row has its time, so that the same rows again change nothing: no key is needed.
        await self._door.hand_over(checked, bad, self._source, None)
        self.result.kept += len(bad)
        self.result.accepted += len(checked.columns)
        pulled.labels(self._one.pull, "accepted").inc(len(checked.columns))
        pulled.labels(self._one.pull, "kept").inc(len(bad))

    async def _keep(self, bad: list[Rejected]) -> None:
        if bad:
            await self._door.keep(bad)
            self.result.kept += len(bad)
            pulled.labels(self._one.pull, "kept").inc(len(bad))

    def _room(self, waiting: int) -> bool:
        return self.result.kept + waiting < self._one.keep

    def _count(self, reason: Reason) -> None:
        self._reasons[reason] += 1
        self.result.bad += 1

    def _unreadable(self, row: Row) -> Rejected:
        told = "; ".join(one.en for one in row.reasons[:3])
        cells = row.cells if len(str(row.cells)) <= SHOWN else [str(row.cells)[:SHOWN]]
        reasons = [msgspec.structs.asdict(one) for one in row.reasons[:10]]
        raw: dict[str, Any] = {"line": row.line, "row": cells, "reasons": reasons}
        key = fixed_id(self._source, msgspec.json.encode([cells, told]), row.line)
        now = self._clock.now()
        detail = f"line {row.line}: {told}"[:400]
        return Rejected(key, Reason.MALFORMED, detail, self._source, now, "", "", raw)
