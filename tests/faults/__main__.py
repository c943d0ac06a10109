"""`python -m tests.faults`: seeded trials of what may go wrong; code 1 when one was not borne.

python -m tests.faults --trials 200 --seed 1          draw 200 trials
python -m tests.faults --only kill-sense --trials 10  ten of one kind
python -m tests.faults --seed 1 --trial 17            play trial 17 of seed 1 again
"""

import argparse
import logging
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog

from tests.brains import until
from tests.faults import verify
from tests.faults.ground import Ground, SmallDisk
from tests.faults.kinds import KINDS
from tests.faults.plan import DAY
from tests.faults.trial import Result, Trial, kind_of

LEDGER_EVERY = 10  # trials between two looks at the whole ledger of events


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m tests.faults")
    words.add_argument("--trials", type=int, default=50)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--only", choices=sorted(KINDS), help="one kind of fault")
    words.add_argument("--trial", type=int, help="play only this trial of the seed")
    words.add_argument(
        "--size", type=float, default=1.0, help="of a trial; 1 is 2,700 observations"
    )
    words.add_argument("--folder", type=Path, help="where the brain lives; kept afterwards")
    words.add_argument("--seconds", type=float, default=0, help="begin no trial after so long")
    return words


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(chosen: argparse.Namespace) -> list[Result]:
    """Run the trials on one brain; return what each found."""
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="zhiyin-faults-"))
    disk = SmallDisk(folder / "disk")
    kinds = sorted(KINDS)
    if not disk.mounted:
        kinds.remove("full-disk")
        say(f"full-disk is left out: a small disk may not be mounted here ({disk.reason})")
    results: list[Result] = []
    try:
        ground = Ground(disk.folder)
        with ground.running():
            numbers = range(chosen.trials) if chosen.trial is None else [chosen.trial]
            results = _trials(chosen, ground, disk if disk.mounted else None, kinds, numbers)
    finally:
        if any(result.violations for result in results):
            shutil.copytree(disk.folder / "var" / "log", folder / "log", dirs_exist_ok=True)
            say(f"the logs are in {folder / 'log'}")
        disk.unmount()
        if chosen.folder is None and not any(result.violations for result in results):
            shutil.rmtree(folder, ignore_errors=True)
    return results


def _trials(
    chosen: argparse.Namespace, ground: Ground, disk: SmallDisk | None, kinds: list[str],
    numbers: range | list[int],
) -> list[Result]:  # fmt: skip
    base = time.time_ns() // 1_000_000 + DAY
    base -= base % DAY
    begun, results = time.monotonic(), list[Result]()
    for n, number in enumerate(numbers, 1):
        if chosen.seconds and time.monotonic() - begun > chosen.seconds:
            say(f"time is up: {len(results)} of {len(numbers)} trials were run")
            break
        kind = kind_of(chosen.seed, number, chosen.only, kinds)
        trial = Trial(ground, disk, chosen.seed, number, kind, base, chosen.size)
        result = trial.run()
        if n % LEDGER_EVERY == 0 or n == len(numbers):
            result.violations += _ledger(ground)
        results.append(result)
        say(result.line())
        if result.violations:
            again = f"--seed {chosen.seed} --trial {number}" + (
                f" --only {chosen.only}" if chosen.only else ""
            )
            say(f"    again: python -m tests.faults {again}")
            for violation in result.violations:
                say(f"    {violation}")
    return results


def _ledger(ground: Ground) -> list[str]:
    try:
        until(lambda: not verify.event_ledger(ground), 30, "the ledger of events is whole")
    except AssertionError:
        return verify.event_ledger(ground)
    return []


def summary(results: list[Result]) -> None:
    trials, broken = (
        Counter(r.kind for r in results),
        Counter(r.kind for r in results if r.violations),
    )
    say("")
    say(f"{'kind':<18}{'trials':>8}{'violated':>10}")
    for kind in sorted(trials):
        say(f"{kind:<18}{trials[kind]:>8}{broken[kind]:>10}")
    say(f"{'all':<18}{len(results):>8}{sum(broken.values()):>10}")
    say(
        f"{sum(r.observations for r in results)} observations acknowledged,"
        f" {sum(r.warnings for r in results)} warnings, {sum(r.cases for r in results)} cases,"
        f" {sum(r.bad for r in results)} bad rows kept apart,"
        f" {sum(r.retries for r in results)} retries, {sum(r.seconds for r in results):.0f} s"
    )


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every trial held, 1 when one did not."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    results = run(parser().parse_args(arguments))
    summary(results)
    return int(any(result.violations for result in results) or not results)


if __name__ == "__main__":
    sys.exit(main())
