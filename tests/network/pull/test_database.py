"""Rows of a database: from the watermark on, in order, in parts, and read only."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.conftest import new_database
from tests.network.pull.conftest import Desk
from tests.network.pull.test_web import at
from zhiyin.kernel import MINUTE, millis_of, new_id

ONE = """
pulls:
  - pull: p
    title: {zh-CN: 试, en: t}
    every: 1h
    from: database
    table: {mapping: docks}
    query: "SELECT dock, at, bikes, free, n FROM counts WHERE n > :since ORDER BY n"
    since: {column: n, begin: 0}
    rows: 4
"""
MAPPED = """
mapping: docks
title: {zh-CN: 试, en: test}
type: dock
thing: {column: dock}
time: {columns: [at], format: "%Y-%m-%d %H:%M"}
columns: {bikes: {property: bikes}, free: {property: free}}
ignore: [n]
"""


class Books:
    """A database of counts."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.do("CREATE TABLE counts (dock, at, bikes, free, n)")

    def do(self, text: str, *rows: tuple[Any, ...]) -> None:
        connection = sqlite3.connect(self.file)
        with connection:
            connection.executemany(text, rows) if rows else connection.execute(text)
        connection.close()

    def add(self, *rows: tuple[Any, ...]) -> None:
        self.do("INSERT INTO counts VALUES (?, ?, ?, ?, ?)", *rows)

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self.file}"


@pytest.fixture
async def books(desk: Desk) -> Books:
    desk.mapping(MAPPED)
    await desk.register("a")
    return Books(desk.folder / "counts.db")


async def test_each_row_is_fetched_once_and_a_cut_query_goes_on_at_once(
    desk: Desk, books: Books
) -> None:
    now = desk.clock.now() // MINUTE * MINUTE
    books.add(*[("a", at(now - n * MINUTE), n, n, n // 2 + 1) for n in range(9)])
    runner = desk.runner(ONE, url=books.url)
    marks, due = [], []
    for _ in range(4):
        await runner.attempt("p")
        state = await desk.state()
        assert state.fault == {}
        marks.append(state.watermark)
        due.append(state.next_at == desk.clock.now())
    # Of the last value of a cut query rows may still follow, so it is asked for again.
    assert marks == [1, 2, 3, 5]
    assert due == [True, True, True, False]
    assert len(await desk.landed()) == 18
    await runner.attempt("p")
    state = await desk.state()
    assert (state.watermark, state.result["rows"]) == (5, 0)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([3, 1], "not in the order"),
        ([1, 1, 1, 1, 1], "4 rows"),
        (["x"], "is no number to go by"),
    ],
)
async def test_what_has_no_order_moves_nothing(
    desk: Desk, books: Books, rows: list[Any], says: str
) -> None:
    now = desk.clock.now() // MINUTE * MINUTE
    books.add(*[("a", at(now - n * MINUTE), 1, 1, mark) for n, mark in enumerate(rows)])
    text = ONE.replace("ORDER BY n", "").replace("n > :since", "(n > :since OR n = 'x')")
    await desk.runner(text, url=books.url).attempt("p")
    state = await desk.state()
    assert says in str(state.fault)
    assert state.watermark is None


async def test_nothing_is_written_there(desk: Desk, books: Books) -> None:
    books.add(("a", "x", 1, 1, 1))
    text = ONE.replace("SELECT dock, at, bikes, free, n FROM", "DELETE FROM")
    text = text.replace("ORDER BY n", "RETURNING dock, at, bikes, free, n")
    await desk.runner(text, url=books.url).attempt("p")
    assert (await desk.state()).fault["code"] == "network-041"
    connection = sqlite3.connect(books.file)
    assert connection.execute("SELECT count(*) FROM counts").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("nonsense", "network-042"),
        ("oracle://host/db", "network-042"),
        ("sqlite+aiosqlite:////nowhere/at/all.db", "network-041"),
        ("postgresql+asyncpg://u:pw@127.0.0.1:9/db", "network-040"),
    ],
)
async def test_a_database_that_cannot_be_opened(
    desk: Desk, books: Books, url: str, code: str
) -> None:
    await desk.runner(ONE, url=url).attempt("p")
    fault = (await desk.state()).fault
    assert fault["code"] == code
    assert "pw" not in str(fault)


@pytest.mark.postgres
async def test_postgresql_by_time(desk: Desk, books: Books, postgres: dict[str, Any]) -> None:
    name = new_id()
    url = await new_database(postgres, name)
    desk.mapping(MAPPED.replace("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z"))
    start = datetime.fromtimestamp(desk.clock.now() // 1000 - 600, UTC)
    connection = await asyncpg.connect(database=name, **postgres)
    await connection.execute(
        "CREATE TABLE counts (dock text, at timestamptz, bikes numeric, free float8, n bigint)"
    )
    rows = [("a", start + timedelta(minutes=n), n, float(n), n) for n in range(6)]
    await connection.executemany("INSERT INTO counts VALUES ($1, $2, $3, $4, $5)", rows)
    text = (
        ONE.replace("n > :since ORDER BY n", "at >= :since ORDER BY at")
        .replace("column: n, begin: 0", "column: at, kind: time, overlap: 2min, begin: BEGIN")
        .replace("BEGIN", '"2000-01-01T00:00:00+00:00"')
        .replace("rows: 4", "rows: 100")
    )
    runner = desk.runner(text, url=url)
    await runner.attempt("p")
    state = await desk.state()
    assert (state.fault, state.result["accepted"]) == ({}, 12)
    assert datetime.fromisoformat(state.watermark) == rows[-1][1]
    late = ("a", start + timedelta(minutes=3, seconds=30), 50, 50.0, 9)  # committed late
    await connection.execute("INSERT INTO counts VALUES ($1, $2, $3, $4, $5)", *late)
    await connection.close()
    await runner.attempt("p")
    found = {(row[2], row[3]) for row in await desk.landed() if row[1] == "bikes"}
    assert (millis_of(late[1]), 50.0) in found
    assert len(found) == 7
