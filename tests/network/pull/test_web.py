"""Tables over HTTP: only what is new, from where it stopped, and never where it should not go."""

import gzip
import json
import threading
from typing import Any

import pytest

from tests.fakes.source import Asked, Told, source
from tests.network.pull.conftest import Desk
from zhiyin.kernel import HOUR, MINUTE, moment_of

CSV = """
pulls:
  - {pull: p, title: {zh-CN: 试, en: t}, every: 5min, from: http, table: {mapping: docks}}
"""


def at(millis: int) -> str:
    """Return a time as the mapping has it: the district's, to the minute."""
    return moment_of(millis + 8 * HOUR).strftime("%Y-%m-%d %H:%M")


def table(*rows: tuple[str, int, Any, Any]) -> bytes:
    lines = [f"{dock},{at(time)},{bikes},{free}" for dock, time, bikes, free in rows]
    return "\n".join(["dock,at,bikes,free", *lines, ""]).encode()


async def test_a_table_is_fetched_again_only_when_it_is_another(desk: Desk) -> None:
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    bodies = {
        "one": table(("a", now, 3, 7)),
        "two": table(("a", now, 3, 7), ("a", now + MINUTE, 4, 6)),
    }
    served = "one"

    def answer(asked: Asked) -> Told:
        if asked.headers.get("if-none-match") == served:
            return Told(status=304)
        return Told(bodies[served], headers={"ETag": served})

    with source(answer) as web:
        runner = desk.runner(CSV, url=f"{web.url}/docks.csv", secret="s", header="X-Key")
        assert await runner.attempt("p")
        assert web.asked[0].headers["x-key"] == "s"
        state = await desk.state()
        assert (state.result["accepted"], state.result["unchanged"]) == (2, False)
        assert state.next_at == desk.clock.now() + 5 * MINUTE
        desk.clock.advance(5 * MINUTE)
        await runner.attempt("p")
        assert (await desk.state()).result["unchanged"] is True
        served = "two"
        await desk.runner(CSV, url=f"{web.url}/docks.csv").attempt("p")  # as after a restart
        assert (await desk.state()).result["accepted"] == 4
    assert [row[:4] for row in await desk.landed()][:2] == [
        ("a", "bikes", now, 3.0), ("a", "bikes", now + MINUTE, 4.0),
    ]  # fmt: skip


SINCE = """
pulls:
  - pull: p
    title: {zh-CN: 试, en: t}
    every: 1min
    from: http
    table: {mapping: docks, as: json, at: data.items}
    since: {column: at, parameter: start, kind: text, begin: "2000"}
"""


