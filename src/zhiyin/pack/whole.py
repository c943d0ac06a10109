"""场景包 · checks that concern a pack as a whole and belong to no single room."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from zhiyin.kernel import PackFault
from zhiyin.pack.book import Book, known, remark
from zhiyin.pack.faults import (
    FormWrong,
    GradeUnearned,
    NeverFires,
    NeverQuiet,
    PlatformUnfit,
    WordsMissing,
)
from zhiyin.pack.model import Manifest, Remark
from zhiyin.pack.stories import StoriesFile, Story, fires


def check_manifest(manifest: Manifest, files: set[str]) -> Iterator[Remark]:
    """Remark a platform version out of range and a grade the files do not earn."""
    try:
        wanted = SpecifierSet(manifest.zhiyin)
    except InvalidSpecifier:
        fault = FormWrong(
            value=manifest.zhiyin,
            wanted_zh="版本范围",
            wanted_en="a range of versions",
            example='">=0.1,<0.2"',
        )
        yield remark(("zhiyin",), fault)
    else:
        if not wanted.contains(version("zhiyin"), prereleases=True):
            unfit = PlatformUnfit(wanted=manifest.zhiyin, version=version("zhiyin"))
            yield remark(("zhiyin",), unfit)
    lacks = [file for file in ("stories.yaml", "demo.yaml") if file not in files]
    if manifest.grade != "draft" and lacks:
        told = ", ".join(lacks)
        yield remark(("grade",), GradeUnearned(grade=manifest.grade, lacks_zh=told, lacks_en=told))


def check_words(
    words: Mapping[str, Mapping[str, str]], languages: Sequence[str]
) -> Iterator[tuple[str, PackFault, str]]:
    """Give (file, fault, key) for each key that another language has and this one has not."""
    for language in languages:
        others = {key: other for other in words for key in words[other] if other != language}
        for key, other in others.items():
            if not words.get(language, {}).get(key, "").strip():
                yield f"words/{other}.yaml", WordsMissing(key=key, language=language), key


def check_stories(
    rules: Mapping[str, Any], told: StoriesFile | None, book: Book
) -> Iterator[Remark]:
    """Remark rules without a story that fires them or one that does not, and cases unknown.

    `rules` is the plain content of rules.yaml, since pack knows no room's shape.
    """
    all_stories = told.stories if told else ()
    for at, rule in enumerate(rules.get("rules") or ()):
        path: tuple[str | int, ...] = ("rules", at)
        name, watches = str(rule["rule"]), str(rule.get("watches", ""))
        for level, case in (rule.get("opens") or {}).items():
            yield from known(book, "case", str(case), (*path, "opens", level))
        if not any(name in fires(story) for story in all_stories):
            yield remark((*path, "rule"), NeverFires(rule=name))
        type_ = watches.partition(".")[0]
        quiet = [one for one in all_stories if name not in fires(one)]
        if not any(type_ in _types(one, book) for one in quiet):
            yield remark((*path, "rule"), NeverQuiet(rule=name, type=type_))


def _types(story: Story, book: Book) -> set[str]:
    """Return the types of the things the story gives readings of."""
    things = [book.find("element", name.rpartition(".")[0]) for name in story.given]
    return {str(thing.type) for thing in things if thing is not None}
