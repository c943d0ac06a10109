"""一张网 · send a file of old readings through the front door, as the devices would have.

Nothing is lost silently: what cannot be read goes to a side file with line and reason. A run that
was interrupted goes on where it stopped; a second run sends the same keys and changes nothing.
"""

import os
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, TextIO

import httpx
import msgspec

from zhiyin.kernel import Clock, SystemClock, iso, parse_time
from zhiyin.network.mapping import Mapping, Target, load_mapping, targets_of
from zhiyin.network.replay_faults import (
    BatchRefused,
    FileChanged,
    ServerAway,
    UnitDoubtful,
    UnitTrap,
)
from zhiyin.network.replay_rows import Counts, Observation, Reader, Row

_PROBE = 1_000  # rows looked at before anything is sent
_RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to replay, where to and how.

    Without `shift_to` the times stay as they were and the brain takes them as history. With it
    ("now" or a time) the first observation stands at that time, the file runs `speed` times as
    fast as the clock, and nothing is sent before its own time. `side` is the folder of the side
    files (default: the file's own, or the current one where that is read-only); `model` is the
    pack's model.yaml (default: in the folder above the mapping's). `patience` is in real seconds.
    """

    file: Path
    mapping: Path
    to: str
    shift_to: str | None = None
    speed: float = 1.0
    batch: int = 1_000
    dry_run: bool = False
    side: Path | None = None
    model: Path | None = None
    user: str = "user:duty"
    patience: float = 300.0
    retry_ms: int = 200


class Report(msgspec.Struct):
    """What a replay did. read.observations = sent when it ran to its end.

    `accepted` and `quarantined` are the brain's own counts; `resumed` the observations that an
    earlier, interrupted run had sent (they are in `sent` too); `apart_file` exists when rows were
    kept apart; `first` and `last` are the times of the observations as sent. While the brain takes
    nothing `waiting_for` says what it answered.
    """

    read: Counts = msgspec.field(default_factory=Counts)
    sent: int = 0
    accepted: int = 0
    quarantined: int = 0
    batches: int = 0
    resumed: int = 0
    retries: int = 0
    first: str = ""
    last: str = ""
    apart_file: str = ""
    seconds: float = 0.0
    share: float = 0.0
    waiting_for: str = ""
    warnings: list[str] = msgspec.field(default_factory=list)


class Position(msgspec.Struct):
    """How far a run has come: acknowledged batches, their chained digest and the shift used.

    The chain begins with address, shift and speed, so that a run elsewhere is not taken for it.
    """

    batches: int = 0
    chain: str = ""
    first: int | None = None
    origin: int | None = None
    accepted: int = 0
    quarantined: int = 0


def replay(
    options: Options,
    *,
    clock: Clock | None = None,
    pause: Callable[[float], None] = time.sleep,
    progress: Callable[[Report], None] = lambda _: None,
    client: httpx.Client | None = None,
) -> Report:
    """Replay one file; return the report.

    Raises faults of the mapping and the file before anything is sent, `UnitTrap`, `ServerAway`
    (run again to go on), `BatchRefused` and `FileChanged`.
    """
    mapping = load_mapping(options.mapping)
    model = options.model or options.mapping.parent.parent / "model.yaml"
    targets = targets_of(mapping, options.mapping, model)
    warnings = _probe(options, mapping, targets)
    own = client or httpx.Client(timeout=30, trust_env=False)
    run = _Run(options, mapping, targets, clock or SystemClock(), pause, own)
    run.report.warnings = warnings
    try:
        return run.go(progress)
    finally:
        run.close()
        if client is None:
            own.close()


def _probe(options: Options, mapping: Mapping, targets: list[Target]) -> list[str]:
    """Look at the first rows: stop at a unit trap, and say which stated units look wrong."""
    values: dict[str, list[float]] = {one.property: [] for one in targets}
    for count, row in enumerate(Reader(options.file, mapping, targets)):
        for one in row.observations:
            values[one.property].append(one.value)
        if count >= _PROBE:
            break
    warnings = []
    for target in targets:
        floor, ceiling = target.floor, target.ceiling
        found = values[target.property]
        if floor is None or ceiling is None or not found:
            continue
        outside = [value for value in found if not floor <= value <= ceiling]
        if len(outside) <= len(found) / 2:
            continue
        facts = _facts(target, outside, len(found))
        if not target.stated:
            raise UnitTrap(str(options.file), **facts)
        doubt = UnitDoubtful(str(options.file), **facts)
        warnings.append(f"{doubt.text('zh')}\n{doubt.text('en')}")
    return warnings


def _facts(target: Target, outside: list[float], count: int) -> dict[str, Any]:
    guess_zh = guess_en = ""
    middle = sorted(outside)[len(outside) // 2]
    if target.unit == "mg/m³" and (target.floor or 0) <= middle / 1000 <= (target.ceiling or 0):
        guess_zh, guess_en = "(看来是 µg/m³)", " (it looks like µg/m³)"
    return {
        "column": target.column,
        "share": len(outside) / count,
        "floor": target.floor,
        "ceiling": target.ceiling,
        "unit": target.unit,
        "example": outside[0],
        "guess_zh": guess_zh,
        "guess_en": guess_en,
    }


class _Run:
    """One run over one file: reading, batching, sending, remembering the position."""

    def __init__(
        self,
        options: Options,
        mapping: Mapping,
        targets: list[Target],
        clock: Clock,
        pause: Callable[[float], None],
        client: httpx.Client,
    ) -> None:
        self.report = Report()
        self._options, self._clock, self._pause, self._client = options, clock, pause, client
        self._reader = Reader(options.file, mapping, targets)
        self._size = options.file.stat().st_size
        folder = options.file.parent
        side = options.side or (folder if os.access(folder, os.W_OK) else Path())
        self._apart_path = side / f"{options.file.name}.quarantine.jsonl"
        self._apart: TextIO | None = None
        self._position_path = side / f"{options.file.name}.position.json"
        self._old = self._read_position()
        told = msgspec.json.encode([options.to, options.shift_to, options.speed])
        self._position = Position(
            chain=told.decode(), first=self._old.first, origin=self._old.origin
        )

    def go(self, progress: Callable[[Report], None]) -> Report:
        begun, self._progress = time.monotonic(), progress
        self._apart_path.unlink(missing_ok=True)
        self.report.read = self._reader.counts
        for line, batch in self._batches():
            self._send(line, batch)
            self.report.share = self._reader.bytes_read / max(1, self._size)
            self.report.seconds = round(time.monotonic() - begun, 3)
            progress(self.report)
        self.report.seconds, self.report.share = round(time.monotonic() - begun, 3), 1.0
        if not self._options.dry_run:
            self._position_path.unlink(missing_ok=True)
        return self.report

    def close(self) -> None:
        if self._apart is not None:
            self._apart.close()

    def _batches(self) -> Iterator[tuple[int, list[Observation]]]:
        """Yield (line, observations): whole rows, cut the same way in every run.

        Shifted observations are cut wherever the time changes, so that none waits for another.
        """
        batch: list[Observation] = []
        start = 0
        for row in self._reader:
            self._keep_apart(row)
            if not row.observations:
                continue
            moved = self._options.shift_to and batch and batch[-1].time != row.observations[0].time
            if batch and (moved or len(batch) + len(row.observations) > self._options.batch):
                yield start, batch
                batch = []
            start = start if batch else row.line
            batch += row.observations
        if batch:
            yield start, batch

    def _keep_apart(self, row: Row) -> None:
        if not row.reasons:
            return
        if self._apart is None:
            self._apart = self._apart_path.open("w", encoding="utf-8")
            self.report.apart_file = str(self._apart_path)
        entry = {"line": row.line, "row": row.cells, "reasons": row.reasons}
        self._apart.write(msgspec.json.encode(entry).decode() + "\n")
        self._apart.flush()

    def _send(self, line: int, batch: list[Observation]) -> None:
        report, position = self.report, self._position
        times = [self._shifted(one.time) for one in batch]
        body = msgspec.json.encode(
            {
                "thing": [one.thing for one in batch],
                "property": [one.property for one in batch],
                "time": times,
                "value": [one.value for one in batch],
            }
        )
        key = blake2b(body, digest_size=16).hexdigest()
        position.batches += 1
        position.chain = blake2b((position.chain + key).encode(), digest_size=16).hexdigest()
        if self._options.dry_run:
            accepted, quarantined = 0, 0
        elif position.batches <= self._old.batches:
            accepted, quarantined = self._already(len(batch))
        else:
            self._wait_until(max(times))
            accepted, quarantined = self._post(line, key, body)
            position.accepted, position.quarantined = accepted, quarantined
        report.batches += 1
        report.sent += 0 if self._options.dry_run else len(batch)
        report.accepted, report.quarantined = accepted, quarantined
        report.first = report.first or iso(min(times))
        report.last = iso(max(times))
        self._keep_position()

    def _already(self, count: int) -> tuple[int, int]:
        """Pass over a batch an earlier run sent; at the last of them compare the digests."""
        self.report.resumed += count
        old, position = self._old, self._position
        if position.batches == old.batches and position.chain != old.chain:
            raise FileChanged(
                str(self._options.file), batch=old.batches, position=self._position_path
            )
        position.accepted, position.quarantined = old.accepted, old.quarantined
        return old.accepted, old.quarantined

    def _shifted(self, moment: int) -> int:
        options, position = self._options, self._position
        if options.shift_to is None:
            return moment
        if position.first is None or position.origin is None:
            position.first = moment
            now = options.shift_to == "now"
            position.origin = self._clock.now() if now else parse_time(options.shift_to)
        return position.origin + round((moment - position.first) / options.speed)

    def _wait_until(self, moment: int) -> None:
        while self._options.shift_to is not None and (left := moment - self._clock.now()) > 0:
            self._pause(min(1.0, left / 1000 / self._clock.speed))

    def _post(self, line: int, key: str, body: bytes) -> tuple[int, int]:
        """Send one batch until it is answered for; return the totals of the answers so far."""
        options = self._options
        url = f"{options.to.rstrip('/')}/api/v1/observations"
        params = {"mode": "history"} if options.shift_to is None else {}
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Zhiyin-User": options.user,
        }
        waited, wait = 0.0, options.retry_ms / 1000
        while True:
            try:
                answer = self._client.post(url, content=body, params=params, headers=headers)
            except httpx.TransportError as fault:
                reason = type(fault).__name__
            else:
                if answer.is_success:
                    said = answer.json()
                    self.report.waiting_for = ""
                    position = self._position
                    accepted = position.accepted + said.get("accepted", 0)
                    return accepted, position.quarantined + said.get("quarantined", 0)
                reason = str(answer.status_code)
                if answer.status_code not in _RETRY:
                    raise BatchRefused(
                        str(options.file), to=options.to, line=line, status=reason,
                        said=answer.text[:300],
                    )  # fmt: skip
            if waited >= options.patience:
                raise ServerAway(
                    str(options.file), to=options.to, seconds=round(waited), reason=reason,
                    sent=self.report.sent,
                )  # fmt: skip
            self.report.retries += 1
            self.report.waiting_for = reason
            self._progress(self.report)
            self._pause(wait)
            waited, wait = waited + wait, min(wait * 2, 50 * options.retry_ms / 1000)

    def _read_position(self) -> Position:
        if self._options.dry_run or not self._position_path.exists():
            return Position()
        try:
            return msgspec.json.decode(self._position_path.read_bytes(), type=Position)
        except msgspec.DecodeError:  # cut short by a full disk: sending again changes nothing
            return Position()

    def _keep_position(self) -> None:
        if self._options.dry_run or self._position.batches <= self._old.batches:
            return
        new = self._position_path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self._position))
        new.replace(self._position_path)
