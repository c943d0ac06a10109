"""Process supervision: starts the house's processes, starts them again, and ends every one.

Each child leads its own process group and dies with the supervisor (Linux: PR_SET_PDEATHSIG), so
that neither Ctrl-C nor `kill -9` of the supervisor leaves anything behind.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from zhiyin.kernel import CallerFault, Words, WorldFault

log = structlog.get_logger()

FIRST_WAIT, LONGEST_WAIT, SETTLED = 0.2, 10.0, 5.0  # seconds
GRACE = 8.0  # seconds between asking a process to end and ending it
_PR_SET_PDEATHSIG = 1


class FolderInUse(CallerFault):
    """A second instance on the same data folder."""

    code = "cloud-030"
    what = Words(
        "数据目录已由进程 {pid} 使用。", "Process {pid} is using this data folder already."
    )
    do = Words(
        "先停掉它,或用 --data 指定另一个目录。", "Stop it first, or name another with --data."
    )


class FolderNotWritable(WorldFault):
    """The data folder cannot be written."""

    code = "cloud-031"
    what = Words("数据目录写不进去:{reason}。", "The data folder cannot be written: {reason}.")
    do = Words(
        "改它的权限,或用 --data 指定另一个目录。", "Mend its rights, or name another with --data."
    )


class PortTaken(CallerFault):
    """Another program listens on a port that was asked for."""

    code = "cloud-032"
    what = Words("{host}:{port} 已被别的程序占用。", "Another program listens on {host}:{port}.")
    do = Words("停掉它,或改 {setting}。", "Stop it, or change {setting}.")


@dataclass
class Child:
    """One process to keep running."""

    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    healthy: Callable[[], Awaitable[bool]] | None = None  # asked every 2 s; a no is a restart
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0


# Loaded here, because between fork and exec nothing may be.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def dies_with(parent: int) -> Callable[[], None]:
    """Return what a child runs before its program, so that it ends whenever `parent` does."""

    def tie() -> None:
        if _PRCTL is not None:
            _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it ended in between
                os._exit(1)

    return tie


def claim(folder: Path) -> IO[str]:
    """Make the data folder and lock it for this process; keep the file open as long as it runs.

    Raises FolderNotWritable or FolderInUse.
    """
    try:
        for name in ("run", "log", "bus", "lake"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise FolderNotWritable(str(folder), reason=fault.strerror or str(fault)) from fault
    return hold(folder, "lock")


def hold(folder: Path, name: str) -> IO[str]:
    """Lock `run/<name>` of the data folder for this process; close the file to let go.

    Raises FolderNotWritable or FolderInUse.
    """
    file = folder / "run" / (name if name == "lock" else f"{name}.lock")
    try:
        lock = file.open("a+", encoding="utf-8")
    except OSError as fault:
        raise FolderNotWritable(str(folder), reason=fault.strerror or str(fault)) from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        lock.seek(0)
        pid = lock.read().strip() or "?"
        lock.close()
        raise FolderInUse(str(folder), pid=pid) from fault
    with contextlib.suppress(OSError):  # the lock holds without our number in it
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
    return lock


class Supervisor:
    """Keeps a set of children running until told to stop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._at_end: list[Callable[[], Awaitable[None]]] = []
        self._written: dict[str, dict[str, int]] = {}

    def start(self, child: Child) -> None:
        self._children.append(child)
        self._spawn(child)
        self._tasks.append(asyncio.create_task(self._keep(child)))

    def at_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have `work` done once before the children are ended."""
        self._at_end.append(work)

    def stop(self) -> None:
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    async def wait(self) -> None:
        """Return after `stop`, when every child has ended; the last started ends first."""
        await self._stopping.wait()
        for task in self._tasks:
            task.cancel()
        while self._at_end:
            await self._at_end.pop()()
        for child in reversed(self._children):
            await self._end(child)
        self._write_table()

    def _spawn(self, child: Child) -> None:
        child.started = time.monotonic()
        output = self._output(child)
        child.process = subprocess.Popen(  # noqa: S603
            child.argv,
            env={**os.environ, **child.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509  (it only makes two system calls)
        )
        output.close()
        self._write_table()

    def _output(self, child: Child) -> IO[bytes]:
        try:
            return (self._folder / "log" / f"{child.name}.out").open("ab")
        except OSError:  # a full disk must not keep a process down
            return Path(os.devnull).open("ab")

    def _write_table(self) -> None:
        """Tell who runs in `run/processes.json`; a disk that is full now gets it later."""
        table = {
            child.name: {"pid": child.process.pid, "restarts": child.restarts}
            for child in self._children
            if child.process and child.process.poll() is None
        }
        if table == self._written:
            return
        file = self._folder / "run" / "processes.json"
        with contextlib.suppress(OSError):
            part = file.with_suffix(".part")
            part.write_text(json.dumps(table), encoding="utf-8")
            part.replace(file)
            self._written = table

    async def _keep(self, child: Child) -> None:
        wait, asked = FIRST_WAIT, 0.0
        while True:
            await asyncio.sleep(0.05)
            self._write_table()
            if child.process is not None and child.process.poll() is not None:
                code = child.process.returncode
                settled = time.monotonic() - child.started > SETTLED
                wait = FIRST_WAIT if settled else min(wait * 2, LONGEST_WAIT)
                log.warning("process ended", process=child.name, code=code, again_in=wait)
                await asyncio.sleep(wait)
                child.restarts += 1
                try:
                    self._spawn(child)
                except OSError as fault:  # a full disk or table of processes: tried again
                    log.warning("process not started", process=child.name, fault=str(fault))
            elif child.healthy and time.monotonic() - max(asked, child.started) > 2:
                well = await child.healthy()
                asked = time.monotonic()
                if not well:
                    log.warning("process unwell, ending it", process=child.name)
                    _signal(child, signal.SIGKILL)

    async def _end(self, child: Child) -> None:
        if child.process is None or child.process.poll() is not None:
            return
        _signal(child, signal.SIGTERM)
        try:
            await asyncio.to_thread(child.process.wait, GRACE)
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL)
            child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, number)
