"""一张网 · `zhiyin replay`: the command line of the replay. Knows no file format itself."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from zhiyin.kernel import Fault
from zhiyin.network.replay import Options, Report, replay


def command(
    file: Annotated[Path, typer.Argument(help="CSV 文件 / the CSV file", exists=True)],
    *,
    mapping: Annotated[Path, typer.Option(help="映射文件 / the mapping", exists=True)],
    to: Annotated[str, typer.Option(help="大脑的地址 / address of the brain")] = (
        "http://127.0.0.1:8080"
    ),
    as_they_were: Annotated[
        bool, typer.Option("--as-they-were", help="时间不变,作历史入湖 / keep times, as history")
    ] = False,
    shift_to: Annotated[
        str, typer.Option(help="首条移到 now 或某时 / put the first at now or at a time")
    ] = "",
    speed: Annotated[float, typer.Option(min=1e-6, help="快放倍数 / times as fast")] = 1.0,
    batch: Annotated[int, typer.Option(min=1, max=100_000, help="每批条数 / a batch")] = 1_000,
    side: Annotated[Path | None, typer.Option(help="旁文件所在 / folder of side files")] = None,
    model: Annotated[Path | None, typer.Option(help="场景包的模型 / the pack's model")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只读不送 / read, send nothing")
    ] = False,
) -> None:
    """把旧数据经正门重放 / send a file of old readings through the front door."""
    if as_they_were and shift_to:
        raise typer.BadParameter(
            "二选一:--as-they-were 或 --shift-to / choose --as-they-were or --shift-to"
        )
    options = Options(
        file=file, mapping=mapping, to=to, shift_to=shift_to or None, speed=speed, batch=batch,
        dry_run=dry_run, side=side, model=model,
    )  # fmt: skip
    said = _Progress()
    try:
        report = replay(options, progress=said)
    except Fault as fault:
        typer.echo(fault.text("zh"), err=True)
        typer.echo(fault.text("en"), err=True)
        raise typer.Exit(1) from fault
    typer.echo(summary(report))
    if report.apart_file or report.quarantined:
        raise typer.Exit(2)


class _Progress:
    """Says once in two seconds how far a long replay has come."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 2

    def __call__(self, report: Report) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 2
        rate = report.sent / max(report.seconds, 0.001)
        sys.stderr.write(
            f"\r{report.share:4.0%}  {report.sent:,} 条  {rate:,.0f} 条/秒  "
            f"{report.read.apart} 行另存  {report.last}"
        )
        if report.waiting_for:
            sys.stderr.write(f"  等待对方 / waiting ({report.waiting_for}, {report.retries})")
        sys.stderr.flush()


def summary(report: Report) -> str:
    """Return the report as lines for people; the numbers are those of `Report`."""
    read = report.read
    lines = [
        f"读入 rows              {read.rows:>10,}",
        f"观测 observations      {read.observations:>10,}",
        f"缺值 missing           {read.missing:>10,}",
        f"重复 duplicates        {read.duplicates:>10,}",
        f"缺行 gaps              {read.gaps:>10,}",
        f"另存 rows kept apart   {read.apart:>10,}  {report.apart_file}",
        f"已送 sent              {report.sent:>10,}  {report.first} – {report.last}",
        f"  其中续传 resumed     {report.resumed:>10,}",
        f"接收 accepted          {report.accepted:>10,}",
        f"隔离 quarantined       {report.quarantined:>10,}",
        f"用时 seconds           {report.seconds:>10,.1f}",
    ]
    return "\n".join([*lines, *report.warnings])
