"""The contracts between the rooms: kept as the tree stands, and each refused when it is broken."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.brains import ROOT

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

# Where a line is added, the line, and how the linter names the breach; by contract.
BREACHES: dict[str, tuple[str, str, str]] = {
    "rooms": ("src/zhiyin/lake/query.py", "from zhiyin import command", "zhiyin.lake.query"),
    "drawers": ("src/zhiyin/watch/store.py", "import zhiyin.watch.http", "zhiyin.watch.store"),
    "kernel": ("src/zhiyin/kernel/place.py", "import litestar", "zhiyin.kernel.place"),
    "packs": ("packs/first/hooks.py", "from zhiyin import lake", "packs.first.hooks"),
    "packs-apart": ("packs/first/hooks.py", "import packs.second", "packs.first.hooks"),
    "door-kernel": ("src/zhiyin/cloud/relay.py", "import zhiyin.kernel.ids", "zhiyin.cloud.relay"),
    "door-cloud": ("src/zhiyin/lake/live.py", "import zhiyin.cloud.bus", "zhiyin.lake.live"),
    "door-pack": ("src/zhiyin/lake/section.py", "import zhiyin.pack.new", "zhiyin.lake.section"),
    "door-lake": ("src/zhiyin/watch/aqi.py", "import zhiyin.lake.query", "zhiyin.watch.aqi"),
    "door-network": (
        "src/zhiyin/decide/model.py", "import zhiyin.network.wire", "zhiyin.decide.model"
    ),
    "door-atlas": (
        "src/zhiyin/command/model.py", "import zhiyin.atlas.cells", "zhiyin.command.model"
    ),
    "door-watch": (
        "src/zhiyin/command/service.py", "import zhiyin.watch.model", "zhiyin.command.service"
    ),
    "door-vitals": (
        "src/zhiyin/operations/wall.py", "import zhiyin.vitals.line", "zhiyin.operations.wall"
    ),
    "door-decide": (
        "src/zhiyin/portal/http.py", "import zhiyin.decide.model", "zhiyin.portal.http"
    ),
    "door-command": (
        "src/zhiyin/portal/model.py", "import zhiyin.command.steps", "zhiyin.portal.model"
    ),
    "door-operations": (
        "src/zhiyin/portal/model.py", "import zhiyin.operations.pulse", "zhiyin.portal.model"
    ),
    "door-portal": (
        "src/zhiyin/operations/model.py", "import zhiyin.portal.model", "zhiyin.operations.model"
    ),
}  # fmt: skip


def contracts() -> dict[str, str]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {one["id"]: one["name"] for one in table["tool"]["importlinter"]["contracts"]}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(tree / "src"), str(tree)])
    environ = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], cwd=tree, env=environ, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the tree in which every contract is broken once."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("static"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    for pack in ("", "first", "second"):
        (tree / "packs" / pack).mkdir()
        (tree / "packs" / pack / "__init__.py").write_text("")
    (tree / "packs" / "first" / "hooks.py").write_text("")
    for file, line, _ in BREACHES.values():
        path = tree / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    ended = lint(tree)
    assert ended.returncode == 1, ended.stderr
    return ended.stdout


def test_the_contracts_are_kept() -> None:
    ended = lint(ROOT)
    assert ended.returncode == 0, ended.stdout
    assert "0 broken" in ended.stdout


def test_every_contract_is_broken_on_purpose_here() -> None:
    assert BREACHES.keys() == contracts().keys()


@pytest.mark.parametrize("key", BREACHES)
def test_a_breach_is_refused_and_named(broken: str, key: Any) -> None:
    name, (_, _, breach) = contracts()[key], BREACHES[key]
    assert f"{name} BROKEN" in broken
    told = broken.split("Broken contracts")[1].partition(f"\n{name}\n")[2]
    told = min((told.split(f"\n{other}\n-")[0] for other in contracts().values()), key=len)
    assert breach in told


def test_a_room_without_a_place_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("static"))
    shutil.copytree(ROOT / "packs", tmp_path / "packs")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src" / "zhiyin" / "attic").mkdir()
    (tmp_path / "src" / "zhiyin" / "attic" / "__init__.py").write_text("")
    ended = lint(tmp_path)
    assert ended.returncode == 1
    assert "attic" in ended.stdout + ended.stderr
