"""Every benchmark in turn, under seven minutes, as one table: `make bench`.

Prints as it goes and leaves the table in `bench-results.md` in the current folder.
"""

import time
from pathlib import Path

from benchmarks import gateways, ingest, peers, rules, warning
from benchmarks.brain import running, settled
from benchmarks.machine import load, machine

RESULTS = Path("bench-results.md")
SECONDS = 10.0  # of load, of each measurement

Row = tuple[str, str, str, str, str, str]  # what, ours, peer, ratio, CPU, others


def _cpu(cpu: dict[str, float]) -> str:
    parts = ", ".join(f"{name} {value:.2f}" for name, value in cpu.items() if value >= 0.005)
    return f"{sum(cpu.values()):.2f} ({parts})"


class Table:
    """The rows so far; each is printed when it is known."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.notes: list[str] = []

    def add(
        self, what: str, ours: str, peer: str = "", ratio: str = "", cpu: str = "",
        others: float | None = None,
    ) -> None:  # fmt: skip
        busy = "" if others is None else f"{others:.2f}"
        self.rows.append((what, ours, peer, ratio, cpu, busy))
        print(" | ".join(part for part in self.rows[-1] if part), flush=True)

    def note(self, text: str) -> None:
        self.notes.append(text)
        print(text, flush=True)

    def markdown(self) -> str:
        head = ("measured", "ours", "peer", "ours beside the peer", "CPU µs a unit, by process",
                "cores others kept busy")  # fmt: skip
        lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])


def _sizes(rss: dict[str, int]) -> str:
    return f"{sum(rss.values())} ({', '.join(f'{name} {size}' for name, size in rss.items())})"


def measure_peers(table: Table) -> dict[int, peers.Stored]:
    """Measure the peers; return the one that costs least CPU, by observations a request."""
    best: dict[int, peers.Stored] = {}
    for peer in peers.PEERS:
        for each in (10_000, 1_000):
            run = peers.stored(peer, each, SECONDS / 2)
            if isinstance(run, str):
                table.note(f"{peer.name}: left out, {run}")
                break
            table.add(
                f"{peer.name}, store only, {each:,} a request", "", f"{run.rate:,.0f}/s", "",
                f"{run.cpu:.2f}", run.others,
            )  # fmt: skip
            table.note(
                f"{peer.name}, {each:,} a request: answered p50 {run.answer_p50_ms:.1f} p99"
                f" {run.answer_p99_ms:.1f} ms, {run.rss} MiB, others {run.others:.2f} cores"
            )
            if each not in best or run.cpu < best[each].cpu:
                best[each] = run
    return best


def measure_brain(table: Table, best: dict[int, peers.Stored]) -> None:
    with running() as measured:
        rest = measured.meter().rss()
        measured.register()
        settled(measured.meter())
        table.add("memory at rest, MiB", _sizes(rest))
        table.add("with 100,000 series, MiB", _sizes(measured.meter().rss()))
        for shape, title in (("lists", "lists"), ("rows", "rows"), ("texts", "rows, RFC 3339")):
            for each in (10_000, 1_000):
                run = ingest.ingest(measured, shape, each, SECONDS)
                peer = best.get(each)
                table.add(
                    f"HTTP to lake, {title}, {each:,} a request", f"{run.committed:,.0f}/s",
                    f"{peer.rate:,.0f}/s" if peer else "",
                    f"{run.cpu_all / peer.cpu:.1f} × its CPU" if peer else "",
                    _cpu(run.cpu), run.others,
                )  # fmt: skip
                table.note(ingest.shown(run))
        for rate in (100_000.0, 0.0):
            told = warning.delays(measured, rate, 15 if rate else 5, 0 if rate else 200)
            table.add(
                f"acknowledged to warning on a screen, at {told.rate:,.0f}/s",
                f"p50 {told.p50:.0f} p99 {told.p99:.0f} max {told.worst:.0f} ms",
            )
            table.note(f"warnings at {told.rate:,.0f}/s: {told.missing} of {told.probes} missing")
        run = ingest.mqtt(measured, SECONDS)
        table.add(
            "MQTT QoS 1 to lake, one a message", f"{run.committed:,.0f}/s", "", "", _cpu(run.cpu),
            run.others,
        )  # fmt: skip
        table.note(ingest.shown(run))
        table.add("memory after the load, MiB", _sizes(run.rss))


def measure_rules(table: Table) -> None:
    found = rules.main(moods=("quiet", "restless"))
    for name, figures in found.items():
        title, _, kind = name.rpartition(", ")
        if kind != "python loop":
            continue
        loop = figures["us_per_observation"]
        for size in rules.SIZES:
            ours = found[f"{title}, batch {size}"]["us_per_observation"]
            table.add(
                f"rules: {title}, batch {size:,}", f"{ours:.2f} µs", f"{loop:.2f} µs (Python loop)",
                f"{loop / ours:.0f} × faster", f"{ours:.2f}",
            )  # fmt: skip


def measure_gateways(table: Table) -> None:
    """Measure the field protocols; Node-RED is the peer of HJ 212's whole way."""
    for protocol in gateways.PROTOCOLS:
        alone = gateways.codec(protocol)
        table.add(alone.what, f"{alone.rate:,.0f}/s", cpu=_cpu(alone.cpu))
    peer = gateways.peer()
    with gateways.running() as brain:
        for protocol in gateways.PROTOCOLS:
            run = gateways.whole_way(brain, protocol)
            beside, ratio = "", ""
            if protocol == "hj212" and not isinstance(peer, str):
                beside = f"{peer.rate:,.0f}/s (Node-RED, keeps nothing)"
                ratio = f"{run.rate / peer.rate:.1f} × as many"
            table.add(run.what, f"{run.rate:,.0f}/s", beside, ratio, _cpu(run.cpu), run.others)
    table.note(f"Node-RED: left out, {peer}" if isinstance(peer, str) else str(peer))


def main() -> None:
    table, begun = Table(), time.monotonic()
    here, before = machine(), load()
    print(f"{here}; load before {before}", flush=True)
    measure_brain(table, measure_peers(table))
    measure_rules(table)
    measure_gateways(table)
    table.note(f"machine: {here}; load average before {before}, after {load()}")
    table.note(f"took {time.monotonic() - begun:.0f} s")
    RESULTS.write_text(table.markdown(), encoding="utf-8")
    print("\n" + table.markdown())


if __name__ == "__main__":
    main()
