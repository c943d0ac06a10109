"""A brain to measure: the real processes, 100,000 series, 20 threshold rules, on free ports."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
from tests.brains import RunningBrain, until

from benchmarks.machine import Meter

DEVICES, PROPERTIES, RULES_EACH = 10_000, 10, 2
PROBES = 400  # things of their own, whose values cross a floor at known moments
WATCHED = ("web", "nats-server", "sense", "gateway", "act")
FLOOR = 3.0  # the lowest level's; a level is left 0.2 below


def device(number: int) -> str:
    return f"dev{number:05d}"


def property_(number: int) -> str:
    return f"p{number}"


def probe(number: int) -> str:
    return f"probe{number:03d}"


def _title(text: str) -> dict[str, str]:
    return {"zh-CN": text, "en": text}


def _property(title: str) -> dict[str, Any]:
    return {"title": _title(title), "unit": "m", "range": [-10, 10], "every": "1min"}


def write_pack(folder: Path) -> None:
    """Write a pack: a type with ten properties and two rules for each, and the probes' type."""
    manifest = {
        "pack": "bench", "title": _title("Benchmark"), "summary": _title("Measured, not used."),
        "version": "0.1.0", "zhiyin": ">=0.1,<0.2", "category": "safety", "owners": ["@zhiyin"],
        "lead": _title("Nobody"), "data": {"personal": False, "retention": "1y", "share": "open"},
        "grade": "draft",
    }  # fmt: skip
    many = {property_(n): _property(f"Property {n}") for n in range(PROPERTIES)}
    model = {
        "types": {
            "point": {"title": _title("Point"), "properties": many},
            "probe": {"title": _title("Probe"), "properties": {"depth": _property("Depth")}},
        }
    }
    rules: list[dict[str, Any]] = [
        {
            "rule": f"r{n}_{k}", "watches": f"point.{property_(n)}", "clears": "0.2 m",
            "levels": {"blue": f"{FLOOR + k / 4} m", "red": f"{FLOOR + 1 + k / 4} m"},
            "says": _title("{thing}: {value}"), **({"for": "2min"} if k else {}),
        }
        for n in range(PROPERTIES)
        for k in range(RULES_EACH)
    ]  # fmt: skip
    rules.append(
        {"rule": "probed", "watches": "probe.depth", "clears": "0.2 m",
         "levels": {"red": f"{FLOOR} m"}, "says": _title("{thing}: {value}")}
    )  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# Benchmark\n", encoding="utf-8")
    # JSON is YAML
    files = {
        "manifest": manifest, "model": model, "rules": {"rules": rules},
        "elements": {"elements": ELEMENTS}, "stories": {"stories": _stories()},
    }  # fmt: skip
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")


ELEMENTS = [
    {
        "id": f"story_{kind}",
        "type": kind,
        "name": _title(kind),
        "at": [114.21, 30.55],
        "precision_m": 500,
        "source": "approximate",
    }
    for kind in ("point", "probe")
]


def _stories() -> list[dict[str, Any]]:
    """Return what the pack check asks for: of each rule a story that fires it and one that not."""
    of = [f"story_point.{property_(n)}" for n in range(PROPERTIES)] + ["story_probe.depth"]
    high = [["02:00", "5 m"], ["02:01", "5 m"], ["02:02", "5 m"]]
    fired = [{"at": "02:00", "level": "red", "rule": f"r{n}_0"} for n in range(PROPERTIES)]
    fired += [{"at": "02:02", "level": "red", "rule": f"r{n}_1"} for n in range(PROPERTIES)]
    fired += [{"at": "02:00", "level": "red", "rule": "probed"}]
    return [
        {"story": _title("All"), "given": dict.fromkeys(of, high), "then": {"warnings": fired}},
        {"story": _title("None"), "given": {key: [["02:00", "1 m"]] for key in of},
         "then": {"warnings": "none"}},
    ]  # fmt: skip


