"""联动指挥:what a case, its type and its steps are. Pure; no I/O."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec

from zhiyin.command.clock import Time, midnight
from zhiyin.kernel import CallerFault, OurFault, PackFault, WarningLevel, Words


class State(StrEnum):
    """Where a case stands; `closed` and `void` are the ends."""

    FILED = "filed"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    DISPOSED = "disposed"
    CHECKED = "checked"
    CLOSED = "closed"
    VOID = "void"

    @property
    def ended(self) -> bool:
        return self in {State.CLOSED, State.VOID}


class Step(StrEnum):
    """What can be done with a case; `rework` is a check that was not passed."""

    FILE = "file"
    ACCEPT = "accept"
    DISPATCH = "dispatch"
    DISPOSE = "dispose"
    CHECK = "check"
    REWORK = "rework"
    CLOSE = "close"
    VOID = "void"
    NOTE = "note"


class Axis(StrEnum):
    """The two axes of a case: who supervises (监督) and who commands and disposes (指挥)."""

    SUPERVISE = "supervise"
    COMMAND = "command"


LEADS_TO: Final = {
    Step.FILE: State.FILED,
    Step.ACCEPT: State.ACCEPTED,
    Step.DISPATCH: State.DISPATCHED,
    Step.DISPOSE: State.DISPOSED,
    Step.CHECK: State.CHECKED,
    Step.REWORK: State.DISPATCHED,
    Step.CLOSE: State.CLOSED,
    Step.VOID: State.VOID,
}
ROAD: Final = (Step.ACCEPT, Step.DISPATCH, Step.DISPOSE, Step.CHECK, Step.CLOSE)
AXIS: Final = {
    step: Axis.COMMAND if step in {Step.DISPATCH, Step.DISPOSE} else Axis.SUPERVISE for step in Step
}
NEEDS_NOTE: Final = frozenset({Step.DISPOSE, Step.REWORK, Step.VOID, Step.NOTE})

STATE_WORDS: Final = {
    State.FILED: Words("已立案", "filed"),
    State.ACCEPTED: Words("已受理", "accepted"),
    State.DISPATCHED: Words("已派遣", "dispatched"),
    State.DISPOSED: Words("已处置", "disposed"),
    State.CHECKED: Words("已核查", "checked"),
    State.CLOSED: Words("已结案", "closed"),
    State.VOID: Words("已作废", "void"),
}
STEP_WORDS: Final = {
    Step.FILE: Words("立案", "file"),
    Step.ACCEPT: Words("受理", "accept"),
    Step.DISPATCH: Words("派遣", "dispatch"),
    Step.DISPOSE: Words("处置", "dispose"),
    Step.CHECK: Words("核查通过", "check"),
    Step.REWORK: Words("核查不通过,返工", "rework"),
    Step.CLOSE: Words("结案", "close"),
    Step.VOID: Words("作废", "void"),
    Step.NOTE: Words("记事", "note"),
}


class CaseType(msgspec.Struct, frozen=True):
    """A kind of case as a pack declares it: who leads, how long it may take, which steps it has."""

    key: str
    pack: str
    title: Words
    unit: Words  # the lead (牵头); those in `assist` help (协同)
    limit: int  # ms; for Time.DAYS working days × 24 h
    calendar: Time = Time.URGENT
    assist: tuple[Words, ...] = ()
    steps: tuple[Step, ...] = ROAD
    closes: Words = Words("", "")  # what must be so before it may be closed
    valid_from: int = 0  # UTC ms
    valid_to: int = 2**62

    def __post_init__(self) -> None:
        ordered = tuple(step for step in ROAD if step in self.steps)
        if self.steps != ordered or Step.CLOSE not in self.steps:
            raise ValueError(
                f"steps of {self.key} are {', '.join(self.steps)}; they should be some of "
                f"{', '.join(ROAD)}, in this order, with close as the last"
            )


class Titled(Protocol):
    """Words in the house's two languages, as packs and kernel write them."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


class DeclaredCase(Protocol):
    """An entry of a pack's `cases.yaml`; `valid_from` is a day of the district."""

    @property
    def case(self) -> str: ...
    @property
    def title(self) -> Titled: ...
    @property
    def unit(self) -> Titled: ...
    @property
    def assist(self) -> Sequence[Titled]: ...
    @property
    def limit_ms(self) -> int: ...
    @property
    def calendar(self) -> str: ...
    @property
    def steps(self) -> Sequence[str]: ...
    @property
    def closes(self) -> Titled: ...
    @property
    def valid_from(self) -> date: ...


def _words(titled: Titled) -> Words:
    return Words(titled.zh, titled.en)


def case_types(pack: str, declared: Iterable[DeclaredCase]) -> list[CaseType]:
    """Return a pack's case types; an entry is valid until a later one of its name begins."""
    entries = sorted(declared, key=lambda entry: (entry.case, entry.valid_from))
    following = [*entries[1:], None]
    return [
        CaseType(
            key=one.case, pack=pack, title=_words(one.title), unit=_words(one.unit),
            limit=one.limit_ms, calendar=Time(one.calendar),
            assist=tuple(_words(unit) for unit in one.assist),
            steps=tuple(Step(step) for step in one.steps), closes=_words(one.closes),
            valid_from=midnight(one.valid_from),
            valid_to=midnight(then.valid_from) if then and then.case == one.case else 2**62,
        )
        for one, then in zip(entries, following, strict=True)
    ]  # fmt: skip


