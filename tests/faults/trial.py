"""One trial: senders and faults at once, then what is there against what must be there."""

import random
import time
from dataclasses import dataclass, field

import msgspec

from tests.brains import until
from tests.faults import verify
from tests.faults.ground import Ground, SmallDisk
from tests.faults.kinds import KINDS, WEIGHTS, Stage
from tests.faults.plan import SPACING, Batch, Plan, draw
from tests.faults.reference import Observation
from tests.faults.senders import HttpSender, MqttSender, NotTaken, Sender

SLOW = 15.0  # seconds of settling from which on its steps are told
SETTLE = 60.0  # seconds until everything must have arrived everywhere


@dataclass
class Result:
    """What one trial did and found."""

    number: int
    kind: str
    deeds: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    observations: int = 0
    warnings: int = 0
    cases: int = 0
    bad: int = 0
    retries: int = 0
    seconds: float = 0.0
    settled: float = 0.0
    slow: str = ""

    def line(self) -> str:
        state = "VIOLATED" if self.violations else "ok"
        return (
            f"trial {self.number:>4}  {self.kind:<16} {state:<8} {self.seconds:5.1f} s"
            f" ({self.settled:4.1f} settling)  {self.observations} observations,"
            f" {self.warnings} warnings, {self.cases} cases, {self.bad} bad,"
            f" {self.retries} retries  [{'; '.join(self.deeds)}]"
            + (f"  slow: {self.slow}" if self.slow else "")
        )


def kind_of(seed: int, number: int, only: str | None, kinds: list[str]) -> str:
    """Return the kind of a trial, which follows from seed and number."""
    if only:
        return only
    weights = [WEIGHTS.get(name, 2) for name in kinds]
    return random.Random(f"{seed}/{number}/kind").choices(kinds, weights)[0]


class Trial:
    """Trial `number` on a running brain."""

    def __init__(
        self, ground: Ground, disk: SmallDisk | None, seed: int, number: int, kind: str,
        base: int, size: float = 1.0,
    ) -> None:  # fmt: skip
        self.ground, self.disk = ground, disk
        self.kind, shares = kind, KINDS[kind][1]
        shares = type(shares)(shares.duplicate, shares.bad, shares.disorder, shares.clock_off, size)
        self.chance = random.Random(f"{seed}/{number}")
        self.plan: Plan = draw(f"{seed}/{number}/plan", number, base + number * SPACING, shares)
        self.result = Result(number, kind)
        self._marks: list[tuple[str, float]] = []

    def run(self) -> Result:
        begun = time.monotonic()
        try:
            ledger = self._send()
            self._settle(ledger)
        except (AssertionError, NotTaken) as fault:
            self.result.violations.insert(0, str(fault))
        self.result.seconds = time.monotonic() - begun
        return self.result

    def _register(self) -> None:
        asking = HttpSender("register", [], self.ground.web)
        devices = [{"id": name, "type": kind} for name, kind in self.plan.devices.items()]
        said = asking.post("/api/v1/devices", msgspec.json.encode(devices))
        if said["added"] + said["known"] != len(devices):
            raise AssertionError(f"registered {said} of {len(devices)}")

    def _send(self) -> list[Observation]:
        ground, plan = self.ground, self.plan
        self._register()
        lines = [
            HttpSender(f"{plan.prefix}http{n}", line, ground.web, passed=ground.wire.tick)
            for n, line in enumerate(plan.http)
        ]
        mqtt = MqttSender(f"{plan.prefix}mqtt", plan.mqtt, plan.sentinels[0], ground.mqtt)
        senders: list[Sender] = [*lines, mqtt]
        stage = Stage(ground, self.disk, self.result.violations)
        deeds = sorted(KINDS[self.kind][0](self.chance, stage), key=lambda deed: deed.at)
        begun = time.monotonic()
        for sender in senders:
            sender.start()
        for deed in deeds:
            time.sleep(max(0.0, begun + deed.at - time.monotonic()))
            self.result.deeds.append(f"{deed.at:.2f} s {deed.what}")
            deed.do()
        for sender in senders:
            sender.join(200)
        faults = [sender.fault or f"{sender.name} is not done" for sender in senders
                  if sender.fault or sender.is_alive()]  # fmt: skip
        self.result.retries = sum(sender.retries for sender in senders)
        if faults:
            raise NotTaken("; ".join(faults))
        return [*{row: None for sender in senders for row in sender.acknowledged}]

    def _settle(self, ledger: list[Observation]) -> None:
        ground, plan = self.ground, self.plan
        begun = time.monotonic()
        self._marks.append(("", begun))
        ground.wait_back()
        self._mark("all back")
        last_mqtt, last_http = plan.sentinels
        until(lambda: self._warned(last_mqtt.thing), SETTLE, "the last of MQTT is judged")
        self._mark("mqtt judged")
        until(lambda: ground.wire.tick(plan.closing), SETTLE, "the closing tick")
        sender = HttpSender("sentinel", [Batch([last_http])], ground.web)
        sender.send()
        ledger.append(last_http)
        until(lambda: self._warned(last_http.thing), SETTLE, "the last of HTTP is judged")
        wanted = plan.good()
        if set(wanted) != set(ledger):
            raise AssertionError("the ledger is not the plan")
        # What arrives by ways of its own is waited for; what is too much is looked for at the end.
        self._mark("judged")
        for check in (self._lake, self._judged, self._kept, self._sent):
            deadline = time.monotonic() + SETTLE / 2
            while check(ledger) and time.monotonic() < deadline:
                time.sleep(0.05)
            self._mark(check.__name__.strip("_"))
        for check in (self._lake, self._judged, self._kept, self._sent):
            self.result.violations += check(ledger)
        self.result.settled = time.monotonic() - begun
        if self.result.settled > SLOW:
            steps = zip(self._marks[1:], self._marks, strict=False)
            self.result.slow = ", ".join(f"{at[0]} {at[1] - was[1]:.1f} s" for at, was in steps)
        self._count(ledger)

    def _mark(self, what: str) -> None:
        self._marks.append((what, time.monotonic()))

    def _warned(self, thing: str) -> bool:
        return bool(
            self.ground.ask("SELECT 1 FROM watch_warning WHERE thing = ? AND case_id <> ''", thing)
        )

    def _lake(self, ledger: list[Observation]) -> list[str]:
        return verify.lake_rows(self.ground, self.plan.prefix, ledger)

    def _judged(self, ledger: list[Observation]) -> list[str]:
        return verify.warning_rows(self.ground, self.plan.prefix, ledger, self.plan.closing)

    def _kept(self, _ledger: list[Observation]) -> list[str]:
        return verify.quarantine(self.ground, self.plan)

    def _sent(self, _ledger: list[Observation]) -> list[str]:
        return verify.outbox(self.ground)

    def _count(self, ledger: list[Observation]) -> None:
        prefix = self.plan.prefix
        everything = f"{prefix}*"
        ask = self.ground.ask
        self.result.observations = len(ledger)
        self.result.bad = len(self.plan.bad())
        self.result.warnings = ask(
            "SELECT count(*) FROM watch_warning WHERE thing GLOB ?", everything
        )[0][0]
        self.result.cases = ask("SELECT count(*) FROM command_case WHERE thing GLOB ?", everything)[
            0
        ][0]
