"""The first journey under fire: a reading that was acknowledged is in the lake, once.

220,000 observations come in by HTTP and MQTT while every process is killed in turn. Each thing has
one sender that keeps its order, so redelivery changes nothing about what the data imply.
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.brains import ROOT, until
from tests.fakes.devices import read_ledger
from tests.faults import verify
from tests.faults.ground import Ground
from tests.faults.plan import DAY, HOUR, Batch
from tests.faults.reference import MINUTE, Observation
from tests.faults.senders import HttpSender

HTTP_LINES, HTTP_THINGS, HTTP_ROWS = 4, 50, 1_000  # lines × things × rows of each
MQTT_THINGS, MQTT_COUNT = 40, 20_000
BATCH = 1_000  # rows in one request
PAUSE = 0.5  # seconds between two requests of a sender, so that sending outlasts the kills
KILLED = ("web", "sense", "gateway", "act", "nats-server", "sense", "web")


def _http_lines(chance: random.Random, base: int) -> list[list[Batch]]:
    """Return what each HTTP sender sends: levels that dwell, rise and fall across the floors."""
    lines = []
    for line in range(HTTP_LINES):
        values = {f"n_h{line}_{n}": 0.01 for n in range(HTTP_THINGS)}
        rows = []
        for row in range(HTTP_ROWS):
            for thing in chance.sample(sorted(values), HTTP_THINGS // 2 if row % 50 == 0 else 0):
                values[thing] = round(chance.choice([0.01, chance.random() / 2]), 3)
            at = base + row * MINUTE
            rows += [Observation(thing, "depth", at, value) for thing, value in values.items()]
        batches = [
            Batch(
                rows[at : at + BATCH],
                key=f"n{line}-{at}",
                twice=chance.random() < 0.05,
                pause=PAUSE,
            )
            for at in range(0, len(rows), BATCH)
        ]
        lines.append(batches)
    return lines


def _mqtt_device(ground: Ground, ledger: Path, base: int) -> "subprocess.Popen[str]":
    argv = [
        sys.executable, "-m", "tests.fakes.devices", "--mqtt", ground.mqtt,
        "--ledger", str(ledger), "--seed", "3", "--things", str(MQTT_THINGS),
        "--count", str(MQTT_COUNT), "--prefix", "n_m", "--start", str(base), "--every", str(MINUTE),
        "--step", "0.00002", "--rate", "600", "--patience", "120",
    ]  # fmt: skip
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _kill_in_turn(ground: Ground) -> None:
    for name in KILLED:
        time.sleep(1.0)  # some traffic between the kills
        old = ground.brain.kill(name)
        ground.brain.wait_back(name, old)


@pytest.mark.slow
@pytest.mark.timeout(290)
def test_every_acknowledged_reading_is_kept_and_judged_once(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    base = time.time_ns() // 1_000_000 + DAY
    lines = _http_lines(random.Random(20), base)
    closing = base + HTTP_ROWS * MINUTE + HOUR
    last = Observation("n_end", "mark", closing, 2.0)
    with ground.running():
        senders = [HttpSender(f"line{n}", line, ground.web) for n, line in enumerate(lines)]
        devices = {row.thing: "gauge" for line in lines for batch in line for row in batch.rows}
        devices |= {f"n_m{n}": "gauge" for n in range(MQTT_THINGS)} | {last.thing: "sentinel"}
        body = [{"id": name, "type": kind} for name, kind in devices.items()]
        senders[0].post("/api/v1/devices", json.dumps(body).encode())

        ledger_file = tmp_path / "mqtt.ledger"
        device = _mqtt_device(ground, ledger_file, base)
        for sender in senders:
            sender.start()
        _kill_in_turn(ground)
        for sender in senders:
            sender.join(200)
        told, _ = device.communicate(timeout=120)
        assert device.returncode == 0, told
        assert [sender.fault for sender in senders if sender.fault] == []

        ledger = [row for sender in senders for row in sender.acknowledged]
        ledger += [Observation(*one[1:]) for one in read_ledger(ledger_file).values()]
        assert len(ledger) == HTTP_LINES * HTTP_THINGS * HTTP_ROWS + MQTT_COUNT

        ground.wait_back()
        count = "SELECT count(*) FROM {t} WHERE starts_with(thing, 'n_')"
        until(lambda: ground.lake(count)[0][0] >= len(ledger), 60, "the lake has it all")
        until(lambda: ground.wire.tick(closing), 30, "the closing tick")
        HttpSender("end", [Batch([last])], ground.web).send()
        ledger.append(last)
        _settled(ground, ledger, closing)


def _settled(ground: Ground, ledger: list[Observation], closing: int) -> None:
    ended = "SELECT 1 FROM watch_warning WHERE thing = 'n_end' AND case_id <> ''"
    until(lambda: ground.ask(ended), 60, "the last reading has its warning and its case")
    until(lambda: not verify.outbox(ground), 30, "the outbox is empty")
    until(lambda: not verify.lake_rows(ground, "n_", ledger), 15, "the lake is the ledger")

    assert verify.lake_rows(ground, "n_", ledger) == []
    distinct = "SELECT count(*), count(DISTINCT (thing, property, time)) FROM {t}"
    rows, identities = ground.lake(distinct)[0]
    assert rows == identities == len(ledger)
    assert verify.warning_rows(ground, "n_", ledger, closing) == []
    assert ground.ask("SELECT count(*) FROM watch_warning")[0][0] > 300
    assert ground.ask("SELECT count(*) FROM command_case")[0][0] > 100
    assert ground.ask("SELECT count(*) FROM network_quarantine")[0][0] == 0
    until(lambda: not verify.event_ledger(ground), 30, "the ledger of events is whole")
