"""Telemetry: figures of all processes on one page, and logs a machine can read."""

import json
import time
from functools import partial

import httpx

from tests.brains import RunningBrain, until
from tests.rooms import figure, new_device, reading, stored


def test_one_page_has_the_figures_of_several_processes(brain: RunningBrain) -> None:
    thing, now = new_device(brain), time.time_ns() // 1_000_000
    brain.post("/observations", reading(thing, now, 0.1))
    stored(brain, thing, 1)
    answer = httpx.get(f"{brain.url}/metrics", trust_env=False)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert figure(answer.text, "zhiyin_observations_accepted_total", source="http") >= 1  # web
    assert figure(answer.text, "zhiyin_observations_judged_total", fate="new") >= 1  # sense
    assert figure(answer.text, "zhiyin_lake_rows_total") >= 1
    assert figure(answer.text, "zhiyin_sense_position") >= 1


def test_logs_are_json_lines_that_name_their_process(brain: RunningBrain) -> None:
    def lines(process: str) -> list[dict[str, object]]:
        text = (brain.folder / "var" / "log" / f"{process}.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    for process in ("web", "gateway", "sense", "act"):
        (first, *_) = until(partial(lines, process))
        assert first["process"] == process
        assert first["event"] == "starting"
        assert {"level", "timestamp", "pid"} <= first.keys()


def test_the_interface_describes_itself(brain: RunningBrain) -> None:
    document = httpx.get(f"{brain.url}/schema/openapi.json", trust_env=False).json()
    assert document["openapi"].startswith("3.1")
    assert "/api/v1/warnings" in document["paths"]
