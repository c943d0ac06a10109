"""When a pull is run, by whom, and what a great many bad rows cost."""

import asyncio
import contextlib
import resource
import threading

import pytest

from tests.fakes.source import Asked, Told, source
from tests.network.pull.conftest import Desk
from tests.network.pull.test_files import ONE
from tests.network.pull.test_web import CSV, at, table
from zhiyin.kernel import MINUTE
from zhiyin.network.pull import store


async def test_it_runs_at_its_time_and_when_it_is_asked_to(desk: Desk) -> None:
    await desk.register("a")
    start = desk.clock.now()
    body = table(("a", start // MINUTE * MINUTE, 1, 1))
    runs: list[int] = []
    enough, loop = asyncio.Event(), asyncio.get_running_loop()
    asked_at = start + 7 * MINUTE + 30_000

    def answer(_: Asked) -> Told:
        runs.append((desk.clock.now() - start) // 1000)
        if len(runs) == 6:
            loop.call_soon_threadsafe(enough.set)
        return Told(status=503) if len(runs) == 3 else Told(body)

    async def pause(seconds: float) -> None:
        assert seconds <= 1
        await asyncio.sleep(0.01)  # the run is beside us, over the network
        state = await desk.state()
        asked = state.asked_at > state.started_at
        if asked or state.next_at <= desk.clock.now() or state.state == "running":
            return  # the clock stands still while there is something to do
        desk.clock.advance(30_000)
        if desk.clock.now() == asked_at:
            async with desk.store.write("user:test") as session:
                await store.change(session, "p", asked_at=asked_at)

    with source(answer) as web:
        task = asyncio.ensure_future(desk.runner(CSV, url=web.url).run(pause))
        await asyncio.wait_for(enough.wait(), 60)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    # At once, after 5 min, when asked at 7:30; that failed, so after 30 s again; then every 5 min.
    assert runs[:6] == [0, 300, 450, 480, 780, 1080]


async def test_one_runner_at_a_time(desk: Desk) -> None:
    await desk.register("a")
    begun, enough = threading.Event(), threading.Event()

    def slow(_: Asked) -> Told:
        begun.set()
        enough.wait(20)
        return Told(table(("a", desk.clock.now() // MINUTE * MINUTE, 1, 1)))

    with source(slow) as web:
        one, other = (desk.runner(CSV, url=web.url) for _ in range(2))
        first = asyncio.ensure_future(one.attempt("p"))
        await asyncio.to_thread(begun.wait, 10)
        assert await other.attempt("p") is False
        assert (await desk.state()).state == "running"
        enough.set()
        assert await first is True
        desk.clock.advance(1)
        assert await other.attempt("p") is True
        # One that was killed at it holds it for a while.
        async with desk.store.write("test") as session:
            await store.hold(session, "p", "dead", desk.clock.now(), desk.clock.now() + MINUTE)
        assert await other.attempt("p") is False
        desk.clock.advance(MINUTE + 1)
        assert await other.attempt("p") is True


@pytest.mark.slow
async def test_a_million_bad_rows_are_counted_in_bounded_memory(desk: Desk) -> None:
    await desk.register("a")
    folder = desk.folder / "in"
    folder.mkdir()
    now = desk.clock.now() // MINUTE * MINUTE
    with (folder / "x.csv").open("w") as file:
        file.write("dock,at,bikes,free\n")
        time = at(now)
        file.writelines(f"a,{time},x{n},\n" for n in range(1_000_000))
        file.write(f"a,{time},1,2\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await desk.runner(ONE, url=str(folder)).attempt("p")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    result = (await desk.state()).result
    assert (await desk.state()).fault == {}
    assert (result["rows"], result["bad"], result["kept"]) == (1_000_001, 1_000_000, 1_000)
    assert result["accepted"] == 2
    assert grown < 200, f"{grown:.0f} MiB"
    assert len(await desk.kept()) == 1_001
