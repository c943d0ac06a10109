"""What the machine is and what processes cost on it."""

import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import psutil

MIB = 1024 * 1024


class Machine(NamedTuple):
    """The machine; figures without it say nothing."""

    cpu: str
    cores: int
    memory_gib: int

    def __str__(self) -> str:
        return f"{self.cpu}, {self.cores} cores, {self.memory_gib} GiB"


def machine() -> Machine:
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return Machine(name, os.cpu_count() or 1, round(psutil.virtual_memory().total / 1024**3))


def load() -> str:
    """Return the load average of 1, 5 and 15 minutes."""
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


class Meter:
    """CPU time of processes by name, from its making on, and the machine's that others took."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._begun = self._times()
        self._machine = _busy()
        self._clock = time.monotonic()

    def _times(self) -> dict[str, float]:
        return {name: _seconds(process) for name, process in self._processes.items()}

    def seconds(self) -> dict[str, float]:
        """Return CPU seconds, user and system, of each process."""
        now = self._times()
        return {name: now[name] - self._begun[name] for name in now}

    def others(self, ours: float = 0.0) -> float:
        """Return how many cores were busy with neither these processes nor `ours` seconds."""
        spent = _busy() - self._machine - sum(self.seconds().values()) - ours
        return max(0.0, spent / (time.monotonic() - self._clock))

    def rss(self) -> dict[str, int]:
        """Return the resident memory of each process in MiB."""
        return {name: one.memory_info().rss // MIB for name, one in self._processes.items()}


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
