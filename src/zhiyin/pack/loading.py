"""场景包 · load packs: read every file, hold it against its room's shape, check across the files.

All findings of a pack are collected before anything is refused.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zhiyin.kernel import PackFault, Words
from zhiyin.pack import demo, stories
from zhiyin.pack.book import Book, Offer, Pack, Section
from zhiyin.pack.faults import (
    FileMissing,
    FileUnknown,
    FolderNotName,
    NeedUnknown,
    PacksRefused,
    PackUnknown,
)
from zhiyin.pack.model import Finding, Manifest, Remark
from zhiyin.pack.reading import Document, Trouble, read
from zhiyin.pack.shape import convert, nearest
from zhiyin.pack.whole import check_manifest, check_stories, check_words

LANGUAGES = ("zh-CN", "en")
_WORDS = tuple(f"words/{language}.yaml" for language in LANGUAGES)
_PLAIN = ("README.md", "hooks.py")
_MAPPINGS = "mappings/"  # how the network room reads files and messages; it holds them to shape
_MANIFEST = Section("manifest.yaml", Manifest, lambda _file, _book: ())


# What a room finds wrong in the folder of a pack whose files have their shapes.
Beside = Callable[[Path, Mapping[str, Any]], Iterable[PackFault]]


def _nothing(_folder: Path, _sections: Mapping[str, Any]) -> Iterable[PackFault]:
    return ()


class _Draft:
    """A pack being read: documents, what came of them, and what was found so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: dict[str, Document] = {}
        self.sections: dict[str, Any] = {}
        self.words: dict[str, dict[str, str]] = {}
        self.findings: list[Finding] = []
        self.offers: list[Offer] = []

    def name(self, file: str) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}/{file}"

    def found(self, file: str, fault: PackFault, place: tuple[int, int] = (1, 1)) -> None:
        what, do = fault.what.filled(fault.fields), fault.do.filled(fault.fields)
        self.findings.append(Finding(self.name(file), *place, fault.code, what, do))

    def trouble(self, file: str, troubles: Iterable[Trouble]) -> None:
        document = self.documents[file]
        for one in troubles:
            place = one.place or document.where(one.path, at_key=one.at_key)
            self.found(file, one.fault, place)

    def remarks(self, file: str, remarks: Iterable[Remark]) -> None:
        document = self.documents[file]
        for path, code, what, do in remarks:
            line, column = document.where(tuple(path))
            self.findings.append(
                Finding(self.name(file), line, column, code, Words(*what), Words(*do))
            )

    @property
    def needs(self) -> tuple[str, ...]:
        manifest = self.sections.get("manifest")
        return manifest.needs.packs if manifest else ()


