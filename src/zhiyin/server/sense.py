"""The sensing worker: from the stream to live state, warnings and the lake, in one pass.

Everything it knows follows from the stream and its order: the clock's ticks travel there too.
So after `kill -9` it loads its last checkpoint, reads on from there, and judges the same again;
warnings have ids that follow from what they are about, and commits carry their position.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import prometheus_client
import structlog
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from zhiyin import cloud, lake, network, watch
from zhiyin.kernel import Quality, WorldFault, fixed_id, parse_duration
from zhiyin.lake import Columns
from zhiyin.server.batch import TICK, Batch, Read, joined, runs
from zhiyin.server.brain import Brain
from zhiyin.server.things import ThingBook

log = structlog.get_logger()

TICKS = 0.25  # real seconds between ticks
LATEST, SNAPSHOT = "live.latest", "live.snapshot"
TELL = 0.25  # real seconds between tellings of what changed
TELL_ROWS = 200_000  # in one message
LEDGER_ROWS = 5_000  # events that are written without waiting for more
TRIM = 10.0  # seconds between two looks at how crowded the events are
CASES, WARNINGS = "cases", "events.watch.warning.*"  # who opens cases, and what it reads
RECORD = 500  # changes of warnings in one transaction

lag = prometheus_client.Gauge(
    "zhiyin_sense_position", "Stream position that has been judged", multiprocess_mode="mostrecent"
)
judged = prometheus_client.Counter("zhiyin_observations_judged", "Observations judged", ["fate"])
committed = prometheus_client.Counter("zhiyin_lake_rows", "Rows committed to the lake")
flagged = prometheus_client.Counter(
    "zhiyin_quality_flags", "Rows committed, by quality test and what it said", ["test", "flag"]
)
commit_seconds = prometheus_client.Histogram("zhiyin_lake_commit_seconds", "Commits to the lake")


class Part(NamedTuple):
    """Rows that wait for the next commit: when each was received, where it stood, its quality."""

    columns: Columns
    received: lake.Millis
    positions: lake.Millis
    flags: lake.Packed


class Sense:
    """The worker of one brain; there is one at a time (a lock in the data folder sees to that)."""

    def __init__(self, brain: Brain, bus: cloud.Bus, database: cloud.Database, stream: str) -> None:
        settings = brain.settings
        self._brain, self._bus, self._database = brain, bus, database
        self._book = ThingBook(brain, database)
        self._table = lake.ObservationsTable(settings.folder / "lake", stream)
        self._live = lake.LiveState()
        self._judge = watch.Judge(brain.rules, brain.derives)
        self._flagger = lake.Flagger()
        self._stream = stream
        self._file: Path = settings.folder / "run" / "sense.checkpoint"
        self._every = parse_duration(settings.lake.commit) / 1000
        self._rows = settings.lake.rows
        self._checkpoint_every = parse_duration(settings.lake.checkpoint) / 1000
        self.position = 0
        self._parts: list[Part] = []
        self._waiting = 0
        self._leaving: list[Part] = []  # on their way to the table
        self._commit: asyncio.Task[None] | None = None
        self._changed: NDArray[np.bool_] = np.zeros(0, bool)
        self._counts: dict[str, int] = {}
        self._marks: list[tuple[float, int]] = []

    async def open(self) -> None:
        """Load the register and the last checkpoint, then answer questions for live values."""
        await self._book.refresh()
        saved = await asyncio.to_thread(watch.load_checkpoint, self._file)
        if saved is not None:
            state, position = saved
            if state.pop("stream").tobytes().decode() == self._stream:
                self.position = position
            self._live.restore(_part_of(state, "live."))
            self._flag_new_series()
            self._flagger.restore(_part_of(state, "quality."))
            over = self._judge.restore(_part_of(state, "watch."), self._book.register.series)
            self._sync()
            await self._record(over)
        self._sync()
        log.info("sensing", position=self.position, series=len(self._book.register))

        async def snapshot(_request: bytes) -> bytes:
            return self._latest(np.flatnonzero(self._live.time > lake.NEVER)).encode(0, "{}")

        await self._bus.answer(SNAPSHOT, snapshot)

    def _sync(self) -> None:
        size = len(self._book.register)
        self._live.grow(size)
        if len(self._changed) < len(self._live):
            grown = np.zeros(len(self._live), bool)
            grown[: len(self._changed)] = self._changed
            self._changed = grown
        self._judge.sync(self._book.register.series)
        self._flag_new_series()

    def _flag_new_series(self) -> None:
        for kind in self._book.kinds_from(len(self._flagger)):
            self._flagger.add(*kind)

    async def run(self) -> None:
        """Work for ever."""
        commit_at = checkpoint_at = time.monotonic()
        async for messages in self._bus.read_from(cloud.OBSERVATIONS, self.position + 1):
            transitions: list[watch.Transition] = []
            for run in runs(messages):
                transitions += await self._take(run)
            if transitions:
                await self._record(transitions)
            if messages:
                self.position = messages[-1].seq
                lag.set(self.position)
            now = time.monotonic()
            due = now - commit_at >= self._every or self._waiting >= self._rows
            if due and self._parts and self._idle():
                self._commit = asyncio.create_task(self._write(*self._leave()))
                commit_at = now
            if self._waiting > 4 * self._rows and self._commit is not None:
                await self._commit  # the lake is behind: the stream holds the rest
            if now - checkpoint_at >= self._checkpoint_every:
                await self._save()
                checkpoint_at = time.monotonic()

    def _idle(self) -> bool:
        """Whether no commit is under way; raises what ended the last one.

        A commit that failed for good must end the worker: the next one would move the table's
        position past rows that are not in it.
        """
        if self._commit is not None and self._commit.done():
            self._commit.result()
            self._commit = None
        return self._commit is None

    async def _take(self, messages: list[cloud.Message]) -> list[watch.Transition]:
        """Judge a tick, or messages that came one after the other."""
        if messages[0].subject == TICK:
            return self._judge.tick(int(messages[0].data), messages[0].seq)
        parts: list[Read] = []
        for message in messages:
            try:
                parts.append(Read(message, *lake.decode(message.data)))
            except lake.UnreadableBatch as fault:
                await self._keep_raw(message, fault)
        batch = joined(parts)
        if len(batch.rows) and int(batch.rows.series[-1]) >= len(self._book.register):
            await self._book.refresh()
            self._sync()
        if len(parts) > 1 and not (batch.in_turn and self._judge.joins(batch.rows)):
            return [change for one in parts for change in await self._judged(joined([one]))]
        return await self._judged(batch)

    async def _judged(self, batch: Batch) -> list[watch.Transition]:
        if not len(batch.rows):
            return []
        admission = self._live.admit(
            batch.rows, partial(self._look_up, position=batch.parts[0].message.seq)
        )
        if admission.conflict.any():
            await self._keep_contradictions(batch.take(admission.conflict))
        new = batch if admission.new.all() else batch.take(admission.new)
        judged.labels("duplicate").inc(int(admission.duplicate.sum()))
        if not len(new.rows):
            return []
        positions = new.positions
        outcome = self._judge.step(new.rows, positions)
        if outcome.late.any():
            late = outcome.late & (new.rows.quality == Quality.GOOD)
            new.rows.quality[late] = Quality.LATE
            judged.labels("late").inc(int(late.sum()))
        judged.labels("new").inc(len(new.rows))
        flags = self._flagger.step(new.rows, new.part)
        self._add(Part(new.rows, new.received, positions, flags))
        if len(outcome.derived):
            self._live.put(outcome.derived)
            count, last = len(outcome.derived), batch.parts[-1]
            received, at = np.full(count, last.received), np.full(count, last.message.seq)
            self._add(Part(outcome.derived, received, at, self._flagger.step(outcome.derived)))
        return outcome.transitions

    def _add(self, part: Part) -> None:
        self._parts.append(part)
        self._waiting += len(part.columns)
        self._changed[part.columns.series] = True
        for kind, count in self._book.kinds(part.columns.series):
            self._counts[kind] = self._counts.get(kind, 0) + count

    def _look_up(self, rows: Columns, position: int) -> lake.Floats:
        """Return the values of (series, time) that wait for a commit or are in the table."""
        waiting = lake.joined([part.columns for part in (*self._leaving, *self._parts)])
        values = lake.values_at(waiting, rows)
        deep = np.flatnonzero(np.isnan(values))
        values[deep] = self._table.values_of(rows.take(deep), self._book.register, position)
        return values

    def _append(self, parts: list[Part], upto: int) -> int:
        if not parts:
            return 0
        received = np.concatenate([part.received for part in parts])
        positions = np.concatenate([part.positions for part in parts])
        columns = lake.joined([part.columns for part in parts])
        flags = np.concatenate([part.flags for part in parts])
        fresh = flags[positions > self._table.position]
        count = self._table.append(columns, received, positions, self._book.register, upto, flags)
        for (test, flag), rows in lake.flag_counts(fresh).items():
            flagged.labels(test, flag).inc(rows)
        return count

    def _leave(self) -> tuple[list[Part], int]:
        """Take what waits for a commit up to here: between batches, when none is under way."""
        self._leaving, self._parts, self._waiting = self._parts, [], 0
        return self._leaving, self.position

    async def _write(self, parts: list[Part], upto: int) -> None:
        """Commit rows up to a position, however long that takes."""
        wait = 0.5
        while True:
            try:
                with commit_seconds.time():
                    committed.inc(await asyncio.to_thread(self._append, parts, upto))
            except WorldFault as fault:
                log.warning("lake waits", fault=str(fault))
                await asyncio.sleep(wait)
                wait = min(wait * 2, 10)
            else:
                self._leaving = []
                return

    async def _record(self, transitions: Sequence[watch.Transition]) -> None:
        """Write warnings down; nothing else goes on until they are."""
        for start in range(0, len(transitions), RECORD):
            await self._record_some(transitions[start : start + RECORD])

    async def _record_some(self, transitions: Sequence[watch.Transition]) -> None:
        wait = 0.1
        while True:
            try:
                async with self._database.write("system:watch") as session:
                    now = self._brain.clock.now()
                    await watch.record(session, transitions, self._brain.rule_book, self._book, now)
            except (SQLAlchemyError, OSError) as fault:
                log.warning("operations store waits", fault=str(fault))
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5)
            else:
                return

    async def _keep_raw(self, message: cloud.Message, fault: lake.UnreadableBatch) -> None:
        raw = {"payload": message.data[:2048].decode(errors="backslashreplace")}
        await self._keep(
            [self._rejected(message, 0, network.Reason.MALFORMED, str(fault), ("", "", raw))]
        )

    async def _keep_contradictions(self, batch: Batch) -> None:
        register = self._book.register
        why = "another value of the same property at the same time is in the lake already"
        items = []
        for part in np.unique(batch.part).tolist():
            rows, (message, _, _, source) = batch.of_part(part), batch.parts[part]
            for n, (index, at, value) in enumerate(
                zip(rows.series.tolist(), rows.time.tolist(), rows.value.tolist(), strict=True)
            ):
                of = register.series[index]
                raw = {"thing": of.thing, "property": of.property, "time": at, "value": value}
                known = (of.thing, of.property, {**raw, "source": source})
                items.append(self._rejected(message, n, network.Reason.CONTRADICTION, why, known))
        await self._keep(items)

    def _rejected(
        self, message: cloud.Message, n: int, reason: network.Reason, why: str,
        known: tuple[str, str, Any],
    ) -> network.Rejected:  # fmt: skip
        key = fixed_id("sense", self._stream, message.seq, n)
        thing, prop, raw = known
        return network.Rejected(key, reason, why[:400], "sense", message.time, thing, prop, raw)

    async def _keep(self, items: list[network.Rejected]) -> None:
        wait = 0.1
        for start in range(0, len(items), 500):
            body = msgspec.json.encode(items[start : start + 500])
            while True:
                try:
                    await self._bus.publish("quarantine.items", body, msg_id=items[start].id)
                except WorldFault as fault:
                    log.warning("quarantine waits", fault=str(fault))
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, 5)
                else:
                    break

    async def _save(self) -> None:
        """Write a checkpoint of this position, once everything up to it is in the lake."""
        position = self.position
        state = {f"live.{key}": value.copy() for key, value in self._live.state().items()}
        state.update({f"watch.{key}": value for key, value in self._judge.state().items()})
        state.update({f"quality.{key}": value for key, value in self._flagger.state().items()})
        state["stream"] = np.frombuffer(self._stream.encode(), np.uint8)
        if self._commit is not None:
            await self._commit
        await self._write(*self._leave())
        try:
            await asyncio.to_thread(watch.save_checkpoint, self._file, state, position)
            await self._trim(position)
        except (OSError, WorldFault) as fault:
            log.warning("checkpoint waits", fault=str(fault))

    async def _trim(self, position: int) -> None:
        """Remove from the stream what is in the lake and in the checkpoint, when it is old."""
        settings = self._brain.settings.bus
        now, keep = time.monotonic(), parse_duration(settings.retain) / 1000
        self._marks.append((now, position))
        state = await self._bus.state(cloud.OBSERVATIONS)
        crowded = state["bytes"] > settings.stream_mib * 1024 * 1024 // 2
        old = [mark for at, mark in self._marks if crowded or now - at > keep]
        if old:
            await self._bus.forget(cloud.OBSERVATIONS, old[-1])
            self._marks = [(at, mark) for at, mark in self._marks if mark > old[-1]]

    def _latest(self, index: NDArray[np.intp]) -> Columns:
        live = self._live
        return Columns(
            index.astype(np.int32), live.time[index], live.value[index], live.quality[index]
        )

    async def tell(self) -> None:
        """Tell the surfaces what changed, a few times a second, for ever."""
        while True:
            await asyncio.sleep(TELL)
            index = np.flatnonzero(self._changed)
            if not len(index):
                continue
            self._changed[index] = False
            counts, self._counts = self._counts, {}
            for start in range(0, len(index), TELL_ROWS):
                note = msgspec.json.encode(counts).decode() if start == 0 else "{}"
                columns = self._latest(index[start : start + TELL_ROWS])
                await self._bus.notify(LATEST, columns.encode(self._brain.clock.now(), note))

    async def tick(self) -> None:
        """Put the clock's time on the stream, a few times a second, for ever."""
        while True:
            now = self._brain.clock.now()
            try:
                await self._bus.publish(TICK, str(now).encode(), msg_id=f"tick-{now}", timeout=2)
            except WorldFault as fault:
                log.info("tick left out", fault=str(fault))
            await asyncio.sleep(TICKS)

    async def tidy(self) -> None:
        """Sort closed days and drop those past retention, for ever."""
        settings = self._brain.settings.lake
        retention = parse_duration(settings.retention)
        while True:
            await asyncio.sleep(parse_duration(settings.tidy) / 1000)
            try:
                await asyncio.to_thread(self._table.tidy, self._brain.clock.now(), retention)
            except Exception:
                log.exception("tidying the lake")

    async def keep_ledger(self) -> None:
        """Carry every event of the house into the lake, for ever."""
        stream = await self._bus.identity(cloud.EVENTS)
        ledger = lake.EventLedger(self._brain.settings.folder / "lake", stream)
        waiting: list[cloud.Message] = []
        written = trimmed = time.monotonic()
        reader = self._bus.read_from(cloud.EVENTS, ledger.position + 1, batch=1000, wait=0.2)
        async for messages in reader:
            waiting += messages
            while waiting and (time.monotonic() - written > 2 or len(waiting) > LEDGER_ROWS):
                written = time.monotonic()
                try:
                    await asyncio.to_thread(ledger.append, waiting)
                    waiting = []
                except WorldFault as fault:
                    log.warning("ledger waits", fault=str(fault))
                    await asyncio.sleep(1)
            if time.monotonic() - trimmed > TRIM:
                trimmed = time.monotonic()
                try:
                    await self._trim_events(stream, ledger.position)
                except (WorldFault, SQLAlchemyError, OSError) as fault:
                    log.warning("events stay", fault=str(fault))

    async def _trim_events(self, stream: str, upto: int) -> None:
        """Remove the older events, when they crowd, that the ledger and the cases have."""
        state = await self._bus.state(cloud.EVENTS)
        if state["bytes"] <= self._brain.settings.bus.stream_mib * 1024 * 1024 // 8:
            return
        cases = await cloud.position_of(self._database, f"{CASES}:{stream}")
        newest = await self._bus.last(cloud.EVENTS, WARNINGS)
        if newest is not None and newest.seq > cases:
            upto = min(upto, cases)
        ready = upto - cloud.RELAYED  # the relay looks back so far when it starts
        if ready > state["first_seq"]:
            await self._bus.forget(cloud.EVENTS, ready)


def _part_of(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


async def run_sense(brain: Brain, bus: cloud.Bus, database: cloud.Database) -> None:
    """Run the worker until cancelled; FolderInUse when another one works in this folder."""
    with cloud.hold(brain.settings.folder, "sense"):
        await _run(brain, bus, database)


async def _run(brain: Brain, bus: cloud.Bus, database: cloud.Database) -> None:
    stream = await bus.identity(cloud.OBSERVATIONS)
    sense = Sense(brain, bus, database, stream)
    await sense.open()
    async with asyncio.TaskGroup() as tasks:
        for work in (sense.run, sense.tell, sense.tick, sense.tidy, sense.keep_ledger):
            tasks.create_task(work())
        tasks.create_task(cloud.poke_after_writes(database, bus))
