"""One run of one pull, by the kind of its source. Everything read is on the stream at the end."""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from zhiyin.cloud import PullSettings
from zhiyin.kernel import CallerFault
from zhiyin.network.pull import store
from zhiyin.network.pull.around import MIB, Around, Came
from zhiyin.network.pull.declared import DeclaredPull
from zhiyin.network.pull.deliver import Delivery
from zhiyin.network.pull.faults import NotAsDeclared, TooMuch
from zhiyin.network.pull.fetch import Web, in_folder, set_apart
from zhiyin.network.pull.gbfs_work import gbfs_work
from zhiyin.network.pull.sftp import sftp
from zhiyin.network.pull.sql import bound, rows_of
from zhiyin.network.pull.tables import Record, open_table
from zhiyin.network.pull.watermark import Watermark
from zhiyin.network.replay_rows import Row, RowReader

CHUNK = 5_000  # rows read at once beside the event loop


class Part(NamedTuple):
    """Some rows, and what they hold in the watermark's column."""

    rows: list[Row]
    marks: list[Any]

    def __bool__(self) -> bool:
        return bool(self.rows)


async def work(
    one: DeclaredPull, told: PullSettings, state: store.PullState, run: Delivery, around: Around
) -> Came:
    """Fetch what is new and hand it over; raises faults, the cause for all to see."""
    kinds = {
        "http": _http,
        "folder": _folder,
        "sftp": _sftp,
        "database": _database,
        "gbfs": gbfs_work,
    }
    return await kinds[one.pull.from_](one, told, state, run, around)


async def _http(
    one: DeclaredPull, told: PullSettings, state: store.PullState, run: Delivery, around: Around
) -> Came:
    pull = one.pull
    web, limit = Web(pull.pull, told, around.client), pull.limit_mib * MIB
    params = None
    if pull.since:
        asked = bound(pull.since, state.watermark)
        params = {
            pull.since.parameter: asked.isoformat() if hasattr(asked, "isoformat") else str(asked)
        }
    with tempfile.TemporaryDirectory(dir=around.folder) as folder:
        # With a watermark the address changes, and with it what a validator stands for.
        validators = {} if pull.since else state.validators
        got = await web.get(told.url, Path(folder) / "body", limit, validators, params)
        run.result.bytes = got.size
        if got.file is None:
            run.result.unchanged = True
            return Came(state.watermark, got.validators)
        mark = Watermark(pull.since, state.watermark, ordered=False) if pull.since else None
        await _file(one, got.file, run, mark)
    await run.finish()
    return Came(mark.value if mark else state.watermark, got.validators)


async def _folder(
    one: DeclaredPull, told: PullSettings, state: store.PullState, run: Delivery, around: Around
) -> Came:
    pull, limit = one.pull, one.pull.limit_mib * MIB
    files = await asyncio.to_thread(in_folder, Path(told.url), pull.files, limit, pull.pull)
    async with around.database.read() as session:
        taken = await store.files_taken(session, pull.pull)
    trouble: Exception | None = None
    for found in files:
        if taken.get(found.name) == found.mark:
            continue
        try:
            _bounded(found.name, found.size, limit)
            await _file(one, found.path, run, None)
        except CallerFault as fault:
            trouble = trouble or fault  # one file must not keep the others out
            continue
        run.result.bytes += found.size
        await run.finish()
        moved = pull.done == "move" and await asyncio.to_thread(set_apart, found)
        if not moved:
            await _remember(around, pull.pull, found.name, found.mark)
    await _forget(around, pull.pull, {found.name for found in files})
    run.result.unchanged = not run.result.files
    if trouble:
        raise trouble
    return Came(state.watermark, state.validators)


