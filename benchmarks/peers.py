"""What a user would pick to keep the same observations: they store, and check and judge nothing.

The same number of observations a request, by the same sender, as InfluxDB line protocol. A program
that is not on this machine is left out, with the reason.
"""

import shutil
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.ingest import Load
from benchmarks.machine import Meter, percentile


class Peer(NamedTuple):
    """One program: how it is started in a folder on a port, and where it takes lines."""

    name: str
    binary: str
    path: str


class Stored(NamedTuple):
    """One run of a peer: points a second, CPU µs a point, MiB of memory afterwards."""

    rate: float
    cpu: float
    rss: int
    answer_p50_ms: float
    answer_p99_ms: float
    others: float


KNOWN = 4.0  # seconds in which a peer comes to know the series, as ours does before
PEERS = (
    Peer("VictoriaMetrics", "victoria-metrics", "/write"),
    Peer("InfluxDB 1.x", "influxd", "/write?db=bench"),
)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _command(peer: Peer, folder: Path, port: int) -> list[str]:
    binary = str(shutil.which(peer.binary))
    if peer.binary == "victoria-metrics":
        return [binary, f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}",
                "-retentionPeriod=1y"]  # fmt: skip
    config = folder / "influxdb.conf"
    config.write_text(
        "reporting-disabled = true\n"
        f'bind-address = "127.0.0.1:{_free_port()}"\n'
        f'[meta]\n  dir = "{folder}/meta"\n'
        f'[data]\n  dir = "{folder}/data"\n  wal-dir = "{folder}/wal"\n'
        "  max-series-per-database = 0\n  max-values-per-tag = 0\n  query-log-enabled = false\n"
        f'[http]\n  bind-address = "127.0.0.1:{port}"\n  log-enabled = false\n',
        encoding="utf-8",
    )
    return [binary, "-config", str(config)]


def _ready(peer: Peer, port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2).read()
            break
        except (OSError, urllib.error.URLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    if peer.binary == "influxd":
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/query", b"q=CREATE+DATABASE+bench"
        )
        urllib.request.urlopen(request, timeout=10).read()


@contextmanager
def _running(peer: Peer) -> Iterator[tuple[int, int]]:
    """Run a peer in a folder of its own; yields its port and process id."""
    with TemporaryDirectory(prefix="zhiyin-bench-") as name:
        port = _free_port()
        process = subprocess.Popen(
            _command(peer, Path(name), port), cwd=name,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _ready(peer, port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(20)


def stored(peer: Peer, each: int, seconds: float) -> Stored | str:
    """Return what a peer does, or why it could not be asked."""
    if shutil.which(peer.binary) is None:
        return f"{peer.binary} is not installed"
    try:
        with _running(peer) as (port, pid):
            to, options = f"127.0.0.1:{port}", {"each": each, "path": peer.path}
            known = Load(to, "lines", seconds=KNOWN, **options)
            known.go()
            known.finish()
            load = Load(to, "lines", seconds=seconds, **options)
            meter = Meter({"peer": pid})
            load.go()
            summary = load.finish()
            time.sleep(1)  # what it does after its answer is part of the work
            cpu, rss = meter.seconds()["peer"], meter.rss()["peer"]
            return Stored(
                summary.observations / summary.seconds, cpu / summary.observations * 1e6, rss,
                statistics.median(summary.answered) * 1000,
                percentile(summary.answered, 0.99) * 1000, meter.others(summary.cpu),
            )  # fmt: skip
    except (OSError, RuntimeError) as fault:
        return f"{peer.name} did not run: {fault}"
