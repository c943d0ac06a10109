"""The runner of all pulls: when each is due, what became of it, and when it is tried again.

A pull is run by one runner at a time, whoever holds it. Its watermark moves in the store only
after the stream has all rows up to it; a run that was killed begins again there, and the rows
that come twice count once.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from zhiyin.cloud import Bus, Database, PullSettings, Settings
from zhiyin.cloud import Message as BusMessage
from zhiyin.kernel import Clock, Fault, WorldFault, new_id, parse_duration
from zhiyin.network import service
from zhiyin.network.declared import Declared
from zhiyin.network.pull import store
from zhiyin.network.pull.address import ASKED
from zhiyin.network.pull.around import Around, Came, Hand
from zhiyin.network.pull.declared import DeclaredPull
from zhiyin.network.pull.deliver import Delivery
from zhiyin.network.pull.faults import NotAsDeclared, OwnTrouble, TooMuch
from zhiyin.network.pull.fetch import Away
from zhiyin.network.pull.work import work

log = structlog.get_logger()
AT_ONCE = 2  # pulls that run at the same time
FIRST_RETRY = 10_000  # ms; doubled with each failure
HELD = 20.0  # seconds after which a runner that says nothing has lost its pull
TOLD = 5.0  # seconds between two words of progress
SHOWN = 500  # characters of a fault's sentences
LOOK = 1.0  # seconds between looks at the clock, which may run faster than the machine's

Pause = Callable[[float], Awaitable[None]]


async def nobody(_pull: str, _layer: str, _geojson: dict[str, Any]) -> None:
    """Take places that nobody asked for."""


class Runner:
    """The pulls of one process."""

    def __init__(
        self, settings: Settings, clock: Clock, bus: Bus | None, database: Database,
        door: service.Door, declared: Declared, hand: Hand = nobody,
        client: httpx.AsyncClient | None = None,
    ) -> None:  # fmt: skip
        self._clock, self._bus, self._database, self._door = clock, bus, database, door
        self._settings, self._declared, self._hand = settings, declared, hand
        self._past = parse_duration(settings.observations.past)
        self._holder = new_id()
        self._folder = settings.folder / "pull"
        self._client = client or httpx.AsyncClient(trust_env=False, follow_redirects=False)
        self._fresh: dict[str, dict[str, Any]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def pulls(self) -> Mapping[str, tuple[DeclaredPull, PullSettings]]:
        """The pulls that are declared and have an address."""
        told = self._settings.pull
        return {
            key: (one, told[key])
            for key, one in self._declared.pulls.items()
            if key in told and not told[key].off
        }

    async def run(self, pause: Pause = asyncio.sleep) -> None:
        """Run what is due, for ever."""
        await asyncio.to_thread(self._empty_folder)
        woken = asyncio.Event()

        async def asked(_message: BusMessage) -> None:
            woken.set()

        if self._bus is not None:
            await self._bus.listen(ASKED, asked)
        async with self._client, asyncio.TaskGroup() as tasks:
            running: dict[str, asyncio.Task[None]] = {}
            while True:
                for key in await self._due():
                    if key not in running or running[key].done():
                        running[key] = tasks.create_task(self._one(key))
                woken.clear()
                waiting = asyncio.ensure_future(woken.wait())
                resting = asyncio.ensure_future(pause(LOOK))
                await asyncio.wait({waiting, resting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                resting.cancel()

    def _empty_folder(self) -> None:
        """Remove what a killed run has left behind."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for left in self._folder.iterdir():
            with contextlib.suppress(OSError):
                shutil.rmtree(left)

    async def _due(self) -> list[str]:
        now = self._clock.now()
        try:
            async with self._database.read() as session:
                states = await store.pull_states(session)
        except SQLAlchemyError as fault:
            log.warning("pulls wait", fault=str(fault))
            return []
        return [key for key in self.pulls if _is_due(states.get(key, store.PullState(key)), now)]

    async def _one(self, key: str) -> None:
        async with self._turns:
            try:
                await self.attempt(key, if_due=True)
            except Exception:
                # Whatever it is, one pull must not stop the others, nor the gateway beside them.
                log.exception("pull", pull=key)

    async def attempt(self, key: str, *, if_due: bool = False) -> bool:
        """Run one pull now and write down what became of it; False when another runner has it.

        With `if_due` also when it has been run since somebody saw that it was due.
        """
        one, told = self.pulls[key]
        started = self._clock.now()
        async with self._database.write("system:pull") as session:
            await store.know(session, key)
        async with self._database.write("system:pull") as session:
            if not await store.hold(session, key, self._holder, started, self._until()):
                return False
            state = await store.pull_state(session, key)
            if if_due and not _is_due(state, started):
                await store.hold(session, key, self._holder, started, 0)
                return False
        async with self._database.write("system:pull") as session:
            await store.change(session, key, state="running", started_at=started)
        run = Delivery(self._door, self._clock, one.pull, self._past)
        came, fault = await self._bounded(one, told, state, run)
        await self._written(one, state, run, came, fault, started)
        return True

    async def _bounded(
        self, one: DeclaredPull, told: PullSettings, state: store.PullState, run: Delivery
    ) -> tuple[Came | None, Fault | None]:
        """Run within the pull's time; return how far it has come, or why it has not."""
        key, within = one.pull.pull, parse_duration(one.pull.within) / 1000
        self._folder.mkdir(parents=True, exist_ok=True)
        around = Around(
            self._database, self._clock, self._client, self._hand, self._known, self._folder,
            self._fresh.setdefault(key, {}),
        )  # fmt: skip
        telling = asyncio.ensure_future(self._tell(key, run))
        try:
            async with asyncio.timeout(within):
                return await work(one, told, state, run, around), None
        except TimeoutError:
            return None, TooMuch(key, limit=one.pull.within)
        except Fault as fault:
            return None, fault
        except (SQLAlchemyError, OSError) as fault:  # our own store or disk
            return None, OwnTrouble(key, reason=str(fault).split("\n")[0][:200])
        except Exception as fault:
            log.exception("pull", pull=key)
            return None, NotAsDeclared(key, reason=f"{type(fault).__name__}: {str(fault)[:200]}")
        finally:
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling

    async def _written(
        self, one: DeclaredPull, state: store.PullState, run: Delivery, came: Came | None,
        fault: Fault | None, started: int,
    ) -> None:  # fmt: skip
        now, every = self._clock.now(), parse_duration(one.pull.every)
        told: dict[str, Any] = {
            "state": "waiting", "ended_at": now, "holder": "", "held_until": 0,
            "result": msgspec.to_builtins(run.result),
        }  # fmt: skip
        if came is not None:
            told |= {
                "watermark": came.watermark, "validators": came.validators, "good_at": now,
                "failures": 0, "fault": {}, "next_at": max(started + every, came.not_before),
            }  # fmt: skip
            if one.pull.from_ == "database" and came.not_before:
                told["next_at"] = now  # the query was cut: what follows is not made to wait
            log.info("pulled", pull=one.pull.pull, accepted=run.result.accepted, bad=run.result.bad)
        else:
            assert fault is not None
            failures = state.failures + 1
            retry = FIRST_RETRY * 2 ** min(failures - 1, 20)
            if isinstance(fault, Away):
                retry = max(retry, int(fault.after * 1000))
            wait = min(retry, every) if isinstance(fault, WorldFault) else every
            if isinstance(fault, Away):
                wait = max(wait, int(fault.after * 1000))
            told |= {"failures": failures, "fault": _short(fault), "next_at": now + wait}
            log.warning("pull", pull=one.pull.pull, fault=fault.text("en"), failures=failures)
        async with self._database.write("system:pull") as session:
            await store.change(session, one.pull.pull, **told)

    def _until(self) -> int:
        return self._clock.now() + int(HELD * 1000 * max(1.0, self._clock.speed))

    async def _tell(self, key: str, run: Delivery) -> None:
        """Say again and again how far a run is, and hold its pull."""
        while True:
            await asyncio.sleep(TOLD)
            try:
                async with self._database.write("system:pull") as session:
                    result = msgspec.to_builtins(run.result)
                    await store.progress(session, key, result, self._until())
            except SQLAlchemyError as fault:
                log.info("progress is not told", pull=key, fault=str(fault))

    async def _known(self, type_: str, things: set[str]) -> None:
        """Register things that a source brings and nobody has registered yet."""
        fresh = {thing: type_ for thing in things if thing not in self._door.register.of_thing}
        if fresh and type_ in self._declared.types:
            await service.register_devices(
                self._database, self._bus, self._declared.types, fresh,
                source="pull", actor="system:pull", now=self._clock.now(),
            )  # fmt: skip
            await self._door.refresh()


def _is_due(state: store.PullState, now: int) -> bool:
    """Say whether it is time for a pull, or somebody has asked for it since it last began."""
    return state.asked_at > state.started_at or state.next_at <= now


def _short(fault: Fault) -> dict[str, Any]:
    """Return a fault as it is shown, no part of it longer than a paragraph."""
    told = fault.problem()
    told["fields"] = {name: value[:SHOWN] for name, value in told["fields"].items()}
    return {key: one[:SHOWN] if isinstance(one, str) else one for key, one in told.items()}
