"""What must hold after a trial has settled; every difference is told in one line."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.faults.ground import Ground
from tests.faults.plan import Plan
from tests.faults.reference import NAMES, Observation, Told, opens, warnings

FIRST = 5  # differences shown of each sort


def _differences(what: str, wanted: Iterable[Any], found: Iterable[Any]) -> list[str]:
    wanted, found = Counter(wanted), Counter(found)
    missing, extra = wanted - found, found - wanted
    told = []
    if missing:
        told.append(f"{what}: {missing.total()} missing, first {sorted(missing)[:FIRST]}")
    if extra:
        told.append(f"{what}: {extra.total()} too many, first {sorted(extra)[:FIRST]}")
    return told


def lake_rows(ground: Ground, prefix: str, ledger: list[Observation]) -> list[str]:
    """Every acknowledged observation is in the lake once, and nothing else is."""
    found = ground.lake(
        "SELECT thing, property, epoch_ms(time), value FROM {t} WHERE starts_with(thing, ?)", prefix
    )
    return _differences("lake", ledger, (Observation(*row) for row in found))


def warning_rows(ground: Ground, prefix: str, ledger: list[Observation], until: int) -> list[str]:
    """The warnings are those that the ledger implies: each once, with all its changes."""
    since = dict(
        ground.ask("SELECT thing, since FROM network_series WHERE thing GLOB ?",
                   prefix + "*")
    )  # fmt: skip
    wanted = warnings(ledger, since, until)
    rows = ground.ask(
        "SELECT id, rule, thing, raised_at, cleared_at, open, peak_level, case_id, evidence"
        " FROM watch_warning WHERE thing GLOB ?", prefix + "*",
    )  # fmt: skip
    changes: dict[str, list[tuple[str, int, int]]] = {}
    for warning, kind, level, time in ground.ask(
        "SELECT c.warning, c.kind, c.level, c.time FROM watch_change c JOIN watch_warning w"
        " ON w.id = c.warning WHERE w.thing GLOB ? ORDER BY c.rowid",
        prefix + "*",
    ):  # fmt: skip
        changes.setdefault(warning, []).append((kind, level, time))
    found = {row[0]: Told(row[1], row[2], row[3], tuple(changes.get(row[0], ()))) for row in rows}
    told = _differences("warnings", wanted, found.values())
    wanted_once = set(wanted)
    for row in rows:
        one = found[row[0]]
        if one not in wanted_once:
            continue
        stands = (row[4], bool(row[5]), row[6])
        if stands != (one.cleared_at, one.cleared_at is None, one.peak):
            told.append(f"warning {one} stands as cleared_at, open, peak = {stands}")
        if one.rule != "beacon_silent" and not json.loads(row[8]).get("values"):
            told.append(f"warning {one} has no evidence")
    return told + _cases(ground, prefix, found, {row[0]: row[7] for row in rows})


def _cases(
    ground: Ground, prefix: str, found: dict[str, Told], linked: dict[str, str | None]
) -> list[str]:
    """There is one case for each warning that opens one, with its evidence and a whole log."""
    wanted = [warning for warning, one in found.items() if opens(one)]
    cases = ground.ask(
        "SELECT id, warning_id, steps, level FROM command_case WHERE thing GLOB ?",
        prefix + "*",
    )  # fmt: skip
    told = _differences("cases, by warning", wanted, (case[1] for case in cases))
    told += _differences(
        "links from warning to case",
        ((case[1], case[0]) for case in cases),
        ((warning, case) for warning, case in linked.items() if case),
    )
    lines: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for case, n, data in ground.ask(
        "SELECT s.case_id, s.n, s.data FROM command_step s JOIN command_case c ON c.id = s.case_id"
        " WHERE c.thing GLOB ? ORDER BY s.case_id, s.n", prefix + "*",
    ):  # fmt: skip
        lines.setdefault(case, []).append((n, json.loads(data)))
    for case, warning, steps, level in cases:
        log = lines.get(case, [])
        if [n for n, _ in log] != list(range(1, steps + 1)):
            told.append(f"case {case}: steps {[n for n, _ in log]}, should be 1 to {steps}")
        if not log or not (log[0][1].get("evidence") or {}).get("values"):
            told.append(f"case {case} of warning {warning} has no evidence")
        one = found.get(warning)
        if one is not None:
            ends = sum(bool(data.get("cleared")) for _, data in log)
            if ends != (one.cleared_at is not None):
                told.append(f"case {case}: {ends} notes of clearing for {one}")
            if level != one.peak:
                told.append(f"case {case}: level {NAMES[level]}, should be {NAMES[one.peak]}")
    return told


def quarantine(ground: Ground, plan: Plan) -> list[str]:
    """What was kept apart is what was bad, item by item."""
    rows = ground.ask(
        "SELECT reason, thing, property, raw FROM network_quarantine WHERE thing GLOB ?",
        plan.prefix + "*",
    )  # fmt: skip
    found = []
    for reason, thing, name, raw in rows:
        said = json.loads(raw)
        found.append((reason, thing, name, said["time"], json.dumps(said["value"])))
    wanted = [
        (bad.reason, bad.thing, bad.property, bad.time,
         json.dumps(float(bad.value) if bad.reason == "contradiction" else bad.value))
        for bad in plan.bad()
    ]  # fmt: skip
    return _differences("quarantine", wanted, found)


def outbox(ground: Ground) -> list[str]:
    waiting = ground.ask("SELECT count(*) FROM cloud_outbox WHERE sent = 0")[0][0]
    return [f"outbox: {waiting} events wait"] if waiting else []


def event_ledger(ground: Ground) -> list[str]:
    """The lake's ledger holds the events of the outbox, each once, in one order without a gap."""
    wrote = [
        (n, *row)
        for n, row in enumerate(ground.ask("SELECT kind, subject FROM cloud_outbox ORDER BY id"), 1)
    ]
    kept = ground.lake("SELECT position, kind, subject FROM {t} ORDER BY position", table="events")
    if kept != wrote:
        return [f"the ledger of events is not the outbox: {_first(wrote, kept)}"]
    return []


def _first(wanted: list[Any], found: list[Any]) -> str:
    for n, (one, other) in enumerate(zip(wanted, found, strict=False)):
        if one != other:
            return f"line {n} is {other}, should be {one} ({len(found)} lines for {len(wanted)})"
    return f"{len(found)} lines, should be {len(wanted)}"
