"""Two thousand connections that say nothing, or only half a word: the others are still served."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.brains import RunningBrain, until
from tests.network.test_gateways import HJ212, connected, frame, new_site, now
from tests.rooms import figure, stored

MANY = 2_000
MOST = 64 * 1024 * 1024  # bytes that the gateway may grow by: 32 KiB a connection
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def patient_brain(tmp_path: Path) -> Iterator[RunningBrain]:
    """A brain that ends connections that have said no whole frame after 15 s."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"at most {hard} files may be open here; it should be {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    brain = RunningBrain(tmp_path, {"gateways": {"first": "15s"}})
    try:
        yield brain.start()
    finally:
        brain.stop()


@contextmanager
def held(brain: RunningBrain, first: bytes) -> Iterator[list[socket.socket]]:
    """Open connections that each say `first`, and hold them."""
    lines: list[socket.socket] = []
    try:
        for _ in range(MANY):
            lines.append(socket.create_connection(brain.gateway("hj212"), timeout=10))
            lines[-1].sendall(first)
        yield lines
    finally:
        for line in lines:
            line.close()


def there(brain: RunningBrain) -> int:
    gateways = brain.get("/gateways")
    return int(next(one["connections"] for one in gateways if one["gateway"] == "hj212"))


def test_connections_that_finish_no_frame_cost_little_and_are_ended(
    patient_brain: RunningBrain,
) -> None:
    brain = patient_brain
    thing, mn = new_site(brain)
    gateway = psutil.Process(brain.pids["gateway"])
    before = gateway.memory_info().rss
    with held(brain, b"##0193QN=2026") as lines:
        until(lambda: there(brain) >= MANY, 30, "the gateway holds them all")
        at = now()
        begun = time.monotonic()
        with connected(brain, "hj212") as line:
            for n in range(20):
                line.say(frame(mn, at - n * 1000))
                assert HJ212.decode(line.hear()).kind == "9014"
        assert time.monotonic() - begun < 10
        assert gateway.memory_info().rss - before < MOST
        until(lambda: there(brain) == 0, 60, "the gateway has ended them all")
        assert all(line.recv(1) == b"" for line in lines)
    assert len(stored(brain, thing, 20, "noise")) == 20
    page = httpx.get(f"{brain.url}/metrics", trust_env=False).text
    assert figure(page, "zhiyin_gateway_ended_total", gateway="hj212", why="silent") >= MANY