class Commits(NamedTuple):
    """What the lake's own log says: rows in it, and the seconds that each commit took."""

    rows: int
    seconds: list[float]
    last: float  # unix seconds of the newest commit


class Measured:
    """A running brain and what is looked at while it is under load."""

    def __init__(self, brain: RunningBrain) -> None:
        self.brain = brain
        self._log = brain.folder / "var" / "lake" / "observations" / "_delta_log"
        self._read: dict[str, tuple[int, float, float]] = {}

    def meter(self, names: tuple[str, ...] = WATCHED) -> Meter:
        pids = self.brain.pids
        return Meter({name: pids[name] for name in names})

    def commits(self) -> Commits:
        """Read the Delta log: what a reader of the table would see, not what the brain says."""
        for file in sorted(self._log.glob("*.json")):
            if file.name not in self._read:
                self._read[file.name] = _commit(file)
        every = list(self._read.values())
        return Commits(
            sum(rows for rows, _, _ in every),
            [seconds for rows, seconds, _ in every if rows],
            max((at for _, _, at in every), default=0.0),
        )

    def wait_rows(self, rows: int, seconds: float) -> float:
        """Return the unix time of the commit by which the lake has `rows` rows."""
        try:
            until(lambda: self.commits().rows >= rows, seconds)
        except AssertionError as fault:
            raise AssertionError(
                f"{self.commits().rows} rows in the lake; it should be {rows}\n{self.judged()}"
            ) from fault
        return self.commits().last

    def judged(self) -> str:
        """Return what the brain itself says became of the observations."""
        page = httpx.get(f"{self.brain.url}/metrics", timeout=10, trust_env=False).text
        return "\n".join(line for line in page.splitlines() if "zhiyin_obs" in line)

    def register(self) -> None:
        """Register devices and probes over HTTP, as an installer would."""
        devices = [{"id": device(n), "type": "point"} for n in range(DEVICES)]
        devices += [{"id": probe(n), "type": "probe"} for n in range(PROBES)]
        for start in range(0, len(devices), 1000):
            self.brain.post("/devices", devices[start : start + 1000]).raise_for_status()
        known = int(self.brain_total("/series"))
        assert known >= DEVICES * PROPERTIES + PROBES, known

    def brain_total(self, path: str) -> int:
        answer = httpx.get(f"{self.brain.api}{path}", params={"limit": 1}, trust_env=False)
        return int(answer.headers["X-Total-Count"])


def _commit(file: Path) -> tuple[int, float, float]:
    rows, seconds, at = 0, 0.0, 0.0
    for line in file.read_text(encoding="utf-8").splitlines():
        action = json.loads(line)
        if "add" in action:
            rows += json.loads(action["add"]["stats"])["numRecords"]
        elif "commitInfo" in action:
            info = action["commitInfo"]
            seconds = info.get("operationMetrics", {}).get("execution_time_ms", 0) / 1000
            at = info["timestamp"] / 1000
    return rows, seconds, at


@contextmanager
def running(**more: Any) -> Iterator[Measured]:
    """Run a brain with the benchmark pack for as long as the block lasts."""
    with TemporaryDirectory(prefix="zhiyin-bench-") as name:
        folder = Path(name)
        write_pack(folder / "packs" / "bench")
        tables = {"packs": {"folder": str(folder / "packs")}, **more}
        brain = RunningBrain(folder / "brain", tables)
        try:
            brain.start()
            yield Measured(brain)
        finally:
            if brain.process is not None:
                brain.stop()


def settled(meter: Meter, seconds: float = 15.0) -> None:
    """Wait until the processes are idle, so that what was before is not counted after."""
    deadline = time.monotonic() + seconds
    before = sum(meter.seconds().values())
    while time.monotonic() < deadline:
        time.sleep(1.0)
        now = sum(meter.seconds().values())
        if now - before < 0.15:
            return
        before = now
