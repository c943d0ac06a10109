"""What the judge remembers, as arrays: taken out, put back, whatever rules or series have changed.

A rule's part is named by its pack, key and version. A rule that changed or left starts afresh or
ends; warnings it had open come back as cleared, so that nobody waits for them.
"""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from zhiyin.watch.engine import Engine, Watched, in_order, warning_id
from zhiyin.watch.model import LONG_AGO, NEVER, Ints, Transition
from zhiyin.watch.silent import Silent
from zhiyin.watch.threshold import Threshold

State = dict[str, npt.NDArray[Any]]
FORMAT = 1


def state_of(engine: Engine) -> State:
    """Return copies of all an engine remembers."""
    engine.sync()
    size = len(engine.table.kind)
    series, time, value = engine.held.columns()
    state: State = {
        "engine": np.array([FORMAT, engine.frontier, engine.position], np.int64),
        "newest": engine.newest[:size].copy(),
        "seen": engine.seen[:size].copy(),
        "recent/time": engine.recent.time[:, :size].copy(),
        "recent/value": engine.recent.value[:, :size].copy(),
        "recent/count": engine.recent.count[:size].copy(),
        "held/series": series,
        "held/time": time,
        "held/value": value,
    }
    for watched in engine.watched:
        for rule in watched.states:
            name = f"rule/{rule.rule.name()}/{rule.rule.version}"
            parts = _parts(watched, rule, engine.newest[watched.series])
            state.update({f"{name}/{part}": array for part, array in parts.items()})
    return state


def restore(engine: Engine, state: State) -> list[Transition]:
    """Put a state into a fresh engine whose table knows its series; return what that clears.

    Cleared are the warnings of rules that changed or left and of series the table lost. ValueError
    when the state is of another format.
    """
    engine.sync()
    made, frontier, position = state["engine"].tolist()
    if made != FORMAT:
        raise ValueError(f"state has format {made}; it should be {FORMAT}")
    engine.frontier, engine.position = frontier, position
    size = min(len(state["newest"]), len(engine.table.kind))
    known = np.flatnonzero(engine.group[:size] >= 0)
    known = known[state["newest"][known] > LONG_AGO]
    engine.newest[known] = state["newest"][known]
    engine.seen[known] = state["seen"][known]
    engine.recent.time[:, known] = state["recent/time"][:, known]
    engine.recent.value[:, known] = state["recent/value"][:, known]
    engine.recent.count[known] = state["recent/count"][known]
    _restore_unheard(engine, state, size)
    _restore_held(engine, state)
    return in_order(_restore_rules(engine, state))


def _restore_unheard(engine: Engine, state: State, size: int) -> None:
    """Silence of a series never heard counts from its first binding, not from this start."""
    unheard = np.flatnonzero((engine.group[:size] >= 0) & (state["newest"][:size] == LONG_AGO))
    unheard = unheard[state["seen"][unheard] > LONG_AGO]
    engine.seen[unheard] = np.minimum(engine.seen[unheard], state["seen"][unheard])


def _restore_held(engine: Engine, state: State) -> None:
    series, time, value = state["held/series"], state["held/time"], state["held/value"]
    known = series < len(engine.table.kind)
    known[known] = engine.group[series[known]] >= 0
    series, time = series[known], time[known]
    engine.held.add(series, time, value[known], time + engine.lateness_of(series))


def _parts(watched: Watched, rule: Threshold | Silent, newest: Ints) -> State:
    """Return a rule's arrays for the places where something stands or is under way."""
    size = watched.size
    busy = (rule.level[:size] > 0) | (rule.changed[:size] > newest)
    if isinstance(rule, Threshold):
        busy |= rule.bin[:size] > 0
    place = np.flatnonzero(busy)
    parts: State = {
        "series": watched.series[place],
        "codes": np.array(rule.codes, np.int64),
        "level": rule.level[place],
        "raised": rule.raised[place],
        "changed": rule.changed[place],
    }
    if isinstance(rule, Threshold):
        parts |= {"bin": rule.bin[place], "since": rule.since[:, place], "due": rule.due[place]}
    return parts


def _restore_rules(engine: Engine, state: State) -> Iterator[Transition]:
    present = {
        f"{rule.rule.name()}/{rule.rule.version}": (watched, rule)
        for watched in engine.watched
        for rule in watched.states
    }
    names = {rule.name() for rule in engine.rules}
    endings = (name for name in state if name.startswith("rule/") and name.endswith("/series"))
    for ending in endings:
        name = ending.removeprefix("rule/").removesuffix("/series")
        parts = {
            part.removeprefix(f"rule/{name}/"): array
            for part, array in state.items()
            if part.startswith(f"rule/{name}/")
        }
        if name not in present:
            why = "rule changed" if name.rpartition("/")[0] in names else "rule removed"
            lost = np.ones(len(parts["series"]), np.bool_)
        else:
            why = "series gone"
            watched, rule = present[name]
            lost = ~_restore_rule(engine, watched, rule, parts)
        for at in np.flatnonzero(lost & (parts["level"] > 0)).tolist():
            yield _cleared(name, parts, at, why, state)


def _restore_rule(
    engine: Engine, watched: Watched, rule: Threshold | Silent, parts: State
) -> npt.NDArray[np.bool_]:
    """Put a rule's arrays back; return which of its series are still watched (mask)."""
    series = cast("Ints", parts["series"])
    there = series < len(engine.table.kind)
    number = engine.watched.index(watched)
    there[there] = engine.group[series[there]] == number
    place = engine.place[series[there]]
    rule.level[place] = parts["level"][there]
    rule.raised[place], rule.changed[place] = parts["raised"][there], parts["changed"][there]
    if isinstance(rule, Silent):
        rule.open = int(np.count_nonzero(rule.level))
        return there
    rule.bin[place], rule.due[place] = parts["bin"][there], parts["due"][there]
    rule.since[:, place] = parts["since"][:, there]
    rule.active = int(np.count_nonzero(rule.bin))
    rule.soonest = int(rule.due.min(initial=NEVER))
    return there


def _cleared(name: str, parts: State, at: int, why: str, state: State) -> Transition:
    rule, _, version = name.rpartition("/")
    pack, _, key = rule.partition("/")
    series = int(parts["series"][at])
    newest, count = int(state["newest"][series]), int(state["recent/count"][series])
    time = max(int(parts["changed"][at]), newest)
    return Transition(
        warning=warning_id(rule, series, int(parts["raised"][at])),
        rule=key,
        pack=pack,
        version=version,
        series=series,
        kind="cleared",
        level=0,
        time=time,
        value=float(state["recent/value"][(count - 1) % 8, series]) if count else float("nan"),
        since=time,
        evidence={
            "rule": key,
            "version": version,
            "level": int(parts["codes"][int(parts["level"][at]) - 1]),
            "why": why,
            "position": int(state["engine"][2]),
        },
    )
