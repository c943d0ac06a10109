"""Real data that may lie beside the project; tests that read it are skipped where it is absent."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


def shared(name: str) -> Path:
    """Return the path of `name` in the shared data; the test is skipped when it is absent.

    `ZHIYIN_SHARED_DATA` names the folder when it does not lie beside the project.
    """
    path = Path(os.environ.get("ZHIYIN_SHARED_DATA", _BESIDE)) / name
    if not path.exists():
        pytest.skip(f"the shared data have no {name} (looked in {path.parent})")
    return path
