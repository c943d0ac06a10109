"""Old data through the front door: real files as they are, and the AQI they were published with."""

import csv
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from tests.brains import ROOT, RunningBrain, until
from tests.shared_data import shared
from zhiyin.kernel import parse_time
from zhiyin.network.mapping import load_mapping

pytestmark = [pytest.mark.slow]
MAPPINGS = ROOT / "packs" / "eco_environment" / "mappings"
POLLUTANTS = ("PM2.5", "PM10", "CO", "NO2", "O3_1h", "SO2")


def replay(brain: RunningBrain, file: Path, mapping: str) -> subprocess.CompletedProcess[str]:
    program = "from zhiyin.server.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "replay", str(file), "--mapping", str(MAPPINGS / mapping),
         "--to", brain.url, "--as-they-were", "--side", str(brain.folder)],
        text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip


def rows_of(brain: RunningBrain, property_: str) -> dict[tuple[str, int], list[float]]:
    """Return the values in the lake by (thing, time); more than one is a double."""
    table = DeltaTable(str(brain.folder / "var" / "lake" / "observations"))
    source = f"read_parquet({table.file_uris()!r}, hive_partitioning=false)"
    found = duckdb.connect().execute(
        f"SELECT thing, epoch_ms(time), list(value) FROM {source} WHERE property = ?"
        " GROUP BY ALL", [property_],
    ).fetchall()  # fmt: skip
    return {(thing, time): values for thing, time, values in found}


def published(file: Path, stations: dict[str, str]) -> dict[tuple[str, int], int]:
    """Return the published AQI of every row in which all six pollutants and the AQI stand."""
    told: dict[tuple[str, int], int] = {}
    with file.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            day, hour = row["Date"], row["Hour"]
            time = parse_time(f"{day[:4]}-{day[4:6]}-{day[6:]} {int(hour):02d}:00")
            if all(_number(row[name]) for name in (*POLLUTANTS, "AQI")):
                told[stations[row["WatchPoint"]], time] = int(row["AQI"])
    return told


def _number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def test_the_published_aqi_is_what_the_rule_of_its_day_gives(tmp_path: Path) -> None:
    file = shared("wuhan-air-hourly-stations-2020") / "wuhan.csv"
    stations = load_mapping(MAPPINGS / "wuhan-air-hourly.yaml").thing.values
    wanted = published(file, dict(stations))
    brain = RunningBrain(tmp_path).start()
    try:
        done = replay(brain, file, "wuhan-air-hourly.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: len(rows_of(brain, "aqi")) >= len(wanted), 30, "every hour has its AQI")
        got = rows_of(brain, "aqi")
        assert {key: got[key] for key in wanted} == {key: [value] for key, value in wanted.items()}

        # A second run, and one that has forgotten the first, change nothing.
        before = rows_of(brain, "pm25")
        for side in brain.folder.glob("wuhan.csv*"):
            side.unlink()
        assert replay(brain, file, "wuhan-air-hourly.yaml").returncode == 0
        assert brain.post("/observations", []).status_code == 202
        assert rows_of(brain, "pm25") == before
        assert brain.get("/quarantine")["total"] == 0
    finally:
        assert brain.stop() == 0


def test_seven_years_of_days_come_in_with_their_own_units(tmp_path: Path) -> None:
    file = shared("wuhan-air-daily-2014-2021") / "wuhan.csv"
    brain = RunningBrain(tmp_path).start()
    try:
        done = replay(brain, file, "wuhan-air-daily.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: len(rows_of(brain, "co_24h")) > 2400, 60, "the days are in the lake")
        first = rows_of(brain, "co_24h")["wuhan_city", parse_time("2014-01-01 00:00")]
        assert first == [2.43]  # the file says 2430 µg/m³
    finally:
        assert brain.stop() == 0
