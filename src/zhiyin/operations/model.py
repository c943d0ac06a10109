"""一平台:what the wall is made of, and what it asks of the rooms that know. Pure."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from zhiyin import command, vitals
from zhiyin.kernel import CallerFault, Words, WorldFault

Json = dict[str, Any]


class StringKind(msgspec.Struct, frozen=True):
    """One of the seven strings: a source of events whose number per ten minutes is its swing."""

    key: str
    title: Words
    types: tuple[str, ...] = ()  # of things whose observations are its events


WARNINGS, CASES = "warnings", "cases"
STRINGS: Final = 7  # the wall has seven strings, and the last two are ours
OWN: Final = (
    StringKind(WARNINGS, Words("预警", "Warnings")),
    StringKind(CASES, Words("案件", "Cases")),
)


class LevelPanel(msgspec.Struct, frozen=True):
    """Which property of which type is shown as bars, and the field that limits it."""

    type: str
    property: str
    limit: str


class MachinePanel(msgspec.Struct, frozen=True):
    """Which type has machines: properties `running` and `flow`, field `installed`."""

    type: str
    running: str
    installed: str
    flow: str


class WallScreen(msgspec.Struct, frozen=True):
    """What packs bring to the wall; warnings and cases are the house's own strings."""

    sources: tuple[StringKind, ...] = ()
    levels: LevelPanel | None = None
    machines: MachinePanel | None = None

    @property
    def strings(self) -> tuple[StringKind, ...]:
        """The strings from top to bottom, at most seven."""
        return (*self.sources[: STRINGS - len(OWN)], *OWN)


class Elements(vitals.Limits, Protocol):
    """The atlas, as far as the wall needs it."""

    def names(self, type: str) -> dict[str, Words]:  # noqa: A002
        """Return the names of all elements of a type by id."""
        ...


class OpenWarnings(Protocol):
    """The watch room, as far as the wall and the portal need it."""

    async def open(self) -> Sequence[Json]:
        """Return all open warnings as the JSON of `GET /warnings`."""
        ...


class CaseDesk(Protocol):
    """The command room, as far as the wall needs it."""

    async def figures(self) -> Json: ...

    async def page(
        self, wanted: command.CaseFilter, limit: int, offset: int = 0, by: str = ""
    ) -> tuple[list[Json], int]: ...


class VitalSigns(Protocol):
    """The vitals room, as far as the wall needs it."""

    def wall(self, most: int = 5) -> list[Json]: ...


class District(msgspec.Struct, frozen=True):
    """Whose wall this is."""

    name: str
    name_en: str
    demo: bool = False


class UnknownTopic(CallerFault):
    """A stream was asked for something that is not told live."""

    code = "operations-001"
    what = Words("没有叫 {found} 的实时主题;有:{known}。",
                 "There is no live topic {found}; there are {known}.")  # fmt: skip
    do = Words("改正 topics。", "Correct `topics`.")


class TooManyListeners(WorldFault):
    """More live streams than this process serves."""

    code = "operations-002"
    what = Words(
        "已有 {most} 个实时连接,不再接。",
        "There are {most} live streams already, no more are taken.",
    )
    do = Words("稍后再连;或加大 web 进程数。", "Connect again later, or run more web processes.")
