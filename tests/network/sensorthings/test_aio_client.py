"""`aio-sensorthings`, unmodified, against a running brain.

It needs Python 3.13 or later, which this project does not: it runs in a venv of its own, made with
any such Python found on this machine (or named by `ZHIYIN_PYTHON_313`); otherwise it is skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.brains import RunningBrain

SCRIPT = Path(__file__).parent / "aio_script.py"
WANTED = ["aio-sensorthings[all]==0.8.0", "pyyaml"]  # it imports yaml without saying so


def python_313() -> str:
    """Return a Python that is new enough; the test is skipped when there is none."""
    named = os.environ.get("ZHIYIN_PYTHON_313")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*pyenv.glob("3.1[34].*/bin/python"), Path(sys.executable)]
    found += [Path(path) for name in ("python3.13", "python3.14") if (path := shutil.which(name))]
    for one in [Path(named)] if named else found:
        asked = [str(one), "-c", "import sys; print(sys.version_info >= (3, 13))"]
        told = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
        if told.stdout.strip() == "True":
            return str(one)
    pytest.skip("no Python 3.13 or later here, which aio-sensorthings needs")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a venv that has the client."""
    folder = tmp_path_factory.mktemp("aio") / "venv"
    made = subprocess.run(
        [python_313(), "-m", "venv", str(folder)], capture_output=True, timeout=120, check=False
    )
    own = folder / "bin" / "python"
    if made.returncode:
        pytest.skip("a venv cannot be made with the Python found")
    got = subprocess.run(
        [str(own), "-m", "pip", "install", "-q", "--disable-pip-version-check", *WANTED],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    if got.returncode:
        pytest.skip(f"aio-sensorthings cannot be installed here: {got.stderr.strip()[-200:]}")
    return str(own)


@pytest.mark.slow
def test_the_client_writes_reads_and_synchronises(brain: RunningBrain, python: str) -> None:
    name = f"aio {time.time_ns()}"
    ran = subprocess.run(
        [python, str(SCRIPT), f"{brain.url}/sta", name],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout)
    assert all(isinstance(number, int) for number in told["ids"].values())
    assert told["results"] == list(range(25))  # over three pages
    assert (told["changed"], told["lost"]) == (True, False)
    assert (told["description"], told["properties"]) == ("changed", {"a": 1})
    assert told["place"] == [114.27, 30.55]
    assert (told["symbol"], told["property"]) == ("m", "https://x.org/depth")
    assert told["by_name"] == told["ids"]["datastream"]
    assert told["events"]