class CaseTypes:
    """All case types by key; a key may have several versions, each valid for a time."""

    def __init__(self, types: list[CaseType]) -> None:
        self._versions: dict[str, list[CaseType]] = {}
        for kind in sorted(types, key=lambda kind: kind.valid_from):
            versions = self._versions.setdefault(kind.key, [])
            if versions and versions[0].pack != kind.pack:
                raise TwoPacksOneCase(kind.key, first=versions[0].pack, second=kind.pack)
            versions.append(kind)

    def at(self, key: str, moment: int) -> CaseType | None:
        """Return the version valid at a moment (the latest begun one), None if there is none."""
        fitting = [k for k in self._versions.get(key, ()) if k.valid_from <= moment < k.valid_to]
        return fitting[-1] if fitting else None

    def require(self, key: str, moment: int) -> CaseType:
        """Return the version valid at a moment; a case keeps living when its type has ended."""
        versions = self._versions.get(key)
        if not versions:
            raise UnknownCaseType(key, known=", ".join(self._versions) or "–")
        return self.at(key, moment) or versions[-1]

    def knows(self, key: str) -> bool:
        return key in self._versions

    def latest(self) -> list[CaseType]:
        return [versions[-1] for versions in self._versions.values()]


class StepRecord(msgspec.Struct, frozen=True):
    """One line of a case's log; `hash` covers all of it and the hash of the line before."""

    case_id: str
    n: int
    step: Step
    at: int
    by: str
    unit: str = ""
    note: str = ""
    data: dict[str, Any] = {}
    previous_hash: str = ""
    hash: str = ""


class Progress(msgspec.Struct, frozen=True):
    """What the log of a case amounts to."""

    state: State
    level: WarningLevel
    unit: str
    due_at: int
    rework: int = 0
    disposed_by: tuple[str, ...] = ()  # everyone who ever disposed it
    closed_at: int | None = None
    n: int = 1


class TwoPacksOneCase(PackFault):
    """Two packs declare a case type of the same name."""

    code = "command-018"
    what = Words(
        "场景包 {first} 与 {second} 都声明了这种案件;应只有一个。",
        "The packs {first} and {second} both declare this case type; one of them should.",
    )
    do = Words("改其中一个的名字。", "Rename one of them.")


class UnknownCase(CallerFault):
    """An id that no case has."""

    code = "command-010"
    status = 404
    what = Words("没有编号为 {id} 的案件。", "There is no case {id}.")
    do = Words("从 GET /cases 取编号。", "Take the id from GET /cases.")


class UnknownCaseType(OurFault):
    """A case was to open, of a type that no pack declares."""

    code = "command-011"
    what = Words("没有这种案件类型;已有:{known}。", "No such case type; there are: {known}.")
    do = Words("在场景包的 cases.yaml 里加上它。", "Add it to the pack's cases.yaml.")


class UnknownStep(CallerFault):
    """A word that is no step, or one that nobody takes by hand."""

    code = "command-012"
    what = Words(
        "步骤是 {found};应为其一:{known}。", "The step is {found}; it should be one of {known}."
    )
    do = Words("用案件的 may 里列出的步骤。", "Use a step listed in the case's `may`.")


class NotNow(CallerFault):
    """A step that does not follow on the state the case is in."""

    code = "command-013"
    status = 409
    what = Words(
        "案件 {number} {state},不能{step};现在可以:{may}。",
        "Case {number} is {state_en}, it cannot {step_en} now; what can be done: {may_en}.",
    )
    do = Words("先走到那一步。", "Take the steps in between first.")


class OtherHands(CallerFault):
    """Who disposes may not check, close or void: supervision and command are two axes."""

    code = "command-014"
    status = 403
    what = Words(
        "{by} 处置过案件 {number},不能由同一人{step};监督与指挥两轴分开。",
        "{by} disposed case {number} and may not {step_en} it; supervision is apart.",
    )
    do = Words(
        "由监督席上没有处置过此案的人来做(处置人:{hands})。",
        "Somebody of the supervising desk who has not disposed it may (disposed by {hands}).",
    )


class NoteMissing(CallerFault):
    """A step that has to be explained was not."""

    code = "command-015"
    what = Words("{step}没有写说明。", "The step {step_en} has no note.")
    do = Words("写明做了什么或为什么。", "Write what was done, or why.")


class CaseMoved(CallerFault):
    """Somebody else took a step since the caller looked."""

    code = "command-016"
    status = 409
    what = Words(
        "案件 {number} 已是第 {version} 版,你看到的是第 {seen} 版。",
        "Case {number} is at version {version}; you saw version {seen}.",
    )
    do = Words("重新打开案件再做。", "Open the case again, then decide.")


class NoSuchActor(CallerFault):
    """The header that says who acts does not name a user."""

    code = "command-017"
    what = Words(
        "操作人是 {found};应为 user:姓名。", "The acting user is {found}; it should be user:NAME."
    )
    do = Words("在 X-Zhiyin-User 里写明。", "Say so in X-Zhiyin-User.")
