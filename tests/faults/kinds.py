"""The kinds of fault a trial can have: what is done, and when, drawn from the trial's seed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.brains import ROOT
from tests.faults.ground import Ground, SmallDisk
from tests.faults.plan import Shares

MINUTE = 60_000
PROCESSES = ("web", "sense", "gateway", "act", "nats-server")


@dataclass
class Deed:
    """One thing done to the brain, `at` seconds after the senders began."""

    at: float
    what: str
    do: Callable[[], None]


@dataclass(frozen=True)
class Stage:
    """What deeds may touch."""

    ground: Ground
    disk: SmallDisk | None
    faults: list[str]  # a deed that finds something wrong says so here


Kind = Callable[[random.Random, Stage], list[Deed]]


def _kill(stage: Stage, name: str) -> None:
    with suppress(ProcessLookupError, KeyError):  # it may be down already
        stage.ground.brain.kill(name)


def _killing(stage: Stage, name: str, at: float) -> Deed:
    return Deed(at, f"kill {name}", lambda: _kill(stage, name))


def kill(name: str) -> Kind:
    def deeds(chance: random.Random, stage: Stage) -> list[Deed]:
        return [_killing(stage, name, chance.uniform(0.05, 1.5))]

    return deeds


def kill_many(chance: random.Random, stage: Stage) -> list[Deed]:
    names = chance.choices(PROCESSES, k=chance.randint(2, 5))
    return [_killing(stage, name, chance.uniform(0, 3)) for name in names]


def kill_all(chance: random.Random, stage: Stage) -> list[Deed]:
    def everything() -> None:
        for name in chance.sample(PROCESSES, len(PROCESSES)):
            _kill(stage, name)

    return [Deed(chance.uniform(0.2, 1.2), "kill every process at once", everything)]


def kill_supervisor(chance: random.Random, stage: Stage) -> list[Deed]:
    def again() -> None:
        brain = stage.ground.brain
        assert brain.process is not None
        brain.process.kill()
        brain.process.wait()
        if brain.process.stdout:
            brain.process.stdout.close()
        brain.start()

    return [Deed(chance.uniform(0.2, 1.2), "kill the supervisor, start again", again)]


def freeze(chance: random.Random, stage: Stage) -> list[Deed]:
    """Stop a process for a while: its answers come late, after others have given up on it."""
    name, seconds = chance.choice(PROCESSES), chance.uniform(0.3, 7)

    def stop_and_go() -> None:
        with suppress(ProcessLookupError, KeyError):
            pid = stage.ground.brain.pids[name]
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)

    return [Deed(chance.uniform(0.1, 1), f"freeze {name} for {seconds:.1f} s", stop_and_go)]


def calm(_chance: random.Random, _stage: Stage) -> list[Deed]:
    return []


def clock_step(chance: random.Random, stage: Stage) -> list[Deed]:
    """Restart processes into a clock that was set forward or back, some before others."""
    step = chance.choice([-90, -45, -10, -3, 3, 10, 45, 90]) * MINUTE
    some = chance.sample(PROCESSES[:4], chance.randint(1, 4))
    at = chance.uniform(0.1, 0.8)
    deeds = [Deed(at, f"clock {step // MINUTE:+} min", lambda: stage.ground.step_clock(step))]
    return deeds + [_killing(stage, name, at + chance.uniform(0.01, 1)) for name in some]


def full_disk(chance: random.Random, stage: Stage) -> list[Deed]:
    disk = stage.disk
    assert disk is not None
    at, lasts = chance.uniform(0.1, 1), chance.uniform(0.5, 5)
    deeds = [
        Deed(at, "fill the disk", disk.fill),
        Deed(at + lasts, f"free it after {lasts:.1f} s", disk.free),
    ]
    if chance.random() < 0.4:
        name = chance.choice(PROCESSES)
        deeds.append(_killing(stage, name, at + chance.uniform(0, lasts)))
    return deeds


def two_workers(chance: random.Random, stage: Stage) -> list[Deed]:
    """Start a second sensing worker beside the first; it must be refused."""

    def second() -> None:
        argv = [sys.executable, "-m", "zhiyin.server.run", "sense",
                str(stage.ground.settings_file)]  # fmt: skip
        other = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            _, told = other.communicate(timeout=15)
            if other.returncode != 2:
                stage.faults.append(f"second worker: code {other.returncode}, {told[-200:]!r}")
        except subprocess.TimeoutExpired:
            stage.faults.append("second worker: it was let in")
            other.kill()
            other.communicate()

    deeds = [Deed(chance.uniform(0, 0.5), "a second sensing worker", second)]
    if chance.random() < 0.5:
        deeds.append(_killing(stage, "sense", 1.0))
        deeds.append(Deed(1.1, "another sensing worker races for its place", lambda: _race(stage)))
    return deeds


def _race(stage: Stage) -> None:
    """Start a worker beside one that starts again: the first takes the lock, the other ends."""
    argv = [sys.executable, "-m", "zhiyin.server.run", "sense", str(stage.ground.settings_file)]
    other = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with suppress(subprocess.TimeoutExpired):
        other.wait(4)
    other.kill()
    other.wait()


KINDS: dict[str, tuple[Kind, Shares]] = {
    "calm": (calm, Shares()),
    "kill-web": (kill("web"), Shares()),
    "kill-sense": (kill("sense"), Shares()),
    "kill-gateway": (kill("gateway"), Shares()),
    "kill-act": (kill("act"), Shares()),
    "kill-nats": (kill("nats-server"), Shares()),
    "kill-supervisor": (kill_supervisor, Shares()),
    "kill-many": (kill_many, Shares()),
    "kill-all": (kill_all, Shares()),
    "freeze": (freeze, Shares()),
    "duplicates": (kill_many, Shares(duplicate=0.6)),
    "reorder": (kill_many, Shares(disorder=1.0, duplicate=0.3)),
    "bad-rows": (kill_many, Shares(bad=0.8)),
    "device-clocks": (kill("sense"), Shares(clock_off=0.1)),
    "clock-step": (clock_step, Shares()),
    "two-workers": (two_workers, Shares()),
    "full-disk": (full_disk, Shares()),
}
# How often each is drawn.
WEIGHTS = {"calm": 1, "full-disk": 4, "kill-many": 4, "kill-nats": 4, "kill-sense": 4}
