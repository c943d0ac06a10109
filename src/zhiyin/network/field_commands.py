"""`zhiyin decode` and `zhiyin send`: for the engineer who stands before the device."""

import asyncio
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any, NoReturn

import msgspec
import typer

from zhiyin.kernel import Fault
from zhiyin.network.decoding import decode_bytes, decode_line, encode_line
from zhiyin.network.frame import Facts, FrameFault, Wire
from zhiyin.network.protocols import KEYS, wire

Protocol = Annotated[str, typer.Argument(help="|".join(KEYS))]
File = Annotated[str, typer.Argument(help="文件,- 为标准输入 / a file, - is standard input")]
LONGEST = 4 * 1024 * 1024  # characters of one line
QUIET = 2.0  # seconds without an answer after which the last frame has had its own


def decode(protocol: Protocol, file: File = "-") -> None:
    """解读帧,一行一帧 / Decode frames, one a line; prints one JSON object a line."""
    spoken = _wire(protocol)
    bad = False
    for number, line in _lines(file):
        told = {"line": number, **decode_line(spoken, line)}
        bad = bad or not told["ok"]
        _print(told)
    raise typer.Exit(1 if bad else 0)


def send(
    protocol: Protocol,
    file: File = "-",
    to: Annotated[str, typer.Option("--to", help="host:port")] = "",
    wait: Annotated[float, typer.Option("--wait", help="等答复几秒 / seconds to wait")] = QUIET,
) -> None:
    """把帧发给网关,打印答复 / Send frames (or JSON of decode) to a gateway, print its answers."""
    spoken = _wire(protocol)
    host, _, port = to.rpartition(":")
    if to and not port.isdigit():
        _refuse(f"--to {to}: 应为 主机:端口 / it should be host:port")
    frames, bad = [], False
    for number, line in _lines(file):
        try:
            frames.append(encode_line(spoken, line))
        except (FrameFault, msgspec.DecodeError) as fault:
            bad = True
            _print({"line": number, "ok": False, "detail": getattr(fault, "detail", str(fault))})
    if not to:  # only say what would be sent
        for frame in frames:
            typer.echo(_written(spoken, frame))
        raise typer.Exit(1 if bad else 0)
    try:
        refused = asyncio.run(_exchange(spoken, host or "127.0.0.1", int(port), frames, wait))
    except OSError as fault:
        _refuse(f"{to}: {fault.strerror or fault}; 网关在运行吗 / is the gateway running?")
    raise typer.Exit(1 if bad or refused else 0)


async def _exchange(spoken: Wire, host: str, port: int, frames: list[bytes], wait: float) -> bool:
    """Send frames one after the other; print what comes back. True when an answer was bad."""
    reader, writer = await asyncio.open_connection(host, port)
    session = spoken.session(_Anyone())
    refused = False
    # Answers are read meanwhile: a gateway that nobody listens to stops reading as well.
    talking = asyncio.create_task(_say(spoken, writer, frames))
    while True:
        try:
            async with asyncio.timeout(wait):
                data = await reader.read(65536)
        except TimeoutError:
            if talking.done():
                break
            continue
        if not data:
            break
        for turn in session.receive(data, 0):
            told = decode_bytes(spoken, turn.frame)
            refused = refused or not told["ok"]
            _print({"received": _written(spoken, turn.frame), **told})
    if not talking.done():
        talking.cancel()
        raise ConnectionAbortedError(None, "closed before all was sent")
    writer.close()
    await talking
    return refused


async def _say(spoken: Wire, writer: asyncio.StreamWriter, frames: list[bytes]) -> None:
    for frame in frames:
        writer.write(frame)
        await writer.drain()
        _print({"sent": _written(spoken, frame)})


class _Anyone:
    """A register in which everybody is known."""

    def find(self, address: str) -> Facts | None:  # noqa: ARG002
        return Facts()


def _wire(key: str) -> Wire:
    try:
        return wire(key)
    except Fault as fault:
        _refuse(f"{fault.text('zh')} / {fault.text('en')}")


def _refuse(line: str) -> NoReturn:
    typer.echo(f"zhiyin: {line}", err=True)
    raise typer.Exit(2)


def _written(spoken: Wire, frame: bytes) -> str:
    if spoken.text:
        return frame.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    return frame.hex().upper()


def _print(told: dict[str, Any]) -> None:
    if sys.stdout is None:  # closed by whoever started us
        _refuse("标准输出已关闭 / standard output is closed")
    try:
        sys.stdout.buffer.write(msgspec.json.encode(told, enc_hook=str) + b"\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # `| head`: nobody wants more
    except OSError as fault:
        _refuse(f"标准输出 / standard output: {fault.strerror or fault}")


def _lines(file: str) -> Iterator[tuple[int, str]]:
    if file == "-":
        if sys.stdin is None:
            _refuse("标准输入已关闭 / standard input is closed")
        yield from _numbered(sys.stdin.buffer)
        return
    try:
        with Path(file).open("rb") as lines:
            yield from _numbered(lines)
    except OSError as fault:
        _refuse(f"{file}: {fault.strerror or fault}")


def _numbered(lines: IO[bytes]) -> Iterator[tuple[int, str]]:
    number = 0
    while line := lines.readline(LONGEST):
        number += 1
        if number == 1:
            line = line.removeprefix(BOM_UTF8)
        text = line.decode("utf-8", "surrogateescape").strip("\r\n")
        if text.strip():
            yield number, text
