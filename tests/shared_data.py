"""Where the real data lie that are too large for the repository."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def shared(name: str) -> Path:
    """Return a file of the shared data; the test is skipped, with the reason, where it is not."""
    folder = Path(os.environ.get("ZHIYIN_SHARED_DATA", ROOT.parent / "shared" / "data"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"{name} is not in {folder}; set ZHIYIN_SHARED_DATA to the folder that has it")
    return path
