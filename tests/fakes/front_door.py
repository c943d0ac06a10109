"""A front door that records what is posted to it, and refuses some of it on purpose.

Stands for `POST /api/v1/observations`: 202 with counts, the same answer for a known
Idempotency-Key, and by turns 503 with Retry-After or a connection that breaks after the rows
were taken (the nastiest case: the sender cannot know).
"""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Row = dict[str, Any]


class FrontDoor:
    """What came in: `rows` as a brain would keep them, `requests` as (path, key, rows) sent."""

    def __init__(self, *, busy: float = 0.0, broken: float = 0.0, seed: int = 1) -> None:
        self.rows: list[Row] = []
        self.requests: list[tuple[str, str, int]] = []
        self.refused = self.broke = 0
        self.busy, self.broken = busy, broken
        self.quarantines: Callable[[Row], bool] = lambda _row: False
        self.closed_after: int | None = None  # answer 422 from this request on
        self.url = ""
        self.first = threading.Event()  # set when the first rows are in
        self._random = random.Random(seed)
        self._answers: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def answer(self, path: str, key: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return status and JSON; status 0 means: take it, then break the connection."""
        with self._lock:
            if self.closed_after is not None and len(self.requests) >= self.closed_after:
                return 422, {"title": "closed for the test"}
            turn = self._random.random()
            if turn < self.busy:
                self.refused += 1
                return 503, {"title": "busy"}
            rows = _rows_of(json.loads(body))
            self.requests.append((path, key, len(rows)))
            if key not in self._answers or not key:
                bad = sum(map(self.quarantines, rows))
                self._answers[key] = {"accepted": len(rows) - bad, "quarantined": bad}
                self.rows += rows
                self.first.set()
            if turn < self.busy + self.broken:
                self.broke += 1
                return 0, {}
            return 202, self._answers[key]


def _rows_of(body: Any) -> list[Row]:
    if isinstance(body, list):
        return body
    if isinstance(body["thing"], list):
        return [dict(zip(body, values, strict=True)) for values in zip(*body.values(), strict=True)]
    return [body]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    door: FrontDoor

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers.get("Idempotency-Key", "")
        status, said = self.door.answer(self.path, key, body)
        if not status:
            self.close_connection = True
            self.connection.close()
            return
        payload = json.dumps(said).encode()
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: broken connections are what this fake is for."""


@contextmanager
def front_door(**how: Any) -> Iterator[FrontDoor]:
    """Open a front door on a free port of 127.0.0.1 for as long as the block lasts."""
    door = FrontDoor(**how)
    handler = type("_Bound", (_Handler,), {"door": door})
    server = _Server(("127.0.0.1", 0), handler)
    door.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def path_of(request: tuple[str, str, int]) -> str:
    return urlsplit(request[0]).path
