"""A light load: prepared requests over plain sockets, only the seconds in them written anew.

    python -m benchmarks.sender --to HOST:PORT --shape rows|texts|lists|lines|mqtt
        [--each 1000] [--seconds 10] [--rate 0] [--connections 4]

Every observation of a run is another (series, time): each request is a template in which the
leading digits of every time stand for themselves, the last digits differ from row to row, and one
search-and-replace before sending moves the whole request on in time. So nothing is encoded while
the clock runs and the load costs little beside what it loads. The last line of standard output is
the summary in JSON.
"""

import argparse
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec
import psutil
from tests.fakes.mqtt_raw import packet, text

from benchmarks.brain import DEVICES, FLOOR, PROPERTIES, device, property_

STEP = 10  # ms that one moving on in time is; the last digit is the row's own
EPOCH = b"000000000000"  # stands for the leading 12 digits of unix milliseconds
STAMP = b"0000-00-00T00:00:00.00"  # stands for the same in RFC 3339

Row = tuple[str, str, int, float]  # thing, property, last digit of the time, value


class Summary(msgspec.Struct):
    """What one run sent and what was answered."""

    observations: int = 0
    requests: int = 0
    refused: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    answered: list[float] = []  # seconds from request to answer


def rows_of(count: int, seed: int = 1) -> Iterator[list[Row]]:
    """Yield all series once, `count` rows a request: device by device, the devices shuffled.

    Values stay below the lowest floor of every rule, now and then above where a level is left.
    """
    chance = random.Random(seed)
    order = list(range(DEVICES))
    chance.shuffle(order)
    rows: list[Row] = []
    for number in order:
        for prop in range(PROPERTIES):
            value = round(chance.uniform(0, FLOOR - 0.05), 3)
            rows.append((device(number), property_(prop), chance.randrange(STEP), value))
            if len(rows) == count:
                yield rows
                rows = []


def as_rows(rows: list[Row]) -> bytes:
    one = '{{"thing":"{}","property":"{}","time":' + EPOCH.decode() + '{:d},"value":{}}}'
    return ("[" + ",".join(one.format(*row) for row in rows) + "]").encode()


def as_texts(rows: list[Row]) -> bytes:
    one = '{{"thing":"{}","property":"{}","time":"' + STAMP.decode() + '{:d}Z","value":{}}}'
    return ("[" + ",".join(one.format(*row) for row in rows) + "]").encode()


def as_lists(rows: list[Row]) -> bytes:
    things, properties, times, values = zip(*rows, strict=True)
    moments = ",".join(f"{EPOCH.decode()}{last:d}" for last in times)
    lists = (
        f'"thing":{json.dumps(things)},"property":{json.dumps(properties)},'
        f'"time":[{moments}],"value":{json.dumps(values)}'
    )
    return ("{" + lists.replace(", ", ",") + "}").encode()


def as_lines(rows: list[Row]) -> bytes:
    """Return InfluxDB line protocol; its times are nanoseconds."""
    one = "point,thing={},property={} value={} " + EPOCH.decode() + "{:d}000000"
    return "\n".join(
        one.format(thing, prop, value, last) for thing, prop, last, value in rows
    ).encode()


def as_mqtt(rows: list[Row], first: int) -> bytes:
    """Return a PUBLISH of QoS 1 for each row, packet identifiers from `first` on."""
    out = bytearray()
    for number, (thing, prop, last, value) in enumerate(rows):
        body = f'{{"property":"{prop}","value":{value},"time":{EPOCH.decode()}{last:d}}}'
        topic = text(f"v1/observations/{thing}")
        out += packet(0x32, topic + (first + number).to_bytes(2, "big") + body.encode())
    return bytes(out)


SHAPES: dict[str, Callable[[list[Row]], bytes]] = {
    "rows": as_rows, "texts": as_texts, "lists": as_lists, "lines": as_lines,
}  # fmt: skip


def moved(template: bytes, step: int) -> bytes:
    """Return the request at `step` × 10 ms after 1970."""
    if STAMP in template:
        seconds, hundredths = divmod(step, 100)
        moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return template.replace(STAMP, f"{moment}.{hundredths:02d}".encode())
    return template.replace(EPOCH, b"%012d" % step)


