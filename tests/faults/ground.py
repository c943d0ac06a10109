"""The ground of the trials: one brain on fixed ports, its bus, its tables, its small disk."""

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from tests.brains import RunningBrain, until
from zhiyin import cloud
from zhiyin.kernel import WorldFault

PACKS = Path(__file__).parent / "ground_packs"
DISK = 768 * 1024 * 1024
T = TypeVar("T")


def ground_settings(**more: Any) -> dict[str, Any]:
    """Return settings of a brain that only knows the fault ground, with fixed ports."""
    return {
        "web": {"port": cloud.free_port()},
        "mqtt": {"port": cloud.free_port()},
        "bus": {"port": cloud.free_port(), "stream_mib": 64, "duplicates": "2min"},
        "observations": {"future": "3650d"},
        "lake": {"commit": "300ms", "checkpoint": "2s"},
        "packs": {"folder": str(PACKS)},
        **more,
    }


class SmallDisk:
    """A tmpfs that can be filled; only root may mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reason: str | None = None
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "zhiyin-faults", str(folder)]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                self.reason = done.stderr.strip() or f"mount ended with {done.returncode}"
        except OSError as fault:
            self.reason = str(fault)

    @property
    def mounted(self) -> bool:
        return self.reason is None

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            block = b"\0" * (4 << 20)
            while block:
                try:
                    ballast.write(block)
                except OSError:
                    block = block[: len(block) // 2]

    def free(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


class Wire:
    """Our own line to the brain's bus, for the ticks of a clock of ours and for questions."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._bus: cloud.Bus | None = None
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def _do(self, work: Coroutine[Any, Any, T], within: float = 20) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within)

    async def _open(self) -> cloud.Bus:
        if self._bus is None:
            self._bus = await cloud.Bus.connect(self._url, "fault-ground")
        return self._bus

    def tick(self, at: int) -> bool:
        """Let time pass to `at`; False when the bus did not say that it has it."""

        async def put() -> None:
            bus = await self._open()
            await bus.publish("observations.tick", str(at).encode(), timeout=2)

        try:
            self._do(put())
        except (WorldFault, TimeoutError):
            return False
        return True

    def close(self) -> None:
        if self._bus is not None:
            with contextlib.suppress(Exception):
                self._do(self._bus.close(), 5)
        self._loop.call_soon_threadsafe(self._loop.stop)


class Ground:
    """A running brain and everything a trial asks of it."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.settings = ground_settings(**more)
        self.brain = RunningBrain(folder, self.settings)
        self.web = ("127.0.0.1", int(self.settings["web"]["port"]))
        self.mqtt = f"127.0.0.1:{self.settings['mqtt']['port']}"
        self.wire = Wire(f"nats://127.0.0.1:{self.settings['bus']['port']}")
        self._lake = duckdb.connect(config={"threads": 1})

    @property
    def var(self) -> Path:
        return self.brain.folder / "var"

    @property
    def settings_file(self) -> Path:
        return self.var / "run" / "settings.json"

    @contextlib.contextmanager
    def running(self) -> Iterator["Ground"]:
        try:
            self.brain.start()
            yield self
        finally:
            self.wire.close()
            self.brain.stop()

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the operations store itself, past every layer."""
        uri = f"file:{self.var / 'operations.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=20)) as connection:
            return connection.execute(question, values).fetchall()

    def lake(self, question: str, *values: Any, table: str = "observations") -> list[Any]:
        """Read a table of the lake; `{t}` stands for its files. An absent table has no rows."""
        try:
            files = DeltaTable(str(self.var / "lake" / table)).file_uris()
        except TableNotFoundError:
            return []
        if not files:
            return []
        listed = ", ".join(f"'{file}'" for file in files)
        source = f"read_parquet([{listed}], hive_partitioning=false)"
        return self._lake.execute(question.format(t=source), list(values)).fetchall()

    def step_clock(self, millis: int) -> None:
        """Make the clock that processes are given from now on differ by so much from ours."""
        settings = json.loads(self.settings_file.read_bytes())
        now = time.time_ns() // 1_000_000
        settings["clock"] = f"{now + millis}@{now}*1" if millis else "system"
        part = self.settings_file.with_suffix(".part")
        part.write_text(json.dumps(settings), encoding="utf-8")
        part.replace(self.settings_file)

    def wait_back(self, seconds: float = 60) -> None:
        """Return when every process is up and says it is ready."""
        names = {"nats-server", "act", "sense", "gateway", "web"}

        def back() -> bool:
            return names <= self.brain.pids.keys() and all(map(_alive, self.brain.pids.values()))

        until(back, seconds, "every process is back")
        self.brain.wait_ready(seconds)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
