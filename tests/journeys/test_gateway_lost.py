"""A gateway that is lost is itself a warning; when it is back the warning clears."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from tests.brains import RunningBrain, until
from zhiyin.kernel import ScaledClock


def state_of(brain: RunningBrain) -> str:
    states = {one["gateway"]: one["state"] for one in brain.get("/gateways")}
    return str(states["jt808"])


def test_a_port_that_another_program_has_stops_only_its_own_gateway(tmp_path: Path) -> None:
    brain = RunningBrain(tmp_path).start()
    try:
        host, port = brain.gateway("jt808")
        other = socket.socket()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        old = brain.kill("gateway")
        psutil.wait_procs([psutil.Process(old)] if psutil.pid_exists(old) else [], timeout=5)
        other.bind((host, port))
        other.listen()
        until(lambda: state_of(brain) == "shut", 30, "its card says so")
        states = {one["gateway"]: one["state"] for one in brain.get("/gateways")}
        assert states == {
            "hj212": "normal",
            "sl651": "normal",
            "jt808": "shut",
            "gb26875": "normal",
        }
        ended = subprocess.run(
            [sys.executable, "-c", "from zhiyin.server.cli import main; main()",
             "gateway", "jt808", "--port", str(port), "--data", str(tmp_path / "var")],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode == 2
        assert "cloud-032" in ended.stderr
        assert f"127.0.0.1:{port}" in ended.stderr
        other.close()
        until(lambda: state_of(brain) == "normal", 30, "it listens once the port is free")
        socket.create_connection((host, port), 5).close()
    finally:
        brain.stop()


def test_a_gateway_that_stands_still_is_warned_of(tmp_path: Path) -> None:
    now = time.time_ns() // 1_000_000
    clock = str(ScaledClock(now, now, 30))  # three minutes in six seconds
    brain = RunningBrain(tmp_path, {"clock": clock})
    brain.start()
    try:
        until(
            lambda: brain.get("/latest", thing="gateway-jt808"), 30, "the gateway observed itself"
        )
        pid = brain.pids["gateway"]
        os.kill(pid, signal.SIGSTOP)
        try:

            def lost() -> Any:
                told = brain.get("/warnings", open="true")
                return [one for one in told if one["thing"] == "gateway-jt808"]

            (warning,) = until(lost, 40, "the lost gateway is warned of")
            assert warning["rule"].endswith("gateway_lost")
            assert "JT/T 808" in warning["thing_name"]
            until(lambda: state_of(brain) == "lost", 30, "its card says so")
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: not lost(), 30, "the warning clears")
    finally:
        brain.stop()