def _bounded(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise TooMuch(name, limit=f"{limit} bytes")


async def _sftp(
    one: DeclaredPull, told: PullSettings, state: store.PullState, run: Delivery, around: Around
) -> Came:
    pull, limit = one.pull, one.pull.limit_mib * MIB
    trouble: Exception | None = None
    async with sftp(pull.pull, told) as far:
        files = await far.files(pull.files)
        async with around.database.read() as session:
            taken = await store.files_taken(session, pull.pull)
        for remote in files:
            if taken.get(remote.name) == remote.mark:
                continue
            try:
                with tempfile.TemporaryDirectory(dir=around.folder) as folder:
                    into = Path(folder) / "body"
                    run.result.bytes += await far.fetch(remote, into, limit)
                    await _file(one, into, run, None)
            except CallerFault as fault:
                trouble = trouble or fault
                continue
            await run.finish()
            if pull.done == "move":
                await far.set_apart(remote)
            else:
                await _remember(around, pull.pull, remote.name, remote.mark)
        await _forget(around, pull.pull, {remote.name for remote in files})
    run.result.unchanged = not run.result.files
    if trouble:
        raise trouble
    return Came(state.watermark, state.validators)


async def _remember(around: Around, key: str, name: str, mark: str) -> None:
    async with around.database.write("system:pull") as session:
        await store.take_file(session, key, name[:512], mark, around.clock.now())


async def _forget(around: Around, key: str, there: set[str]) -> None:
    async with around.database.write("system:pull") as session:
        await store.forget_files(session, key, {name[:512] for name in there})


async def _database(
    one: DeclaredPull, told: PullSettings, state: store.PullState, run: Delivery, around: Around
) -> Came:
    pull, mapping = one.pull, one.mapping
    assert mapping is not None
    mark = Watermark(pull.since, state.watermark, ordered=True) if pull.since else None
    reader = RowReader(pull.pull, mapping, one.targets)
    async with rows_of(pull, told, mapping, state.watermark) as (header, parts):
        reader.begin(header)
        cut = False
        async for part in parts:
            left = pull.rows - reader.counts.rows
            cut = len(part) > left
            read = await asyncio.to_thread(_part, reader, iter(part[:left]), None)
            await _hand_over(read, run, mark)
            if cut:
                break
    await run.finish()
    run.result.missing, run.result.files = reader.counts.missing, 1
    if cut and (mark is None or mark.complete == state.watermark):
        raise TooMuch(pull.pull, limit=f"{pull.rows} rows")
    if mark is None:
        return Came(state.watermark, {})
    # Of a query that was cut, rows of the last value may still follow.
    return Came(mark.complete if cut else mark.value, {}, around.clock.now() if cut else 0)


async def _file(one: DeclaredPull, file: Path, run: Delivery, mark: Watermark | None) -> None:
    """Read a table of a file and hand its rows over, a part at a time."""
    assert one.mapping is not None
    assert one.pull.table is not None
    header, records = await asyncio.to_thread(open_table, file, one.pull.table, one.mapping)
    reader = RowReader(file.name, one.mapping, one.targets)
    reader.begin(header)
    at: int | None = None
    if one.pull.since:
        if one.pull.since.column not in header:
            raise NotAsDeclared(file.name, reason=f"no column {one.pull.since.column}")
        at = header.index(one.pull.since.column)
    while part := await asyncio.to_thread(_part, reader, records, at):
        await _hand_over(part, run, mark)
    run.result.missing += reader.counts.missing
    run.result.files += 1


def _part(reader: RowReader, records: Iterable[Record], at: int | None) -> Part:
    """Read the next rows of a table, with the values of column `at`."""
    taken = list(islice(records, CHUNK))
    marks = [
        one.mark if at is None else one.cells[at] for one in taken if len(one.cells) > (at or 0)
    ]
    return Part([*_read(reader, taken)], marks) if taken else Part([], [])


async def _hand_over(part: Part, run: Delivery, mark: Watermark | None) -> None:
    run.result.rows += len(part.rows)
    await run.take(part.rows)
    if mark:
        for value in part.marks:
            mark.feed(value)


def _read(reader: RowReader, part: list[Record]) -> Iterator[Row]:
    for record in part:
        if record.problem:
            yield reader.unreadable(record.line, record.problem)
        else:
            yield reader.row(record.line, record.cells)
