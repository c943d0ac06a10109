"""Whole brains for the tests: the real processes on free ports in a folder of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
Check = Callable[[], Any]


def until(check: Check, seconds: float = 30.0, what: str = "") -> Any:
    """Return the first true answer of `check`; AssertionError after `seconds`.

    Asks again every 50 ms; what is waited for is an event in another process.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = check()
        except (httpx.HTTPError, OSError, KeyError, ValueError):
            answer = None
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or check}")
        time.sleep(0.05)


def _toml(name: str, table: dict[str, Any]) -> list[str]:
    """Return the lines of a table and of the tables in it."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"[{name}]"] + [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for key, inner in table.items():
        lines += _toml(f"{name}.{key}", inner) if isinstance(inner, dict) else []
    return lines


@dataclass
class RunningBrain:
    """One brain, started as a user starts it."""

    folder: Path
    more: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self, command: tuple[str, ...] = ("up",), seconds: float = 180) -> "RunningBrain":
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "zhiyin.toml"
        if not file.exists():
            lines = [f'data_folder = "{self.folder / "var"}"']
            tables: dict[str, Any] = {
                "web": {"port": 0}, "mqtt": {"port": 0},
                "gateways": dict.fromkeys(("hj212", "sl651", "jt808", "gb26875"), 0),
            }  # fmt: skip
            for name, table in self.more.items():
                told = tables.get(name)
                tables[name] = {**told, **table} if told is not None else table
            lines += [f"{key} = {json.dumps(value)}" for key, value in tables.items()
                      if not isinstance(value, dict)]  # fmt: skip
            for name, table in tables.items():
                if isinstance(table, dict):
                    lines += _toml(name, table)
            file.write_text("\n".join(lines), encoding="utf-8")
        (self.folder / "var" / "run" / "address.json").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from zhiyin.server.cli import main; main()", *command],
            cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "ZHIYIN_SETTINGS": str(file)},
        )  # fmt: skip
        try:
            self.wait_ready(seconds)
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def address(self) -> dict[str, Any]:
        text = (self.folder / "var" / "run" / "address.json").read_text(encoding="utf-8")
        return dict(json.loads(text))

    @property
    def url(self) -> str:
        return str(self.address["web"])

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def mqtt(self) -> tuple[str, int]:
        host, _, port = str(self.address["mqtt"]).rpartition(":")
        return host, int(port)

    def gateway(self, protocol: str) -> tuple[str, int]:
        """Return where devices of a field protocol connect."""
        host, _, port = str(self.address["gateways"][protocol]).rpartition(":")
        return host, int(port)

    @property
    def pids(self) -> dict[str, int]:
        text = (self.folder / "var" / "run" / "processes.json").read_text(encoding="utf-8")
        return {name: row["pid"] for name, row in json.loads(text).items()}

    def wait_ready(self, seconds: float = 180) -> None:
        def ready() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                told = self.process.stdout.read() if self.process.stdout else ""
                raise AssertionError(f"the brain ended: {told}")
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200

        until(ready, seconds, "ready")

    def get(self, path: str, **parameters: Any) -> Any:
        answer = httpx.get(f"{self.api}{path}", params=parameters, timeout=10, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.api}{path}", json=body, timeout=30, trust_env=False, **more)

    def kill(self, name: str) -> int:
        """End one process the hard way (-9) and return its pid; the supervisor brings it back."""
        pid = self.pids[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_back(self, name: str, old: int, seconds: float = 30) -> None:
        until(lambda: self.pids.get(name, old) != old, seconds, f"{name} is back")

    def stop(self) -> int:
        """End it as Ctrl-C does; return the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        return self.process.returncode
