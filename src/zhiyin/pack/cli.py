"""场景包 · `zhiyin pack …`: check, new, list, schema. The server mounts `app`, sets `loader`."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import zhiyin
from zhiyin.kernel import PackFault
from zhiyin.pack.book import Pack
from zhiyin.pack.loading import Loader
from zhiyin.pack.new import create
from zhiyin.pack.schemas import write_schemas

app = typer.Typer(
    no_args_is_help=True, help="场景包:检查、新建、列出 / Scenario packs: check, new, list"
)


def _rooms_missing() -> Loader:
    return Loader(())


loader: Callable[[], Loader] = _rooms_missing
"""Gives the loader with every room's section; set by the server before `app` runs."""


class Language(StrEnum):
    """Which language findings are printed in."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


def packs_folder() -> Path:
    """Return the packs of this installation: in the wheel, else at the top of the checkout."""
    inside = Path(zhiyin.__file__).parent / "packs"
    return inside if inside.is_dir() else Path(zhiyin.__file__).parents[2] / "packs"


Names = Annotated[list[str] | None, typer.Argument(help="场景包名;不写为全部 / names; none is all")]
Folder = Annotated[Path | None, typer.Option("--packs", help="场景包文件夹 / folder of packs")]
Speech = Annotated[Language, typer.Option("--language", help="zh | en | both")]


@app.command()
def check(names: Names = None, packs: Folder = None, language: Speech = Language.BOTH) -> None:
    """检查场景包;有一处待改即以 1 退出 / Check packs; exit code 1 when there is a finding."""
    try:
        good, findings = loader().load_all(packs or packs_folder(), names)
    except PackFault as fault:
        raise _refused(fault, language) from None
    for one in findings:
        typer.echo(one.text(language))
    if findings:
        typer.echo(f"{len(findings)} 处待改 / findings to put right")
        raise typer.Exit(1)
    for pack in good:
        typer.echo(f"{pack.key} {pack.manifest.version}  {pack.manifest.title.zh}  ✓")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="新包名 / name of the new pack")],
    packs: Folder = None,
    language: Speech = Language.BOTH,
) -> None:
    """新建一个通过检查的场景包 / Make a new pack that passes the check."""
    try:
        folder = create(name, packs or packs_folder())
    except PackFault as fault:
        raise _refused(fault, language) from None
    typer.echo(f"{folder}\n先改 manifest.yaml 与 model.yaml / begin with these two")


@app.command(name="list")
def list_(packs: Folder = None) -> None:
    """列出场景包 / List the packs: key, title, version, grade, rows of the plan, rules, stories."""
    good, findings = loader().load_all(packs or packs_folder())
    table = Table(
        "pack", "名称 title", "version", "grade", "规划行 plan", "规则 rules", "故事 stories"
    )
    for pack in good:
        table.add_row(*_row(pack))
    Console().print(table)
    for file in sorted({one.file for one in findings}):
        typer.echo(f"{file}: 有待改处,见 zhiyin pack check / has findings")


@app.command()
def schema(
    out: Annotated[Path, typer.Argument(help="文件夹 / folder")] = Path("docs/reference/schemas"),
) -> None:
    """写出每个文件的 JSON Schema / Write one JSON Schema per file of a pack."""
    for file in write_schemas(loader().sections.values(), out):
        typer.echo(str(file))


def _row(pack: Pack) -> tuple[str, ...]:
    manifest, sections = pack.manifest, pack.sections
    rules = len(pack.book.names("rule"))
    stories = len(sections["stories"].stories) if "stories" in sections else 0
    plan = "\n".join(f"{one.row} ({one.state})" for one in manifest.plan)
    title = f"{manifest.title.zh}\n{manifest.title.en}"
    return pack.key, title, manifest.version, manifest.grade, plan, str(rules), str(stories)


def _refused(fault: PackFault, language: Language) -> typer.Exit:
    for one in ("zh", "en"):
        if language in {one, Language.BOTH}:
            typer.echo(f"{fault.code}  {fault.text(one)}", err=True)
    return typer.Exit(1)
