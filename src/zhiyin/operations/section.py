"""一平台 · `screens.yaml`: what a pack brings to the wall: strings, and the panel of levels."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from msgspec import Meta, Struct

from zhiyin import pack
from zhiyin.operations.model import LevelPanel, MachinePanel, StringKind, WallScreen


class StringEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A string of the wall (七弦): its swing is the number of readings of things of `types`."""

    string: pack.Key
    title: pack.Title
    types: Annotated[tuple[pack.Key, ...], Meta(min_length=1)]


class LevelsEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Bars of one property of all things of a type, each beside a number field of its own."""

    type: pack.Key
    property: pack.Key
    limit: pack.Key


class MachinesEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """How many machines run, of how many, and what they move."""

    type: pack.Key
    running: pack.Key
    installed: pack.Key
    flow: pack.Key


class ScreensFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`screens.yaml`: a pack's part of the wall; each is optional."""

    strings: tuple[StringEntry, ...] = ()
    levels: LevelsEntry | None = None
    machines: MachinesEntry | None = None


def _check(file: ScreensFile, book: pack.Book) -> Iterator[pack.Remark]:
    names = [one.string for one in file.strings]
    yield from pack.once("string", names, [("strings", n, "string") for n in range(len(names))])
    for at, one in enumerate(file.strings):
        for place, kind in enumerate(one.types):
            yield from pack.known(book, "type", kind, ("strings", at, "types", place))
    if file.levels:
        name = f"{file.levels.type}.{file.levels.property}"
        yield from pack.known(book, "property", name, ("levels", "property"))
    if file.machines:
        for key in ("running", "flow"):
            name = f"{file.machines.type}.{getattr(file.machines, key)}"
            yield from pack.known(book, "property", name, ("machines", key))


SECTION = pack.Section("screens.yaml", ScreensFile, _check)


def screen_of(files: Iterable[ScreensFile]) -> WallScreen:
    """Return the wall's screen: all strings in the packs' order, the first panel of each kind."""
    strings: list[StringKind] = []
    levels: LevelPanel | None = None
    machines: MachinePanel | None = None
    for file in files:
        strings += [StringKind(one.string, one.title.words, one.types) for one in file.strings]
        if file.levels and levels is None:
            levels = LevelPanel(file.levels.type, file.levels.property, file.levels.limit)
        if file.machines and machines is None:
            one = file.machines
            machines = MachinePanel(one.type, one.running, one.installed, one.flow)
    return WallScreen(tuple(strings), levels, machines)
