"""A gateway that is lost is itself a warning; when it is back the warning clears."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.brains import RunningBrain, until
from zhiyin.kernel import ScaledClock


def state_of(brain: RunningBrain) -> str:
    states = {one["gateway"]: one["state"] for one in brain.get("/gateways")}
    return str(states["jt808"])


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
