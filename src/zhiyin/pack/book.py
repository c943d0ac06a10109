"""场景包 · the seam between pack and rooms: a section, and the book it may look names up in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from zhiyin.kernel import PackFault, Words
from zhiyin.pack.faults import NameTwice, NameUnknown
from zhiyin.pack.model import Manifest, Remark
from zhiyin.pack.shape import nearest

Path_ = tuple[str | int, ...]
Offer = tuple[str, str, Any]

KINDS = {
    "type": Words("类型", "type"),
    "property": Words("属性", "property"),
    "element": Words("要素", "element"),
    "device": Words("设备模板", "device template"),
    "indicator": Words("指标", "indicator"),
    "rule": Words("规则", "rule"),
    "case": Words("案件类型", "case type"),
}


def _nothing(_: Any) -> Iterable[Offer]:
    return ()


class Book:
    """What a pack and its declared needs declare, by kind and name; the pack's own come first."""

    def __init__(self, own: Iterable[Offer], needed: Iterable[Offer] = ()) -> None:
        self._names: dict[str, dict[str, Any]] = {}
        for kind, name, fact in [*own, *needed]:
            self._names.setdefault(kind, {}).setdefault(name, fact)

    def find(self, kind: str, name: str) -> Any | None:
        """Return what is declared under this name; None when nothing is."""
        return self._names.get(kind, {}).get(name)

    def names(self, kind: str) -> tuple[str, ...]:
        return tuple(self._names.get(kind, {}))

    def all(self, kind: str) -> Mapping[str, Any]:
        return self._names.get(kind, {})

    def property_unit(self, type_: str, property_: str) -> str | None:
        """Return the unit of a type's property; None when there is no such property."""
        found = self.find("property", f"{type_}.{property_}")
        return None if found is None else str(found.unit)

    def units(self) -> dict[str, str]:
        """Return the unit of every property, by `type.property`."""
        return {name: str(found.unit) for name, found in self.all("property").items()}


class Pack(Struct, frozen=True):
    """One scenario pack that was read and found in order.

    `sections` holds what each room made of its file, by the file's stem (`model`, `rules`, …),
    besides `stories` and `demo`; `book` looks up the pack's own names and those of its needs;
    `digest` is the SHA-256 of all its files.
    """

    key: str
    manifest: Manifest
    sections: Mapping[str, Any]
    words: Mapping[str, Words]
    book: Book
    folder: Path
    digest: str


class Section(Struct, frozen=True):
    """One room's file in a pack.

    `check` says what msgspec cannot see; it is called only for a file whose shape is right.
    `offers` gives (kind, name, fact) of all that others may refer to; a property's fact has `unit`.
    """

    file: str
    shape: Any
    check: Callable[[Any, Book], Iterable[Remark]]
    offers: Callable[[Any], Iterable[Offer]] = _nothing

    @property
    def stem(self) -> str:
        return self.file.partition(".")[0]


def remark(path: Path_, fault: PackFault) -> Remark:
    """Return the fault as a remark about the place at `path`."""
    return Remark(path, fault.code, fault.what.filled(fault.fields), fault.do.filled(fault.fields))


def known(book: Book, kind: str, name: str, path: Path_) -> Iterator[Remark]:
    """Remark when nothing of this kind has this name."""
    if book.find(kind, name) is not None:
        return
    words = KINDS[kind]
    close = nearest(name, book.names(kind)) or "—"
    fault = NameUnknown(kind_zh=words.zh, kind_en=words.en, name=name, nearest=close)
    yield remark(path, fault)


def once(kind: str, names: Sequence[str], paths: Sequence[Path_]) -> Iterator[Remark]:
    """Remark every name after its first."""
    seen: set[str] = set()
    for name, path in zip(names, paths, strict=True):
        if name in seen:
            words = KINDS[kind]
            yield remark(path, NameTwice(kind_zh=words.zh, kind_en=words.en, name=name))
        seen.add(name)