async def test_it_asks_for_what_comes_after_and_moves_on_only_with_the_stream(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    rows = [{"dock": "a", "at": at(now + n * MINUTE), "bikes": n, "free": None} for n in range(4)]

    def answer(asked: Asked) -> Told:
        newer = [row for row in rows if str(row["at"]) > asked.query["start"]]
        return Told(json.dumps({"data": {"items": newer[:2]}}).encode())

    with source(answer) as web:
        runner = desk.runner(SINCE, url=f"{web.url}/rows")
        await runner.attempt("p")
        assert (await desk.state()).watermark == at(now + MINUTE)

        async def full(*_: Any, **__: Any) -> int:
            from zhiyin.cloud import BusFull

            raise BusFull("observations", reason="test")

        with monkeypatch.context() as patch:
            patch.setattr(desk.bus, "publish", full)
            await runner.attempt("p")
        state = await desk.state()
        assert (state.watermark, state.failures) == (at(now + MINUTE), 1)
        assert state.fault["code"] == "cloud-011"
        assert state.next_at == desk.clock.now() + 10_000  # tried again before its time
        await runner.attempt("p")
        state = await desk.state()
        assert (state.watermark, state.failures, state.fault) == (at(now + 3 * MINUTE), 0, {})
        await runner.attempt("p")  # nothing new
        assert (await desk.state()).watermark == at(now + 3 * MINUTE)
    assert [row[3] for row in await desk.landed()] == [0.0, 1.0, 2.0, 3.0]
    assert [asked.query["start"] for asked in web.asked][-1] == at(now + 3 * MINUTE)


@pytest.mark.parametrize(
    ("told", "code", "says"),
    [
        (Told(status=503, headers={"Retry-After": "120"}), "network-040", "HTTP 503"),
        (Told(status=401), "network-041", "HTTP 401"),
        (Told(status=304), "network-041", "HTTP 304"),  # unasked for
        (Told(b"x", headers={"Content-Length": "9"}), "network-040", "RemoteProtocolError"),
        (Told(b"no,such,columns\n"), "network-111", "dock"),
        (Told(b""), "network-111", "dock"),
        (Told(b"x" * 200_000), "network-044", "field larger"),
        (Told(b"\0," * 5_000), "network-111", "dock"),
        (Told(gzip.compress(b" " * 2_000_000), headers={"Content-Encoding": "gzip"}),
         "network-043", "1048576 bytes"),
        (Told(status=302, headers={"Location": "http://127.0.0.2:1/"}), "network-041", "127.0.0.2"),
        (Told(status=302, headers={"Location": "file:///etc/passwd"}), "network-041", "file://"),
        (Told(status=302, headers={"Location": "/"}), "network-041", "without end"),
    ],
    ids=lambda part: str(part)[:24],
)  # fmt: skip
async def test_what_goes_wrong_is_told_and_tried_again(
    desk: Desk, told: Told, code: str, says: str
) -> None:
    text = CSV.replace("from: http", "from: http, limit_mib: 1")
    with source(lambda _: told) as web:
        await desk.runner(text, url=f"{web.url}/x?key=hidden", user="u", secret="pw").attempt("p")
    state = await desk.state()
    assert state.fault["code"] == code
    assert says in json.dumps(state.fault)
    assert "hidden" not in json.dumps(state.fault)
    wait = {"network-040": 120_000 if told.status == 503 else 10_000}.get(code, 5 * MINUTE)
    assert state.next_at == desk.clock.now() + wait
    assert await desk.landed() == []


async def test_a_source_that_is_gone_is_tried_at_growing_distances(desk: Desk) -> None:
    runner = desk.runner(CSV, url="http://127.0.0.1:9/x")
    waits = []
    for _ in range(7):
        await runner.attempt("p")
        waits.append(((await desk.state()).next_at - desk.clock.now()) // 1000)
    assert waits == [10, 20, 40, 80, 160, 300, 300]
    assert (await desk.state()).failures == 7


async def test_a_source_that_drips_is_ended_in_time(desk: Desk) -> None:
    text = CSV.replace("from: http", "from: http, within: 200ms")
    enough = threading.Event()

    def drip(_: Asked) -> Told:
        enough.wait(20)
        return Told()

    with source(drip) as web:
        await desk.runner(text, url=web.url).attempt("p")
        enough.set()
    assert (await desk.state()).fault["code"] == "network-043"


async def test_credentials_stay_at_home(desk: Desk) -> None:
    await desk.register("a")
    body = table(("a", desk.clock.now() // MINUTE * MINUTE, 1, 2))
    with source(lambda _: Told(body)) as other:

        def away(_: Asked) -> Told:
            return Told(status=302, headers={"Location": other.url})

        with source(away) as web:
            host = other.url.removeprefix("http://")
            runner = desk.runner(CSV, url=web.url, secret="token", hosts=(host,))
            await runner.attempt("p")
    assert web.asked[0].headers["authorization"] == "Bearer token"
    assert "authorization" not in other.asked[0].headers
    assert (await desk.state()).result["accepted"] == 2


async def test_bad_rows_are_kept_up_to_a_number_and_counted(desk: Desk) -> None:
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    good = [("a", now - n * MINUTE, n, 1) for n in range(10)]
    bad = [("a", now, "x", "y"), ("b", now, 1, 1), ("a", now - 1000 * MINUTE, 101, 1)] * 20
    text = CSV.replace("from: http", "from: http, keep: 5")
    with source(lambda _: Told(table(*good, *bad))) as web:
        runner = desk.runner(text, url=web.url)
        await runner.attempt("p")
        first = await desk.kept()
        await runner.attempt("p")
    result = (await desk.state()).result
    assert (result["rows"], result["accepted"], result["kept"]) == (70, 21, 5)
    assert result["bad"] == sum(result["reasons"].values()) == 23
    assert result["reasons"] == {"malformed": 20, "unknown_device": 2, "out_of_range": 1}
    assert len(first) == 6  # five, and the word that the others were counted
    assert "18 more bad rows" in next(item.detail for item in first if "counts" in item.raw)
    assert len([item for item in await desk.kept() if "counts" not in item.raw]) == 5
    assert (await desk.state()).ended_at == desk.clock.now()


async def test_old_rows_are_history(desk: Desk) -> None:
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    with source(lambda _: Told(table(("a", now, 1, 1), ("a", now - 1000 * HOUR, 2, 2)))) as web:
        await desk.runner(CSV, url=web.url).attempt("p")
    rows = [(row[2], row[4]) for row in await desk.landed()]
    assert sorted(set(rows)) == [(now - 1000 * HOUR, 2), (now, 0)]
