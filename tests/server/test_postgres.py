"""A whole brain on PostgreSQL: from a reading to a warning to a case, and what is kept apart."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.brains import RunningBrain, until
from tests.conftest import new_database
from tests.rooms import kept, new_device, reading, stored
from zhiyin.kernel import MINUTE, new_id


@pytest.mark.postgres
def test_a_brain_on_postgresql_goes_all_the_way(tmp_path: Path, postgres: dict[str, Any]) -> None:
    url = asyncio.run(new_database(postgres, new_id()))
    brain = RunningBrain(tmp_path, {"database": {"url": url}}).start()
    try:
        thing, now = new_device(brain), time.time_ns() // 1_000_000
        rows = [reading(thing, now - n * MINUTE, 0.5) for n in range(5, -1, -1)]
        assert brain.post("/observations", rows).json()["accepted"] == 6
        assert len(stored(brain, thing, 6)) == 6
        warning = until(
            lambda: [one for one in brain.get("/warnings", open=True) if one["thing"] == thing]
        )[0]
        assert warning["level"] == "red"
        case = until(
            lambda: [one for one in brain.get("/cases") if one["warning_id"] == warning["id"]]
        )[0]
        assert case["state"] == "filed"
        told = brain.post(f"/warnings/{warning['id']}/acknowledge", {"note": "看到"})
        assert told.status_code in {200, 201}
        # PostgreSQL's text holds no NUL; what a device writes must not stop the keeper.
        brain.post("/observations", [{"thing": "nul\0", "property": "\0", "value": "\0"}])
        brain.post("/observations", reading(thing, now, 99))
        assert kept(brain, thing)[0]["reason"] == "out_of_range"
        assert kept(brain, "nul\N{REPLACEMENT CHARACTER}")[0]["raw"]["thing"] == "nul\0"
    finally:
        assert brain.stop() == 0
    assert not (tmp_path / "var" / "operations.db").exists()
