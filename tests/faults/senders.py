"""Devices of a trial: each sender keeps its order and repeats until it is acknowledged."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from tests.fakes.mqtt_raw import Publisher
from tests.faults.plan import Bad, Batch
from tests.faults.reference import Observation

PATIENCE = 90.0  # seconds without an acknowledgement


class NotTaken(AssertionError):
    """The brain took nothing for too long."""


class Sender(threading.Thread):
    """One device, or one gateway of many; `acknowledged` is its ledger."""

    def __init__(self, name: str, batches: Sequence[Batch]) -> None:
        super().__init__(name=name, daemon=True)
        self.batches = batches
        self.acknowledged: list[Observation] = []
        self.fault: str | None = None
        self.retries = 0

    def run(self) -> None:
        try:
            self.send()
        except Exception as fault:  # noqa: BLE001  (told by the trial)
            self.fault = f"{self.name}: {fault!r}"

    def send(self) -> None:
        raise NotImplementedError


class HttpSender(Sender):
    """Posts batches in order over one connection."""

    def __init__(
        self, name: str, batches: Sequence[Batch], address: tuple[str, int],
        passed: Callable[[int], object] = lambda _tick: None,
    ) -> None:  # fmt: skip
        super().__init__(name, batches)
        self._address, self._passed = address, passed
        self._connection: http.client.HTTPConnection | None = None

    def send(self) -> None:
        for batch in self.batches:
            time.sleep(batch.pause)
            for _ in range(1 + batch.twice):
                said = self.post("/api/v1/observations", body_of(batch), batch.key)
            self.acknowledged += batch.rows
            if said["accepted"] + said["quarantined"] < len(batch.rows):
                raise AssertionError(f"answered {said} to {len(batch.rows)} rows")
            if batch.tick is not None:
                self._passed(batch.tick)

    def post(self, path: str, body: bytes, key: str | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        deadline = time.monotonic() + PATIENCE
        told = ""
        while time.monotonic() < deadline:
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(*self._address, timeout=12)
                self._connection.request("POST", path, body, headers)
                answer = self._connection.getresponse()
                text = answer.read()
                if 200 <= answer.status < 300:
                    return dict(json.loads(text))
                told = f"{answer.status} {text[:300]!r}"
                if answer.status not in {429, 500, 502, 503, 507}:
                    raise NotTaken(f"refused: {told}")
            except (OSError, http.client.HTTPException) as fault:
                told = repr(fault)
                if self._connection is not None:
                    with suppress(OSError):
                        self._connection.close()
                self._connection = None
            self.retries += 1
            time.sleep(0.1)
        raise NotTaken(f"not taken within {PATIENCE} s: {told}")


def body_of(batch: Batch) -> bytes:
    rows: list[Observation | Bad] = [*batch.rows, *batch.bad]
    if batch.columns:
        return msgspec.json.encode(
            {
                "thing": [row.thing for row in rows],
                "property": [row.property for row in rows],
                "time": [row.time for row in rows],
                "value": [row.value for row in rows],
            }
        )
    return msgspec.json.encode(
        [{"thing": r.thing, "property": r.property, "time": r.time, "value": r.value} for r in rows]
    )


class MqttSender(Sender):
    """Publishes with QoS 1 over one connection; what is not acknowledged goes again, in order."""

    def __init__(
        self, name: str, batches: Sequence[Batch], last: Observation, address: str
    ) -> None:
        super().__init__(name, [*batches, Batch([last])])
        self._address = address

    def send(self) -> None:
        rows: list[Observation | Bad] = []
        heard: set[int] = set()
        publisher = Publisher(self._address, f"{self.name}-device", heard.add, window=500)
        connected, since = False, time.monotonic()
        for batch in self.batches:
            start, at = len(rows), len(rows)
            rows += [*batch.rows, *batch.bad]
            time.sleep(batch.pause)
            while at < len(rows) or publisher.open:
                before = len(heard)
                try:
                    if not connected:
                        publisher.connect()
                        connected = True
                    while at < len(rows) and not publisher.full:
                        one = rows[at]
                        body = {"property": one.property, "time": one.time, "value": one.value}
                        publisher.publish(
                            f"v1/observations/{one.thing}", msgspec.json.encode(body), at
                        )
                        at += 1
                    publisher.exchange(wait=0.2)
                except OSError:
                    connected = False
                    self.retries += 1
                    time.sleep(0.1)
                since = time.monotonic() if len(heard) > before else since
                if time.monotonic() - since > PATIENCE:
                    raise NotTaken(f"no PUBACK for {PATIENCE} s")
            since = time.monotonic()
            self.acknowledged += [rows[n] for n in range(start, start + len(batch.rows))]  # type: ignore[misc]
        publisher.close()