class Loader:
    """Loads packs with the sections the rooms handed over; keeps nothing between calls."""

    def __init__(self, sections: Sequence[Section], mappings: Beside = _nothing) -> None:
        self._mappings = mappings
        own = (_MANIFEST, demo.SECTION, stories.SECTION)
        self.sections = {one.file: one for one in [*own, *sections]}

    def load(self, folder: Path) -> tuple[Pack | None, list[Finding]]:
        """Return the pack, None when anything was found, and all findings by file and line.

        Needs are looked for beside the folder.
        """
        folder = folder.resolve()
        drafts: dict[str, _Draft] = {}
        draft = self._draft(folder, drafts)
        return self._judged(draft, drafts, _beside(folder.parent))

    def load_all(
        self, folder: Path, only: Sequence[str] | None = None
    ) -> tuple[tuple[Pack, ...], list[Finding]]:
        """Return the packs of a folder that are in order, by name, and the findings of all.

        Raises `PackUnknown` when a name of `only` is not there; None or an empty list is all.
        """
        folder, here = folder.resolve(), _beside(folder.resolve())
        for name in only or ():
            if name not in here:
                raise PackUnknown(name=name, folder=folder, known=", ".join(here) or "—")
        packs: list[Pack] = []
        findings: list[Finding] = []
        drafts: dict[str, _Draft] = {}
        for name in only or here:
            pack, found = self._judged(self._draft(folder / name, drafts), drafts, here)
            packs += [pack] if pack else []
            findings += found
        return tuple(packs), findings

    def require(self, folder: Path, only: Sequence[str] | None = None) -> tuple[Pack, ...]:
        """Return the packs; raises `PacksRefused` with every finding when there is one."""
        packs, findings = self.load_all(folder, only)
        if findings:
            told = "\n".join(one.text() for one in findings)
            raise PacksRefused(count=len(findings), findings=told)
        return packs

    def _draft(self, folder: Path, drafts: dict[str, _Draft]) -> _Draft:
        if folder.name not in drafts:
            drafts[folder.name] = draft = _Draft(folder)
            self._read_all(draft)
        draft = drafts[folder.name]
        for need in draft.needs:
            if need not in drafts and (folder.parent / need / "manifest.yaml").is_file():
                self._draft(folder.parent / need, drafts)
        return draft

    def _read_all(self, draft: _Draft) -> None:
        known = [*self.sections, *_WORDS, *_PLAIN]
        for file in _files(draft.folder):
            if file in self.sections:
                self._read(draft, self.sections[file])
            elif file in _WORDS:
                _read_words(draft, file)
            elif file.startswith(_MAPPINGS) and file.endswith(".yaml"):
                draft.documents[file] = document = read(draft.folder / file, file)
                draft.trouble(file, document.troubles)
            elif file not in _PLAIN:
                close = nearest(file, known)
                fault = FileUnknown(name=file, nearest=close, known=", ".join(sorted(known)))
                draft.found(file, fault)
        for file in ("manifest.yaml", "README.md"):
            if not (draft.folder / file).is_file():
                draft.found(file, FileMissing(name=file))

    def _read(self, draft: _Draft, section: Section) -> None:
        file = section.file
        draft.documents[file] = document = read(draft.folder / file, file)
        draft.trouble(file, document.troubles)
        if document.troubles and document.value is None:
            return
        value, troubles = convert(document.value, section.shape)
        refused = {one.path for one in document.troubles}
        draft.trouble(file, [one for one in troubles if one.path not in refused])
        if value is not None and not document.troubles:
            draft.sections[section.stem] = value
            draft.offers += section.offers(value)

    def _judged(
        self, draft: _Draft, drafts: dict[str, _Draft], here: Sequence[str]
    ) -> tuple[Pack | None, list[Finding]]:
        needed = [offer for need in draft.needs if need in drafts for offer in drafts[need].offers]
        book = Book([*draft.offers, *_rule_offers(draft)], needed)
        whole = not draft.findings
        self._check(draft, book, here, whole=whole)
        findings = sorted(set(draft.findings), key=lambda one: one)
        if findings:
            return None, findings
        manifest = draft.sections.pop("manifest")
        words = {
            key: Words(text, draft.words["en"][key])
            for key, text in draft.words.get("zh-CN", {}).items()
        }
        pack = Pack(
            draft.folder.name, manifest, draft.sections, words, book, draft.folder, _digest(draft)
        )
        return pack, []

    def _check(self, draft: _Draft, book: Book, here: Sequence[str], *, whole: bool) -> None:
        manifest = draft.sections.get("manifest")
        if manifest:
            document = draft.documents["manifest.yaml"]
            if manifest.pack != draft.folder.name:
                fault = FolderNotName(folder=draft.folder.name, key=manifest.pack)
                draft.found("manifest.yaml", fault, document.where(("pack",)))
            for at, need in enumerate(manifest.needs.packs):
                if need not in here:
                    unknown = NeedUnknown(key=need, known=", ".join(here) or "—")
                    place = document.where(("needs", "packs", at))
                    draft.found("manifest.yaml", unknown, place)
            draft.remarks("manifest.yaml", check_manifest(manifest, set(draft.documents)))
        _check_words_of(draft)
        if not whole:
            return  # what a broken file declares is not known, so nothing may be called missing
        for section in self.sections.values():
            if section.stem in draft.sections:
                draft.remarks(section.file, section.check(draft.sections[section.stem], book))
        for wrong in self._mappings(draft.folder, draft.sections):
            path, line, column = (*wrong.where.rsplit(":", 2), "1", "1")[:3]
            file = Path(path).relative_to(draft.folder).as_posix()
            draft.found(file, wrong, (int(line), int(column)))
        if "rules.yaml" in draft.documents:
            rules = draft.documents["rules.yaml"].value
            told = draft.sections.get("stories")
            draft.remarks("rules.yaml", check_stories(rules, told, book))


def _rule_offers(draft: _Draft) -> Iterator[Offer]:
    """Offer the rules by name, so that stories can refer to them whoever owns their shape."""
    if "rules" in draft.sections:
        for rule in draft.documents["rules.yaml"].value.get("rules") or ():
            yield "rule", rule["rule"], rule


def _files(folder: Path) -> list[str]:
    """Return the files of a pack by their path in it; caches and hidden files are not its own."""
    return sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file()
        and not any(
            part.startswith(".") or part == "__pycache__" for part in file.relative_to(folder).parts
        )
        and file.name != "__init__.py"
    )


def _beside(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(one.parent.name for one in folder.glob("*/manifest.yaml")))


def _read_words(draft: _Draft, file: str) -> None:
    draft.documents[file] = document = read(draft.folder / file, file)
    draft.trouble(file, document.troubles)
    if document.troubles and document.value is None:
        return
    value, troubles = convert(document.value, dict[str, str])
    draft.trouble(file, troubles)
    if value is not None:
        draft.words[file.removeprefix("words/").removesuffix(".yaml")] = value


def _check_words_of(draft: _Draft) -> None:
    for file, language, key in check_words(draft.words, LANGUAGES):
        draft.documents.setdefault(file, Document(file))
        draft.trouble(file, [Trouble(None, (key,), language, at_key=True)])


def _digest(draft: _Draft) -> str:
    digest = hashlib.sha256()
    for file in _files(draft.folder):
        content = (draft.folder / file).read_bytes()
        digest.update(f"{file}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
