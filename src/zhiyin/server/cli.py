"""The command line: `zhiyin up`, `demo`, `pack`, `replay`. Each command imports what it needs."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from zhiyin.kernel import Fault, ScaledClock

app = typer.Typer(
    help="知音 Zhiyin:区级城市大脑 / a city brain for a district",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

STARTING = 6_000  # ms that starting up is given

Data = Annotated[Path | None, typer.Option("--data", help="数据目录 / data folder")]
Port = Annotated[int | None, typer.Option("--port", help="网页端口 / web port")]
File = Annotated[Path | None, typer.Option("--settings", help="zhiyin.toml")]
Speed = Annotated[float, typer.Option("--speed", min=0.1, max=600, help="时间倍速 / speed of time")]
Day = Annotated[str, typer.Option("--day", help="ordinary | cloudburst")]
Seed = Annotated[int, typer.Option("--seed", help="随机种子 / seed of the day")]
Fleet = Annotated[
    int | None,
    typer.Option("--fleet", min=0, max=100_000, help="现场协议设备数 / devices of field protocols"),
]


def say(line: str) -> None:
    typer.echo(line)


def _refused(fault: Fault) -> typer.Exit:
    typer.echo(f"zhiyin: {fault.code}  {fault.text('zh')}", err=True)
    typer.echo(f"        {fault.text('en')}", err=True)
    return typer.Exit(2)


def _settings(file: Path | None, data: Path | None, port: int | None, **more: Any) -> Any:
    from zhiyin import cloud  # noqa: PLC0415

    given: dict[str, Any] = dict(more)
    if data is not None:
        given["data_folder"] = str(data)
    if port is not None:
        given["web"] = {"port": port}
    return cloud.load(file, given=given)


def _run(work: Callable[[], Any]) -> None:
    try:
        asyncio.run(work())
    except Fault as fault:
        raise _refused(fault) from fault


@app.command()
def up(settings: File = None, data: Data = None, port: Port = None) -> None:
    """启动全部进程 / Start everything and keep it running."""
    try:
        chosen = _settings(settings, data, port)
    except Fault as fault:
        raise _refused(fault) from fault
    from zhiyin.server.up import run_up  # noqa: PLC0415

    _run(lambda: run_up(chosen, flexible=False, say=say))


@app.command()
def demo(
    day: Day = "ordinary",
    speed: Speed = 1.0,
    seed: Seed = 1,
    fleet: Fleet = None,
    settings: File = None,
    data: Data = None,
    port: Port = None,
) -> None:
    """启动演示城区 / Start a demonstration district with simulated devices."""
    from zhiyin.server.demo import begin, players  # noqa: PLC0415
    from zhiyin.server.up import run_up  # noqa: PLC0415

    try:
        plain = _settings(settings, data, port)
        start, folder = begin(plain, day, speed)
        # A fast clock stands until the processes are up, else the day begins without its devices.
        since = time.time_ns() // 1_000_000 + (STARTING if speed > 1 else 0)
        clock = ScaledClock(start, since, speed)
        told = "system" if speed == 1 and day == "ordinary" else str(clock)
        chosen = _settings(settings, folder if data is None else data, port, clock=told)
    except Fault as fault:
        raise _refused(fault) from fault
    there = players(chosen, day, seed, fleet)
    _run(lambda: run_up(chosen, flexible=True, say=say, players=there))


def _pack() -> typer.Typer:
    from zhiyin.pack import cli  # noqa: PLC0415

    def loader() -> Any:
        from zhiyin.pack import Loader  # noqa: PLC0415
        from zhiyin.server.sections import SECTIONS, check_mappings  # noqa: PLC0415

        return Loader(SECTIONS, check_mappings)

    cli.loader = loader
    return cli.app


def _gateway(
    protocol: Annotated[str, typer.Argument(help="hj212 | sl651 | jt808 | gb26875")],
    listen: Annotated[
        int | None, typer.Option("--port", help="监听端口 / port to listen on")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="监听地址 / address")] = None,
    data: Data = None,
    settings: File = None,
) -> None:
    """单独启动一个网关,接到正在运行的知音 / One gateway by itself, for a brain that runs."""
    import msgspec  # noqa: PLC0415

    from zhiyin import cloud  # noqa: PLC0415
    from zhiyin.network.protocols import wire  # noqa: PLC0415
    from zhiyin.server.roles import run_one_gateway  # noqa: PLC0415
    from zhiyin.server.up import running  # noqa: PLC0415

    try:
        wire(protocol)
        chosen = running(_settings(settings, data, None))
    except Fault as fault:
        raise _refused(fault) from fault
    given = {protocol: listen, "host": host}
    replace = msgspec.structs.replace
    own = replace(
        chosen.gateways, **{name: value for name, value in given.items() if value is not None}
    )
    chosen = replace(chosen, gateways=own)
    where = getattr(own, protocol)
    if where and cloud.taken(own.host, where):
        name = f"gateways.{protocol}"
        raise _refused(cloud.PortTaken(name, host=own.host, port=where, setting=name))
    cloud.log_to_file(chosen, f"gateway-{protocol}")
    say(f"{protocol}: {own.host}:{getattr(own, protocol)}  (Ctrl-C 结束 / ends it)")
    try:
        asyncio.run(run_one_gateway(chosen, protocol))
    except* Fault as group:
        raise _refused(next(one for one in group.exceptions if isinstance(one, Fault))) from None
    except* KeyboardInterrupt:
        pass


def main() -> None:
    """Run the command line, with only the parts that the command asked for."""
    if "pack" in sys.argv[1:2] or "--help" in sys.argv[1:2]:
        app.add_typer(_pack(), name="pack")
    if "replay" in sys.argv[1:2] or "--help" in sys.argv[1:2]:
        from zhiyin.network.replay_command import command  # noqa: PLC0415

        app.command("replay")(command)
    if {"decode", "send", "--help"} & set(sys.argv[1:2]):
        from zhiyin.network.field_commands import decode, send  # noqa: PLC0415

        app.command("decode")(decode)
        app.command("send")(send)
    if {"gateway", "--help"} & set(sys.argv[1:2]):
        app.command("gateway")(_gateway)
    app()
