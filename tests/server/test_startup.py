"""Starting and ending: one clear message for what is in the way, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.brains import ROOT, RunningBrain, until
from zhiyin import cloud

ZHIYIN = [sys.executable, "-c", "from zhiyin.server.cli import main; main()"]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ZHIYIN_")}
    return subprocess.run(
        [*ZHIYIN, *words], cwd=folder, env=environ, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def alive(pids: list[int]) -> list[int]:
    return [
        pid
        for pid in pids
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


def test_a_port_set_by_hand_that_is_taken_is_one_clear_message(
    tmp_path: Path, taken_port: int
) -> None:
    ended = run(tmp_path, "up", "--data", "var", "--port", str(taken_port))
    assert ended.returncode == 2
    said = ended.stderr.splitlines()
    assert len(said) == 2
    assert f"cloud-032  web.port: 127.0.0.1:{taken_port} 已被别的程序占用。" in said[0]
    assert said[1].endswith("Stop it, or change web.port.")


def test_a_host_that_is_not_ours_is_told_apart_from_a_taken_port(tmp_path: Path) -> None:
    (tmp_path / "zhiyin.toml").write_text('[web]\nhost = "192.0.2.1"\n')
    ended = run(tmp_path, "up")
    assert ended.returncode == 2
    assert "cloud-033" in ended.stderr
    assert "does not let us listen on 192.0.2.1:8080" in ended.stderr


def test_a_folder_that_cannot_be_made_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = run(tmp_path, "up", "--data", "file/x")
    assert ended.returncode == 2
    assert f"cloud-031  {tmp_path / 'file' / 'x'}: 数据目录写不进去" in ended.stderr
    assert "name another with --data" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_instance_on_the_same_folder_names_the_first(brain: RunningBrain) -> None:
    assert brain.process is not None
    ended = run(brain.folder, "up", "--data", str(brain.folder / "var"))
    assert ended.returncode == 2
    assert (
        f"cloud-030  {brain.folder / 'var'}: 数据目录已由进程 {brain.process.pid} 使用"
        in ended.stderr
    )
    assert f"Process {brain.process.pid} is using this data folder already." in ended.stderr


def test_a_wrong_setting_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "zhiyin.toml").write_text("[web]\nprot = 1\n")
    ended = run(tmp_path, "up")
    assert ended.returncode == 2
    assert "zhiyin.toml: There is no setting web.prot; the nearest is web.port." in ended.stderr
    assert not (tmp_path / "var").exists()


def test_a_store_that_is_away_is_one_clear_message_without_its_password(
    tmp_path: Path, taken_port: int
) -> None:
    url = f"postgresql+asyncpg://me:secret@127.0.0.1:{cloud.free_port()}/zhiyin"
    lines = ["[web]\nport = 0\n[mqtt]\nport = 0\n", f'[database]\nurl = "{url}"\n']
    (tmp_path / "zhiyin.toml").write_text("".join(lines))
    ended = run(tmp_path, "up")
    assert ended.returncode == 2
    assert "server-003  database.url: 数据库打不开" in ended.stderr
    assert "secret" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "var" / "run" / "settings.json").stat().st_mode & 0o077 == 0


ANY_PORT = {
    f"ZHIYIN_{name}": "0"
    for name in ("WEB__PORT", "MQTT__PORT", "GATEWAYS__HJ212", "GATEWAYS__SL651",
                 "GATEWAYS__JT808", "GATEWAYS__GB26875")
}  # fmt: skip


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningBrain]:
    """A demonstration on the default ports, of which others hold some."""
    (tmp_path / "zhiyin.toml").write_text("")
    brain = RunningBrain(tmp_path)
    yield brain
    if brain.process is not None and brain.process.poll() is None:
        brain.stop()


def hold(port: int) -> socket.socket:
    other = socket.socket()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        other.bind(("127.0.0.1", port))
        other.listen()
    except OSError:
        other.close()  # somebody else holds it: as good
    return other


def test_a_demonstration_moves_on_from_taken_ports_and_ctrl_c_ends_all_of_it(
    demo: RunningBrain,
) -> None:
    with hold(8080), hold(1883):
        demo.start(("demo", "--data", str(demo.folder / "var")))
    web, mqtt = int(demo.url.rpartition(":")[2]), demo.mqtt[1]
    assert web > 8080
    assert mqtt > 1883
    assert demo.process is not None
    pids = [process.pid for process in psutil.Process(demo.process.pid).children(recursive=True)]
    assert len(pids) == 7  # the brain's five, the district and its fleet
    assert demo.stop() == 0
    assert alive(pids) == []
    assert not any(cloud.taken("127.0.0.1", port) for port in (web, mqtt))


def test_killing_the_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    brain = RunningBrain(tmp_path).start()
    assert brain.process is not None
    pids = [process.pid for process in psutil.Process(brain.process.pid).children(recursive=True)]
    os.kill(brain.process.pid, signal.SIGKILL)
    brain.process.wait()
    assert brain.process.stdout is not None
    brain.process.stdout.close()
    until(lambda: not alive(pids), 10, "all children have ended")


def test_killing_it_while_it_sets_up_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*ZHIYIN, "up", "--data", str(tmp_path / "var")], cwd=ROOT, stdout=subprocess.DEVNULL,
        env={**os.environ, **ANY_PORT},
    )  # fmt: skip
    children = until(lambda: psutil.Process(process.pid).children(recursive=True), 30)
    process.kill()
    process.wait()
    until(lambda: not alive([child.pid for child in children]), 10)


@pytest.mark.parametrize("name", ["web", "sense", "act", "nats-server"])
def test_a_killed_process_comes_back(brain: RunningBrain, name: Any) -> None:
    old = brain.kill(name)
    brain.wait_back(name, old)
    brain.wait_ready(30)


def test_ready_says_503_while_the_sensing_worker_stands_still(brain: RunningBrain) -> None:
    pid = brain.pids["sense"]
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = until(lambda: unready(brain), 20, "not ready")
        assert answer.json() == {
                "bus": True, "sense": False, "database": True, "gateway": True,
            }  # fmt: skip
        assert httpx.get(f"{brain.url}/healthz", trust_env=False).text == "ok"
    finally:
        os.kill(pid, signal.SIGCONT)
    brain.wait_ready(30)


def unready(brain: RunningBrain) -> httpx.Response | None:
    answer = httpx.get(f"{brain.url}/readyz", trust_env=False)
    return answer if answer.status_code == 503 else None
