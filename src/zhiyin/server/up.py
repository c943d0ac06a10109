"""Start-up: folder, ports, store, streams, then every process in order, and their end."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import structlog
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

import zhiyin
from zhiyin import cloud
from zhiyin.kernel import CallerFault, Words, WorldFault
from zhiyin.server.folders import packs_folder

log = structlog.get_logger()

PROCESSES = ("act", "sense", "gateway", "web")
PATIENCE = 5  # questions, 2 s apart, that the bus may leave unanswered
ROOM = 16 * 1024 * 1024  # bytes that must be free before the bus is started anew
COULD_NOT_WRITE = (b"failed to store a msg", b"no space left on device", b"out of space")
READY = 180.0  # seconds that start-up may take on a machine that is busy with other things
Say = Any


class NotReady(WorldFault):
    """The brain did not come up."""

    code = "server-001"
    what = Words("{seconds} 秒内没有就绪:{missing}。", "Not ready within {seconds} s: {missing}.")
    do = Words("看 {log} 里的日志。", "Look at the logs in {log}.")


class SetupEnded(WorldFault):
    """Setting up the store ended with a fault of its own."""

    code = "server-002"
    what = Words("准备数据库没有完成。", "The operations store could not be set up.")
    do = Words("看上面的说明。", "See what it says above.")


def settle_ports(settings: cloud.Settings, *, flexible: bool) -> cloud.Settings:
    """Return settings with ports that are free.

    `flexible` moves on from a default port that is taken (a demonstration); otherwise, and for a
    port that was set by hand, PortTaken is raised.
    """
    plain = cloud.Settings()
    web, mqtt = settings.web, settings.mqtt
    ports = {
        "web.port": _settled("web.port", web.host, web.port, plain.web.port, flexible=flexible),
        "mqtt.port": _settled(
            "mqtt.port", mqtt.host, mqtt.port, plain.mqtt.port, flexible=flexible
        ),
    }
    gateways = settings.gateways
    own = {
        key: _settled(f"gateways.{key}", gateways.host, getattr(gateways, key),
                      getattr(plain.gateways, key), flexible=flexible)
        for key in gateways.on
        if hasattr(gateways, key)
    }  # fmt: skip
    secure = {
        key: _settled(f"tls.{key}", gateways.host, getattr(settings.tls, key),
                      getattr(plain.tls, key), flexible=flexible)
        for key in settings.tls.on
        if hasattr(gateways, key)
    }  # fmt: skip
    bus_port = settings.bus.port or cloud.free_port()
    replace = msgspec.structs.replace
    return replace(
        settings,
        web=replace(web, port=ports["web.port"]),
        mqtt=replace(mqtt, port=ports["mqtt.port"]),
        gateways=replace(gateways, **own),
        tls=replace(settings.tls, **secure),
        bus=replace(
            settings.bus, port=bus_port, url=settings.bus.url or f"nats://127.0.0.1:{bus_port}"
        ),
    )


def _settled(name: str, host: str, port: int, default: int, *, flexible: bool) -> int:
    """Return a port that is free; PortTaken."""
    if port == 0:
        return cloud.free_port(host)
    if not cloud.taken(host, port):
        return port
    if flexible and port == default:
        return next(p for p in range(port + 1, 65_000) if not cloud.taken(host, p))
    raise cloud.PortTaken(name, host=host, port=port, setting=name)


def hidden(url: str) -> str:
    """Return a store's address without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "database.url"


def write_settings(settings: cloud.Settings) -> Path:
    """Write the settings that all processes of this run share."""
    file = settings.folder / "run" / "settings.json"
    file.touch(mode=0o600)  # the store's password may be in it
    file.write_bytes(msgspec.json.encode(settings))
    return file


def read_settings(file: Path) -> cloud.Settings:
    return msgspec.json.decode(file.read_bytes(), type=cloud.Settings)


class NotRunning(CallerFault):
    """A brain that was to be joined and does not run."""

    code = "server-005"
    what = Words("{folder} 里没有正在运行的知音。", "No brain runs in {folder}.")
    do = Words(
        "先启动它(zhiyin up),或用 --data 指定它的目录。",
        "Start it first (zhiyin up), or name its folder with --data.",
    )


