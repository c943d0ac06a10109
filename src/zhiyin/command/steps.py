"""联动指挥:the way of a case: which step may follow, by whom, and what a log amounts to. Pure.

The log is the truth: `replay` folds it to a `Progress`, the case's row only repeats the result.
Each line carries the SHA-256 of its canonical JSON together with the hash of the line before.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from zhiyin.command.model import AXIS as _AXIS
from zhiyin.command.model import (
    LEADS_TO,
    NEEDS_NOTE,
    ROAD,
    STATE_WORDS,
    STEP_WORDS,
    Axis,
    CaseType,
    NoteMissing,
    NotNow,
    OtherHands,
    Progress,
    State,
    Step,
    StepRecord,
)
from zhiyin.kernel import CallerFault, WarningLevel, Words

_PASSED = {state: at for at, state in enumerate(LEADS_TO[step] for step in ROAD)}


def next_steps(kind: CaseType, state: State) -> tuple[Step, ...]:
    """Return what may follow in this state, whoever does it; void and note while it is open."""
    if state.ended:
        return ()
    reached = _PASSED.get(state, -1)
    ahead = next((step for step in kind.steps if ROAD.index(step) > reached), None)
    return tuple(
        step
        for step in Step
        if step in {ahead, Step.VOID, Step.NOTE} or (step is Step.REWORK and ahead is Step.CHECK)
    )


def refusal(
    kind: CaseType, number: str, progress: Progress, step: Step, by: str
) -> CallerFault | None:
    """Return why this user may not take this step now, None when they may."""
    words, possible = STEP_WORDS[step], next_steps(kind, progress.state)
    if step not in possible:
        state = STATE_WORDS[progress.state]
        ways = [STEP_WORDS[way] for way in possible] or [Words("没有", "nothing")]
        return NotNow(
            step, number=number, state=state.zh, state_en=state.en, step=words.zh, step_en=words.en,
            may="、".join(way.zh for way in ways), may_en=", ".join(way.en for way in ways),
        )  # fmt: skip
    supervises = _AXIS[step] is Axis.SUPERVISE and step is not Step.NOTE
    if supervises and by in progress.disposed_by:
        return OtherHands(
            step, by=by, number=number, step=words.zh, step_en=words.en,
            hands=", ".join(progress.disposed_by),
        )  # fmt: skip
    return None


def require_note(step: Step, note: str) -> None:
    if step in NEEDS_NOTE and not note.strip():
        words = STEP_WORDS[step]
        raise NoteMissing("note", step=words.zh, step_en=words.en)


def may(kind: CaseType, number: str, progress: Progress, by: str) -> list[Step]:
    return [step for step in Step if refusal(kind, number, progress, step, by) is None]


def why_not(kind: CaseType, number: str, progress: Progress, by: str) -> dict[Step, Words]:
    """Return one sentence for each of the type's steps that this user may not take now."""
    asked = [*kind.steps, Step.VOID]
    if Step.CHECK in kind.steps:
        asked.append(Step.REWORK)
    refusals = ((step, refusal(kind, number, progress, step, by)) for step in asked)
    return {step: Words(fault.text("zh"), fault.text("en")) for step, fault in refusals if fault}


def applied(progress: Progress, record: StepRecord) -> Progress:
    """Return the progress after one more line of the log."""
    disposed_by = progress.disposed_by
    if record.step is Step.DISPOSE and record.by not in disposed_by:
        disposed_by = (*disposed_by, record.by)
    state = LEADS_TO.get(record.step, progress.state)
    return Progress(
        state=state,
        level=max(progress.level, WarningLevel(record.data.get("level", 0))),
        unit=record.unit or progress.unit,
        due_at=progress.due_at,
        rework=progress.rework + (record.step is Step.REWORK),
        disposed_by=disposed_by,
        closed_at=record.at if state.ended else None,
        n=record.n,
    )


def begun(record: StepRecord) -> Progress:
    """Return the progress after the first line, which files the case."""
    return Progress(
        state=State.FILED,
        level=WarningLevel(record.data["level"]),
        unit=record.unit,
        due_at=record.data["due_at"],
        n=record.n,
    )


def replay(log: Sequence[StepRecord]) -> Progress:
    """Fold a log, in order, to what it amounts to."""
    progress = begun(log[0])
    for record in log[1:]:
        progress = applied(progress, record)
    return progress


def sealed(record: StepRecord, previous_hash: str) -> StepRecord:
    """Return the line with both hashes set."""
    open_line = msgspec.structs.replace(record, previous_hash=previous_hash, hash="")
    return msgspec.structs.replace(open_line, hash=_digest(open_line))


def _digest(record: StepRecord) -> str:
    line = msgspec.structs.asdict(record)
    del line["hash"]
    return hashlib.sha256(msgspec.json.encode(line, order="sorted")).hexdigest()


def verify_chain(log: Iterable[StepRecord], head: str | None = None) -> int | None:
    """Return the `n` of the first line that does not hold, None when the whole chain does.

    With `head`, the hash the case's row keeps, a log cut off at its end is found as well: the
    answer is then the number of the first line missing.
    """
    previous, n = "", 0
    for n, record in enumerate(log, 1):
        held = record.n == n and record.previous_hash == previous
        if not held or record.hash != _digest(record):
            return n
        previous = record.hash
    return n + 1 if head is not None and previous != head else None
