"""Many devices in one process that write down what was acknowledged to them.

    python -m tests.fakes.devices --http URL | --mqtt HOST:PORT --ledger FILE
        [--seed 1] [--things 100] [--rate 0] [--count 100000] [--duplicate 0.05] [--reorder 0.05]

Observation n of a run has a thing, time and value that follow from n alone (`Plan`), so that a
harness compares ledger and lake exactly. Each line of the ledger is one acknowledged observation:
`number TAB thing TAB property TAB time TAB value`. A run with an existing ledger goes on with what
is not in it. The last line of standard output is the summary in JSON.
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from tests.fakes.mqtt_raw import Publisher

_AHEAD = 50  # how far a reordered or repeated observation may stand from its place


class Observation(NamedTuple):
    number: int
    thing: str
    property: str
    time: int
    value: float


class Plan(NamedTuple):
    """What observation n is. Times of one thing are `every_ms` apart, from `start` (UTC ms)."""

    prefix: str
    property: str
    things: int
    start: int
    every_ms: int
    step: float

    def observation(self, number: int) -> Observation:
        row, column = divmod(number, self.things)
        return Observation(
            number,
            f"{self.prefix}{column}",
            self.property,
            self.start + row * self.every_ms,
            round(number * self.step, 9),
        )

    def number_of(self, value: float) -> int:
        return round(value / self.step)


class Summary(msgspec.Struct):
    """What one run did; `published` counts repeats, `acknowledged` each observation once."""

    published: int = 0
    acknowledged: int = 0
    repeated: int = 0
    quarantined: int = 0
    retries: int = 0
    seconds: float = 0.0


class Ledger:
    """Append-only file of acknowledged observations; a line is there or not, never torn inside."""

    def __init__(self, file: Path) -> None:
        self.known = set(read_ledger(file))
        self._mend(file)
        self._file = file.open("ab", buffering=0)
        self._lock = threading.Lock()

    def add(self, some: list[Observation]) -> int:
        """Write those not yet known in one call; return how many they were."""
        with self._lock:
            new = {one.number: one for one in some if one.number not in self.known}
            self.known.update(new)
            lines = ["\t".join(map(str, one)) for one in new.values()]
            if lines:
                self._file.write(("\n".join(lines) + "\n").encode())
            return len(lines)

    @staticmethod
    def _mend(file: Path) -> None:
        """Cut off a last line that a kill left without its end."""
        raw = file.read_bytes() if file.exists() else b""
        if raw and not raw.endswith(b"\n"):
            with file.open("r+b") as torn:
                torn.truncate(raw.rfind(b"\n") + 1)


def read_ledger(file: Path) -> dict[int, Observation]:
    """Return the acknowledged observations by number; a torn last line is not one."""
    if not file.exists():
        return {}
    out: dict[int, Observation] = {}
    for line in file.read_bytes().split(b"\n")[:-1]:
        number, thing, name, moment, value = line.decode().split("\t")
        out[int(number)] = Observation(int(number), thing, name, int(moment), float(value))
    return out


def sequence(
    count: int, known: set[int], duplicate: float, reorder: float, seed: int
) -> Iterator[int]:
    """Yield every number below `count` that is not known, some twice, some out of their order."""
    chance = random.Random(seed)
    later: dict[int, list[int]] = {}
    for place in range(count + _AHEAD + 1):
        if place < count and place not in known:
            if chance.random() < reorder:
                later.setdefault(place + chance.randint(1, _AHEAD), []).append(place)
            else:
                yield place
            if chance.random() < duplicate:
                later.setdefault(place + chance.randint(1, _AHEAD), []).append(place)
        yield from later.pop(place, ())


class Pace:
    """Holds a stream at `rate` a second; 0 is as fast as it goes."""

    def __init__(self, rate: float) -> None:
        self._rate, self._begun, self._gone = rate, time.monotonic(), 0
        self._lock = threading.Lock()

    def step(self, count: int) -> float:
        """Return how many seconds to wait before `count` more may go."""
        with self._lock:
            self._gone += count
            due = self._begun + self._gone / self._rate if self._rate else 0.0
        return max(0.0, due - time.monotonic())

    def room(self) -> int:
        """Return how many may go now."""
        if not self._rate:
            return 1 << 30
        return int((time.monotonic() - self._begun) * self._rate) - self._gone


class Impatient(RuntimeError):
    """The other side took nothing for longer than --patience."""


class Retry:
    """Waits between attempts, 20 ms to 1 s, and gives up after `patience` without success."""

    def __init__(self, patience: float, summary: Summary) -> None:
        self._patience, self._summary = patience, summary
        self.good()

    def good(self) -> None:
        self._since, self._wait = time.monotonic(), 0.02

    def bad(self) -> None:
        if time.monotonic() - self._since > self._patience:
            raise Impatient
        self._summary.retries += 1
        time.sleep(self._wait)
        self._wait = min(1.0, self._wait * 2)


def send_mqtt(chosen: argparse.Namespace, plan: Plan, ledger: Ledger, summary: Summary) -> None:
    """Publish everything by one connection, QoS 1, until all of it is acknowledged."""
    done: list[Observation] = []
    name = f"fake-{chosen.seed}-{plan.prefix}"
    publisher = Publisher(
        chosen.mqtt, name, lambda number: done.append(plan.observation(number)), chosen.window
    )
    pace, retry = Pace(chosen.rate), Retry(chosen.patience, summary)
    numbers = sequence(
        chosen.count, set(ledger.known), chosen.duplicate, chosen.reorder, chosen.seed
    )
    connected, waiting = False, next(numbers, None)
    while waiting is not None or publisher.open:
        try:
            if not connected:
                publisher.connect()
                connected = True
            burst, room = 0, min(200, pace.room())
            while waiting is not None and not publisher.full and burst < room:
                one = plan.observation(waiting)
                body = f'{{"property":"{one.property}","value":{one.value},"time":{one.time}}}'
                publisher.publish(f"v1/observations/{one.thing}", body.encode(), waiting)
                waiting, burst = next(numbers, None), burst + 1
            summary.published += burst
            pace.step(burst)
            idle = waiting is None or publisher.full
            publisher.exchange(wait=0.5 if idle else 0.0 if burst == 200 else 0.01)
        except OSError:
            connected = False
            retry.bad()
        if done:
            retry.good()
            summary.acknowledged += ledger.add(done)
            done.clear()
    publisher.close()


class HttpLine(threading.Thread):
    """One keep-alive connection that posts columns until each is answered with 2xx."""

    def __init__(
        self,
        chosen: argparse.Namespace,
        plan: Plan,
        ledger: Ledger,
        summary: Summary,
        numbers: Iterator[int],
        lock: threading.Lock,
        pace: Pace,
    ) -> None:
        super().__init__(daemon=True)
        self._chosen, self._plan, self._ledger, self._summary = chosen, plan, ledger, summary
        self._numbers, self._lock, self._pace = numbers, lock, pace
        self._chance = random.Random(chosen.seed)
        self._retry = Retry(chosen.patience, summary)
        self._connection: http.client.HTTPConnection | None = None
        self.gave_up = False

    def run(self) -> None:
        while some := self._next():
            body, key = self._body(some)
            repeat = self._chance.random() < self._chosen.duplicate
            for _ in range(1 + repeat):
                time.sleep(self._pace.step(len(some)))
                try:
                    said = self._until_taken(body, key)
                except Impatient:
                    self.gave_up = True
                    return
            new = self._ledger.add(some)
            with self._lock:
                self._summary.acknowledged += new
                self._summary.published += len(some) * (1 + repeat)
                self._summary.quarantined += said.get("quarantined", 0)

    def _next(self) -> list[Observation]:
        with self._lock:
            return [*map(self._plan.observation, islice(self._numbers, self._chosen.batch))]

    @staticmethod
    def _body(some: list[Observation]) -> tuple[bytes, str]:
        _, things, names, times, values = zip(*some, strict=True)
        body = msgspec.json.encode(
            {"thing": things, "property": names, "time": times, "value": values}
        )
        return body, blake2b(body, digest_size=16).hexdigest()

    def _until_taken(self, body: bytes, key: str) -> dict[str, int]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        address = urlsplit(self._chosen.http)
        while True:
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(
                        address.hostname or "", address.port, timeout=10
                    )
                self._connection.request("POST", "/api/v1/observations", body, headers)
                answer = self._connection.getresponse()
                text = answer.read()
                if 200 <= answer.status < 300:
                    self._retry.good()
                    said: dict[str, int] = json.loads(text)
                    return said
            except (OSError, http.client.HTTPException):
                if self._connection is not None:
                    with suppress(OSError):
                        self._connection.close()
                self._connection = None
            self._retry.bad()


def send_http(chosen: argparse.Namespace, plan: Plan, ledger: Ledger, summary: Summary) -> None:
    """Post everything over `--connections` connections until all of it is acknowledged."""
    numbers = sequence(
        chosen.count, set(ledger.known), chosen.duplicate, chosen.reorder, chosen.seed
    )
    lock, pace = threading.Lock(), Pace(chosen.rate)
    lines = [
        HttpLine(chosen, plan, ledger, summary, numbers, lock, pace)
        for _ in range(chosen.connections)
    ]
    for line in lines:
        line.start()
    for line in lines:
        line.join()
    if any(line.gave_up for line in lines):
        raise Impatient


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m tests.fakes.devices")
    way = words.add_mutually_exclusive_group(required=True)
    way.add_argument("--http", help="address of the brain, http://HOST:PORT")
    way.add_argument("--mqtt", help="HOST:PORT")
    words.add_argument("--ledger", type=Path, required=True)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--things", type=int, default=100)
    words.add_argument("--rate", type=float, default=0.0, help="a second; 0 is no limit")
    words.add_argument("--count", type=int, default=100_000)
    words.add_argument("--duplicate", type=float, default=0.0)
    words.add_argument("--reorder", type=float, default=0.0)
    words.add_argument("--prefix", default="fake_", help="things are PREFIX0 … PREFIXn")
    words.add_argument("--property", default="depth")
    words.add_argument("--start", type=int, default=0, help="UTC ms of the first; 0 is now")
    words.add_argument("--every", type=int, default=0, help="ms between two of one thing")
    words.add_argument("--step", type=float, default=1e-6, help="value = number × step")
    words.add_argument("--batch", type=int, default=1_000, help="HTTP: observations a request")
    words.add_argument("--connections", type=int, default=2, help="HTTP: connections")
    words.add_argument("--window", type=int, default=1_000, help="MQTT: packets on the way")
    words.add_argument("--patience", type=float, default=600.0)
    return words


def plan_of(chosen: argparse.Namespace) -> Plan:
    """Return the plan of a command line; `--every` follows from the rate when not given."""
    start = chosen.start or time.time_ns() // 1_000_000
    by_rate = int(chosen.things * 1000 / chosen.rate) if chosen.rate else 1
    every = chosen.every or max(1, by_rate)
    return Plan(chosen.prefix, chosen.property, chosen.things, start, every, chosen.step)


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when everything was acknowledged, 4 when patience ended."""
    chosen = parser().parse_args(arguments)
    summary, begun, code = Summary(), time.monotonic(), 0
    ledger = Ledger(chosen.ledger)
    try:
        (send_mqtt if chosen.mqtt else send_http)(chosen, plan_of(chosen), ledger, summary)
    except Impatient:
        code = 4
    summary.repeated = summary.published - summary.acknowledged
    summary.seconds = round(time.monotonic() - begun, 3)
    sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