def running(settings: cloud.Settings) -> cloud.Settings:
    """Return the settings of the brain that runs in the data folder; NotRunning."""
    file = settings.folder / "run" / "settings.json"
    if not file.exists():
        raise NotRunning(str(settings.folder), folder=settings.folder)
    return read_settings(file)


def _argv(role: str, file: Path) -> list[str]:
    return [sys.executable, "-m", "zhiyin.server.run", role, str(file)]


async def set_up(settings: cloud.Settings, file: Path) -> None:
    """Migrate the store and seed it from the packs, in a process of its own.

    On the house's own SQLite that is left out when neither packs nor tables have changed since.
    """
    mark = settings.folder / "run" / "setup.done"
    now = _what_is_set_up(settings)
    own = not settings.database.url and (settings.folder / "operations.db").exists()
    if own and mark.exists() and mark.read_text(encoding="utf-8") == now:
        return
    process = await asyncio.create_subprocess_exec(
        *_argv("setup", file), start_new_session=True, preexec_fn=cloud.dies_with(os.getpid())
    )
    if await process.wait() != 0:
        raise SetupEnded(hidden(settings.database_url))
    mark.write_text(now, encoding="utf-8")


def _what_is_set_up(settings: cloud.Settings) -> str:
    """Return a digest of the packs that are on and of the house's own files."""
    digest = hashlib.blake2b(repr(settings.packs).encode(), digest_size=16)
    house = Path(zhiyin.__file__).parent
    for folder in (packs_folder(settings), house / "server" / "migrations", house / "atlas"):
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".yaml", ".py", ".json", ".geojson"}:
                digest.update(str(file).encode() + file.read_bytes())
    return digest.hexdigest()


class Broker:
    """Whether the house's nats-server does what it should, as the supervisor asks.

    After a full disk nats-server goes on refusing every message of a stream that it once could not
    write, and says so nowhere but in its log; once there is room again it is started anew.
    """

    def __init__(self, settings: cloud.Settings) -> None:
        self._url, self._folder = settings.bus.url, settings.folder
        self._log = cloud.broker_log(settings)
        self._read = self._size()
        self._unwritten = False
        self._bus: cloud.Bus | None = None
        self._noes = 0

    async def healthy(self) -> bool:
        """Return False when it should be started anew."""
        self._unwritten = self._unwritten or self._could_not_write()
        if self._unwritten and shutil.disk_usage(self._folder).free > ROOM:
            self._unwritten, self._read = False, self._size()
            log.warning("bus could not write, and there is room now")
            return False
        try:
            if self._bus is None:
                self._bus = await cloud.Bus.connect(self._url, "supervisor")
            await self._bus.state(cloud.OBSERVATIONS)
        except WorldFault:
            self._noes += 1
        else:
            self._noes = 0
        if self._noes < PATIENCE:
            return True
        self._noes = 0
        return False

    async def close(self) -> None:
        """End our connection before its server ends.

        It tries to come back for ever, and a task that is cancelled just when a try fails goes on
        (asyncio.wait_for of Python 3.11): the supervisor would never end.
        """
        if self._bus is not None:
            await self._bus.close()

    def _size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _could_not_write(self) -> bool:
        size = self._size()
        start = self._read if self._read <= size else 0  # it begins a new file at its limit
        self._read = size
        if start == size:
            return False
        with self._log.open("rb") as lines:
            lines.seek(max(start, size - 1024 * 1024))
            said = lines.read()
        return any(words in said for words in COULD_NOT_WRITE)


async def wait_ready(settings: cloud.Settings, seconds: float = READY) -> None:
    """Return once every process answers; NotReady when it takes longer."""
    address = f"http://{settings.web.host}:{settings.web.port}/readyz"
    deadline, missing = time.monotonic() + seconds, "web"
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                answer = await client.get(address, timeout=2)
                state = answer.json()
                if answer.status_code == httpx.codes.OK:
                    return
                missing = ", ".join(name for name, good in state.items() if not good)
            except (httpx.HTTPError, ValueError):
                missing = "web"
            await asyncio.sleep(0.1)
    log_folder = str(settings.folder / "log")
    raise NotReady(address, seconds=round(seconds), missing=missing, log=log_folder)


