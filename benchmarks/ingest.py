"""From the socket to rows committed to the lake, through check, bus, 20 rules and live state."""

import statistics
import subprocess
import sys
import time
from typing import Any, NamedTuple

import msgspec

from benchmarks.brain import WATCHED, Measured, running, settled
from benchmarks.machine import percentile
from benchmarks.sender import Summary


class Load:
    """A sender in a process of its own, made ready before the clock runs."""

    def __init__(self, to: str, shape: str, **options: Any) -> None:
        self.argv = [sys.executable, "-m", "benchmarks.sender", "--to", to, "--shape", shape]
        for name, value in options.items():
            self.argv += [f"--{name}", str(value)]
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == "ready"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self) -> Summary:
        told, _ = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"the sender ended with {self.process.returncode}")
        return msgspec.json.decode(told.splitlines()[-1], type=Summary)


class Ingested(NamedTuple):
    """One run. Rates are per second, CPU in µs per observation and process."""

    shape: str
    each: int
    observations: int
    accepted: float
    committed: float
    cpu: dict[str, float]
    sender_cpu: float
    answer_p50_ms: float
    answer_p99_ms: float
    commit_p50_ms: float
    commit_max_ms: float
    rss: dict[str, int]
    refused: int
    others: float  # cores that other programs kept busy meanwhile

    @property
    def cpu_all(self) -> float:
        return sum(self.cpu.values())


def ingest(
    measured: Measured, shape: str, each: int, seconds: float, to: str = "", **options: Any
) -> Ingested:
    """Load for `seconds` and wait until the lake's own log has every row."""
    load = Load(to or measured.brain.url.removeprefix("http://"), shape, each=each,
                seconds=seconds, **options)  # fmt: skip
    meter = measured.meter()
    settled(meter)
    before = measured.commits()
    meter, begun = measured.meter(), time.time()
    load.go()
    summary = load.finish()
    last = measured.wait_rows(before.rows + summary.observations, 25)
    took = measured.commits().seconds[len(before.seconds) :]
    cpu = meter.seconds()
    others = meter.others(summary.cpu)
    extra = measured.commits().rows - before.rows - summary.observations
    assert extra == 0, f"{extra} rows too many in the lake"
    answered = summary.answered or [0.0]
    return Ingested(
        shape, each, summary.observations,
        summary.observations / summary.seconds,
        summary.observations / (last - begun),
        {name: cpu[name] / summary.observations * 1e6 for name in WATCHED},
        summary.cpu / summary.observations * 1e6,
        statistics.median(answered) * 1000, percentile(answered, 0.99) * 1000,
        statistics.median(took) * 1000, max(took) * 1000, meter.rss(), summary.refused, others,
    )  # fmt: skip


def mqtt(measured: Measured, seconds: float, rate: float = 0.0) -> Ingested:
    """One observation a message, QoS 1, eight connections."""
    host, port = measured.brain.mqtt
    return ingest(
        measured, "mqtt", 200, seconds, f"{host}:{port}", connections=8, rate=rate
    )._replace(each=1)


def shown(run: Ingested) -> str:
    cpu = " ".join(f"{name} {value:.2f}" for name, value in run.cpu.items() if value >= 0.005)
    return (
        f"{run.shape:5} ×{run.each:<6} accepted {run.accepted:9,.0f}/s"
        f"  in the lake {run.committed:9,.0f}/s  CPU µs {run.cpu_all:.2f} ({cpu})"
        f"  sender {run.sender_cpu:.2f}  answer p50 {run.answer_p50_ms:.1f} p99"
        f" {run.answer_p99_ms:.1f} ms  commit p50 {run.commit_p50_ms:.0f} max"
        f" {run.commit_max_ms:.0f} ms  rss {run.rss}  refused {run.refused}"
        f"  others {run.others:.2f} cores"
    )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with running() as measured:
        print("at rest", measured.meter().rss())
        measured.register()
        settled(measured.meter())
        print("100,000 series", measured.meter().rss())
        for shape in sys.argv[2:] or ("lists", "rows", "texts"):
            if shape == "mqtt":
                print(shown(mqtt(measured, seconds)), flush=True)
                continue
            for each in (10_000, 1_000):
                print(shown(ingest(measured, shape, each, seconds)), flush=True)


if __name__ == "__main__":
    main()
