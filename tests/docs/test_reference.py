"""The reference says what the program does: every setting, every problem, every link."""

import re
import runpy
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.brains import ROOT
from zhiyin import cloud

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("README*.md"))]
PROBLEMS: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "problems.py"))


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def shown(default: object) -> str:
    if default in ("", ()):
        return "空 empty"
    if isinstance(default, tuple):
        return f"`{', '.join(default)}`"
    if isinstance(default, bool):
        return f"`{default}`".lower()
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_every_setting_has_its_line_with_its_default() -> None:
    line = re.compile(r"^\| `([a-z0-9_.]+)` \| (.+?) \| .+ \| .+ \|$", re.MULTILINE)
    rows = line.findall(text("docs/reference/settings.md"))
    assert dict(rows) == {name: shown(value) for name, value in cloud.known_settings().items()}


def test_the_example_is_the_defaults() -> None:
    example = ROOT / "zhiyin.example.toml"
    assert cloud.load(example, environ={}) == cloud.Settings()
    tables = tomllib.loads(example.read_text(encoding="utf-8"))
    names = {
        f"{table}.{key}" if key else table
        for table, value in tables.items()
        for key in (value if isinstance(value, dict) and value else [None])
    }
    assert names == cloud.known_settings().keys()


def test_the_problems_page_is_as_the_program_has_it() -> None:
    """When this fails: `python tools/problems.py`."""
    assert text("docs/reference/problems.md") == PROBLEMS["page"]()


def test_every_problem_has_a_code_of_its_own_and_two_languages() -> None:
    PROBLEMS["load_all"]()
    kinds = list(PROBLEMS["faults"]())
    codes = Counter(kind.code for kind in kinds)
    assert [code for code, count in codes.items() if count > 1] == []
    sentences = [words for kind in kinds for words in (kind.what, kind.do)]
    assert all(re.search(r"[\u4e00-\u9fff]", words.zh) and words.en for words in sentences)
    banned = re.compile(r"\b([Ii]nvalid|[Ff]ailed|[Pp]lease|[Ss]orry)\b|非法|失败|请(?!求)|抱歉")
    assert [words for words in sentences if banned.search(words.en + words.zh)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if not (page.parent / link).exists()]
    assert lost == []


def test_every_folder_says_where_things_go() -> None:
    page = text("docs/explanation/where-things-go.md")
    tops = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] not in "._"}
    rooms = {path.parent.name for path in (ROOT / "src" / "zhiyin").glob("*/__init__.py")}
    built = {"var", "dist", "test-results"}
    assert [name for name in sorted(rooms | tops - built) if f"`{name}/`" not in page] == []