async def run_up(
    settings: cloud.Settings,
    *,
    flexible: bool,
    say: Say,
    players: Mapping[str, Callable[[cloud.Settings], list[str]]] | None = None,
) -> None:
    """Start everything, tell the address, and keep it running until told to end.

    `players` are the processes of a demonstration by name: each is called with the settled
    settings and returns the argv.
    """
    lock = cloud.claim(settings.folder)
    cloud.log_to_file(settings, "supervisor")
    supervisor = cloud.Supervisor(settings.folder)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    try:
        settings = settle_ports(settings, flexible=flexible)
        file = write_settings(settings)
        say("准备数据库与场景包 … / setting up store and packs …")
        await set_up(settings, file)
        metrics = settings.folder / "run" / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()
        os.environ[cloud.METRICS] = str(metrics)
        await _start(supervisor, settings, file, say)
        for name, argv in (players or {}).items():
            if not supervisor.stopping:
                supervisor.start(cloud.Child(name, argv(settings)))
        await supervisor.wait()
    finally:
        supervisor.stop()
        await supervisor.wait()
        lock.close()


async def _start(
    supervisor: cloud.Supervisor, settings: cloud.Settings, file: Path, say: Say
) -> None:
    if supervisor.stopping:
        return
    say("启动总线与进程 … / starting bus and processes …")
    if settings.bus.port and settings.bus.url.endswith(f":{settings.bus.port}"):
        await cloud.prepare_streams(settings, settings.bus.port)
        config = cloud.write_config(settings, settings.bus.port, mqtt=True)
        broker = Broker(settings)
        argv = [cloud.binary(), "-c", str(config)]
        supervisor.start(cloud.Child("nats-server", argv, healthy=broker.healthy))
        supervisor.at_end(broker.close)
    for role in PROCESSES:
        supervisor.start(cloud.Child(role, _argv(role, file)))
    ready = asyncio.create_task(wait_ready(settings))
    while not ready.done() and not supervisor.stopping:
        await asyncio.wait([ready], timeout=0.1)
    if supervisor.stopping:
        ready.cancel()
        return
    await ready
    address = f"http://{settings.web.host}:{settings.web.port}"
    gateways, secure = _gateways(settings), _secure(settings)
    (settings.folder / "run" / "address.json").write_text(
        json.dumps(
            {"web": address, "mqtt": f"{settings.mqtt.host}:{settings.mqtt.port}",
             "gateways": gateways, "tls": secure, "bus": settings.bus.url, "pid": os.getpid()}
        ), encoding="utf-8",
    )  # fmt: skip
    say(f"知音 Zhiyin: {address}")
    pages = (("大屏 wall", "wall"), ("工作台 bench", "bench"), ("门户 portal", "portal"))
    say("  " + " · ".join(f"{name} {address}/{page}" for name, page in pages))
    mqtt = f"{settings.mqtt.host}:{settings.mqtt.port}"
    say(f"  设备 devices: MQTT {mqtt} · HTTP {address}/api/v1/observations")
    if gateways:
        listed = " · ".join(f"{key} {where}" for key, where in gateways.items())
        say(f"  现场协议 field protocols: {listed}")
    if secure:
        listed = " · ".join(f"{key} {where}" for key, where in secure.items())
        say(f"  TLS: {listed}")
    say("  Ctrl-C 结束 / ends it")


def _secure(settings: cloud.Settings) -> dict[str, str]:
    """Return where each field protocol is listened to over TLS."""
    return {
        key: f"{settings.gateways.host}:{getattr(settings.tls, key)}"
        for key in settings.gateways.on
        if key in settings.tls.on
    }


def _gateways(settings: cloud.Settings) -> dict[str, str]:
    """Return where each field protocol is listened to, as host:port."""
    own = settings.gateways
    return {
        key: f"{own.host}:{getattr(own, key)}"
        for key in own.on
        if isinstance(getattr(own, key, None), int)
    }
