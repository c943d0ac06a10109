"""How long from the acknowledgement of a value above a floor until a screen shows the warning.

While a load goes on, one observation after the other that crosses a floor is posted, each of a
thing of its own; a listener on the live stream, as the wall has one, notes when each is told.
"""

import http.client
import json
import threading
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.brain import PROBES, Measured, probe, settled
from benchmarks.ingest import Load
from benchmarks.machine import percentile


class Delays(NamedTuple):
    """Milliseconds from acknowledgement to warning, at a load of `rate` observations a second."""

    rate: float
    probes: int
    p50: float
    p99: float
    worst: float
    missing: int


class Listener(threading.Thread):
    """One screen: reads `GET /api/v1/live?topics=warnings` and notes when a thing is told of."""

    def __init__(self, host: str) -> None:
        super().__init__(daemon=True)
        self.heard: dict[str, float] = {}
        self.connection = http.client.HTTPConnection(host, timeout=60)
        self.connection.request("GET", "/api/v1/live?topics=warnings")
        self.answer = self.connection.getresponse()

    def run(self) -> None:
        while line := self.answer.readline():
            now = time.monotonic()
            if line.startswith(b"data: ") and b'"items"' in line:
                for item in json.loads(line[6:])["items"]:
                    self.heard.setdefault(item["thing"], now)


def delays(measured: Measured, rate: float, seconds: float, first: int = 0) -> Delays:
    """Post a probe every 100 ms under a load of `rate`, probes numbered from `first`."""
    host = urlsplit(measured.brain.url).netloc
    listener = Listener(host)
    listener.start()
    load = Load(host, "rows", each=1_000, seconds=seconds + 3, rate=rate) if rate else None
    settled(measured.meter())
    if load:
        load.go()
        time.sleep(2)  # until the load runs evenly
    connection = http.client.HTTPConnection(host, timeout=30)
    acknowledged: dict[str, float] = {}
    begun = time.monotonic()
    for number in range(first, min(first + int(seconds * 10), PROBES)):
        time.sleep(max(0.0, begun + (number - first) * 0.1 - time.monotonic()))
        body = json.dumps({"thing": probe(number), "property": "depth", "value": 5.0})
        connection.request("POST", "/api/v1/observations", body)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 202, answer.status
        acknowledged[probe(number)] = time.monotonic()
    reached = load.finish() if load else None
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not acknowledged.keys() <= listener.heard.keys():
        time.sleep(0.05)
    took = [
        max(0.0, listener.heard[thing] - at) * 1000
        for thing, at in acknowledged.items()
        if thing in listener.heard
    ]
    return Delays(
        reached.observations / reached.seconds if reached else 0.0,
        len(acknowledged),
        percentile(took, 0.5),
        percentile(took, 0.99),
        max(took, default=float("nan")),
        len(acknowledged) - len(took),
    )