class Line(threading.Thread):
    """One connection with its own requests, sent round and round, each time moved on."""

    def __init__(self, chosen: argparse.Namespace, templates: list[bytes], start: float) -> None:
        super().__init__(daemon=True)
        self.chosen, self.templates, self.start_at = chosen, templates, start
        self.summary = Summary()
        host, _, port = chosen.to.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = (
            f"POST {chosen.path} HTTP/1.1\r\nHost: {chosen.to}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def run(self) -> None:
        every = self.chosen.each * self.chosen.connections / max(1, self.chosen.rate)
        end, step, number = self.start_at + self.chosen.seconds, 0, 0
        while (now := time.monotonic()) < end:
            if self.chosen.rate:
                due = self.start_at + number * every
                if due > now:
                    time.sleep(due - now)
            if number % len(self.templates) == 0:
                # Never the same series and time twice, also when a round takes less than a step.
                step = max(step + 1, int(time.time() * 1000) // STEP)
            body = moved(self.templates[number % len(self.templates)], step)
            self.exchange(body)
            number += 1
        self.summary.seconds = time.monotonic() - self.start_at

    def exchange(self, body: bytes) -> None:
        request = self.head + b"%d\r\n\r\n" % len(body)
        while True:
            begun = time.perf_counter()
            self.socket.sendall(request)
            self.socket.sendall(body)
            status = self.answer()
            self.summary.requests += 1
            if status < 300:
                break
            self.summary.refused += 1
            if status != 503:
                raise RuntimeError(f"answered {status}")
            time.sleep(0.1)
        self.summary.answered.append(time.perf_counter() - begun)
        self.summary.observations += self.chosen.each

    def answer(self) -> int:
        """Read one answer and return its status."""
        got = b""
        while b"\r\n\r\n" not in got:
            more = self.socket.recv(65_536)
            if not more:
                raise ConnectionResetError("closed")
            got += more
        head, _, body = got.partition(b"\r\n\r\n")
        status = int(head[9:12])
        low = head.lower()
        if b"content-length:" in low:
            length = int(low.split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += self.socket.recv(65_536)
        return status


class MqttLine(Line):
    """One MQTT connection: two blocks of messages on the way, counted back by their PUBACKs."""

    def run(self) -> None:
        hello = text("MQTT") + bytes([4, 2, 0, 0]) + text(f"bench-{self.ident}")
        self.socket.sendall(packet(0x10, hello))
        if self.socket.recv(4)[3:] != b"\0":
            raise ConnectionRefusedError("CONNACK")
        every = self.chosen.each * self.chosen.connections / max(1, self.chosen.rate)
        end, step, number, back = self.start_at + self.chosen.seconds, 0, 0, 0
        while (now := time.monotonic()) < end:
            if self.chosen.rate:
                due = self.start_at + number * every
                if due > now:
                    time.sleep(due - now)
            if number % len(self.templates) == 0:
                step = max(step + 1, int(time.time() * 1000) // STEP)
            self.socket.sendall(moved(self.templates[number % len(self.templates)], step))
            number += 1
            back = self.wait_back(back, (number - 1) * self.chosen.each)
        back = self.wait_back(back, number * self.chosen.each)
        self.summary.requests = self.summary.observations = back // 4
        self.summary.seconds = time.monotonic() - self.start_at

    def wait_back(self, back: int, messages: int) -> int:
        """Read until so many are acknowledged; a PUBACK is four bytes."""
        while back < 4 * messages:
            got = len(self.socket.recv(65_536))
            if not got:
                raise ConnectionResetError("closed")
            back += got
        return back


def templates_of(chosen: argparse.Namespace) -> list[list[bytes]]:
    """Return the requests of each connection; no two connections share a series."""
    shared: list[list[bytes]] = [[] for _ in range(chosen.connections)]
    for number, rows in enumerate(rows_of(chosen.each)):
        own = shared[number % chosen.connections]
        if chosen.shape == "mqtt":
            own.append(as_mqtt(rows, 1 + (len(own) % 2) * chosen.each))
        else:
            own.append(SHAPES[chosen.shape](rows))
    return [own[: len(own) // 2 * 2] or own for own in shared]  # even, for the packet identifiers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", required=True)
    parser.add_argument("--path", default="/api/v1/observations")
    parser.add_argument("--shape", required=True)
    parser.add_argument("--each", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--connections", type=int, default=4)
    chosen = parser.parse_args()
    prepared = templates_of(chosen)
    print("ready", flush=True)
    input()
    me, start = psutil.Process(), time.monotonic()
    before = me.cpu_times()
    kind = MqttLine if chosen.shape == "mqtt" else Line
    lines = [kind(chosen, own, start) for own in prepared]
    for line in lines:
        line.start()
    for line in lines:
        line.join()
    after = me.cpu_times()
    whole = Summary(
        sum(line.summary.observations for line in lines),
        sum(line.summary.requests for line in lines),
        sum(line.summary.refused for line in lines),
        max(line.summary.seconds for line in lines),
        after.user + after.system - before.user - before.system,
        [one for line in lines for one in line.summary.answered],
    )
    print(msgspec.json.encode(whole).decode(), flush=True)


if __name__ == "__main__":
    main()
