"""Fetching rows of a database: one query, read only, in parts, from a watermark on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from zhiyin.cloud import PullSettings
from zhiyin.kernel import parse_duration
from zhiyin.network.mapping import Mapping
from zhiyin.network.pull.address import shown
from zhiyin.network.pull.faults import NotAsDeclared, SourceAway, SourceRefuses, SourceUnset
from zhiyin.network.pull.fetch import secret_of
from zhiyin.network.pull.section import Pull, Since
from zhiyin.network.pull.tables import Record, cell

PART = 1_000  # rows fetched at once
_READ_ONLY = {"postgresql": "SET TRANSACTION READ ONLY", "sqlite": "PRAGMA query_only = ON"}


@asynccontextmanager
async def rows_of(
    one: Pull, told: PullSettings, mapping: Mapping, since: Any
) -> AsyncIterator[tuple[list[str], AsyncIterator[list[Record]]]]:
    """Give the columns of the query and its rows in parts; the connection ends with the block."""
    address = shown(told.url)
    try:
        engine = create_async_engine(_address(one, told), pool_size=1, max_overflow=0)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as fault:
        reason = "url should be that of an async SQLAlchemy driver that is installed"
        raise SourceUnset(pull=one.pull, reason=reason) from fault
    try:
        async with engine.connect() as connection:
            if engine.dialect.name in _READ_ONLY:
                await connection.execute(text(_READ_ONLY[engine.dialect.name]))
            header, parts = await _ask(connection, one, mapping, since)
            yield header, parts
    except SQLAlchemyError as fault:
        reason = str(getattr(fault, "orig", None) or fault).split("\n")[0][:200]
        if getattr(fault, "connection_invalidated", False):
            raise SourceAway(address=address, reason=reason) from fault
        raise SourceRefuses(address=address, reason=reason) from fault
    except OSError as fault:
        raise SourceAway(address=address, reason=fault.strerror or str(fault)) from fault
    finally:
        await engine.dispose()


def _address(one: Pull, told: PullSettings) -> Any:
    from sqlalchemy import make_url  # noqa: PLC0415

    url = make_url(told.url)
    secret = secret_of(told, one.pull)
    if told.user:
        url = url.set(username=told.user)
    return url.set(password=secret) if secret else url


async def _ask(
    connection: AsyncConnection, one: Pull, mapping: Mapping, since: Any
) -> tuple[list[str], AsyncIterator[list[Record]]]:
    params = {"since": bound(one.since, since)} if one.since else {}
    result = await connection.stream(text(one.query), params, execution_options={"yield_per": PART})
    names = [str(name) for name in result.keys()]  # noqa: SIM118  (a result is no dictionary)
    if one.since and one.since.column not in names:
        raise NotAsDeclared(one.pull, reason=f"the query gives no column {one.since.column}")
    mark = names.index(one.since.column) if one.since else None

    async def parts() -> AsyncIterator[list[Record]]:
        line = 0
        async for rows in result.partitions(PART):
            part = []
            for row in rows:
                line += 1
                cells = [cell(v, n, mapping) for n, v in zip(names, row, strict=True)]
                part.append(Record(line, cells, "", None if mark is None else row[mark]))
            yield part

    return names, parts()


def bound(since: Since, watermark: Any) -> Any:
    """Return what is asked for: the watermark, or where to begin, less the overlap."""
    value = since.begin if watermark is None else watermark
    if since.kind == "text":
        return str(value)
    if since.kind == "number":
        return value
    moment = datetime.fromisoformat(str(value))
    return moment - timedelta(milliseconds=parse_duration(since.overlap))
