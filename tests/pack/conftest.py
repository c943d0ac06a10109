from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pack.rooms import loader
from zhiyin.pack import Finding
from zhiyin.pack.new import create

Broken = Callable[[dict[str, tuple[str, str]]], list[Finding]]


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A folder with one pack in order, called `flow`."""
    folder = tmp_path / "packs"
    create("flow", folder)
    return folder


@pytest.fixture
def broken(packs: Path) -> Broken:
    """Change texts in files of `flow` and give the findings."""

    def findings(changes: dict[str, tuple[str, str]]) -> list[Finding]:
        for file, (old, new) in changes.items():
            path = packs / "flow" / file
            text = path.read_text("utf-8")
            assert old in text, f"{old!r} is not in {file}"
            path.write_text(text.replace(old, new, 1), "utf-8")
        return loader().load(packs / "flow")[1]

    return findings
