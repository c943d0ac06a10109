"""场景包 · the words of a pack: titles, texts with a form, manifest, pack. Knows no room's file."""

from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct, field

from zhiyin.kernel import Words

Key = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,47}$",
        examples=["ponding_point"],
        description="小写字母、数字和下划线 / lower-case letters, digits and underscores",
    ),
]
Identifier = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        examples=["yingwu_underpass"],
        description="物的编号,不含点 / the id of a thing, without dots",
    ),
]
PropertyName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,47}\.[a-z][a-z0-9_]{0,47}$",
        examples=["ponding_point.depth"],
        description="类型.属性 / type.property",
    ),
]
DurationText = Annotated[
    str,
    Meta(
        pattern=r"^\d+(\.\d+)?(ms|s|min|h|d)$",
        examples=["5min"],
        description="数字加 ms、s、min、h、d / a number with ms, s, min, h or d",
    ),
]
TimeText = Annotated[
    str,
    Meta(
        pattern=r"^([0-3]\d|4[0-7]):[0-5]\d(:[0-5]\d)?$",
        examples=["08:00"],
        description="当日时刻,24:00 起为次日 / time of the day; from 24:00 on the next day",
    ),
]
LevelKey = Literal["blue", "yellow", "orange", "red"]


class Title(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in the two languages, written `{zh-CN: …, en: …}`."""

    zh: str = field(name="zh-CN")
    en: str

    @property
    def words(self) -> Words:
        return Words(self.zh, self.en)


class Needs(Struct, frozen=True, forbid_unknown_fields=True):
    """What must be there before the pack can run."""

    packs: tuple[Key, ...] = ()
    gateways: tuple[str, ...] = ()


class Data(Struct, frozen=True, forbid_unknown_fields=True):
    """How the pack's data are to be kept and shared."""

    personal: bool
    retention: Annotated[str, Meta(pattern=r"^\d+(d|m|y)$", examples=["3y"])]
    share: Literal["open", "conditional", "closed"]


class PlanRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the plan and how far this pack carries it."""

    row: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", examples=["flood-drainage-command"])]
    state: Literal["begun", "works"]


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """`manifest.yaml`: who the pack is, whose duty it serves, what it needs."""

    pack: Key
    title: Title
    summary: Title
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$", examples=['"1.2.0"'])]
    zhiyin: str
    category: Literal[
        "safety", "traffic", "environment", "utilities", "services", "economy", "emergency"
    ]
    owners: Annotated[tuple[str, ...], Meta(min_length=1)]
    lead: Title
    data: Data
    grade: Literal["draft", "pilot", "steady", "model"]
    with_: tuple[Title, ...] = field(name="with", default=())
    needs: Needs = Needs()
    after: tuple[Key, ...] = ()
    standards: tuple[str, ...] = ()
    plan: tuple[PlanRow, ...] = ()


class Remark(NamedTuple):
    """What a room has to say about one place of its file; the loader adds file, line and column.

    `path` leads to the place: keys and list positions from the top of the file.
    """

    path: tuple[str | int, ...]
    code: str
    what: Words
    do: Words


class Finding(Struct, frozen=True, order=True):
    """One thing to put right: where it stands, what is, what should be and what to do."""

    file: str
    line: int
    column: int
    code: str
    what: Words
    do: Words

    def text(self, language: str = "both") -> str:
        """Return the finding as printed: the place, then two sentences a language."""
        lines = [f"{self.file}:{self.line}:{self.column}  {self.code}"]
        if language != "en":
            lines += [f"  {self.what.zh}", f"  {self.do.zh}"]
        if language != "zh":
            lines += [f"  {self.what.en}", f"  {self.do.en}"]
        return "\n".join(lines)
