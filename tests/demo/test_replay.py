"""A file goes through the front door once, whole, and nothing of it is lost silently."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.fakes.front_door import FrontDoor, front_door
from tests.shared_data import shared
from zhiyin.kernel import HOUR, ManualClock, parse_time
from zhiyin.network.mapping import (
    MappingUnreadable,
    MappingWrong,
    PropertyNotInModel,
    UnitsDoNotFit,
)
from zhiyin.network.replay import Options, Report, replay
from zhiyin.network.replay_command import command
from zhiyin.network.replay_faults import BatchRefused, FileChanged, ServerAway, UnitTrap
from zhiyin.network.replay_rows import ColumnsMissing, ColumnsUnspoken

HERE = Path(__file__).parent
MAPPINGS = HERE.parents[1] / "packs" / "eco_environment" / "mappings"
MAPPING = """\
mapping: test
title: {zh-CN: 试, en: test}
type: air_station
every: 1h
thing: {column: station, values: {甲: air_a, 乙: air_b}}
time: {columns: [day, hour], format: "%Y%m%d %H"}
columns:
  CO: {property: co, unit: mg/m³}
  PM: {property: pm25}
ignore: [note]
"""
HEAD = "day,hour,station,CO,PM,note\n"


class World:
    """A folder with a file, a mapping and a front door."""

    def __init__(self, folder: Path, door: FrontDoor) -> None:
        self.folder, self.door = folder, door
        self.waits: list[float] = []
        self.clock = ManualClock(parse_time("2026-11-23 14:00"))

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.advance(round(seconds * 1000))

    def options(self, rows: str, mapping: str = MAPPING, **more: Any) -> Options:
        file, about = self.folder / "old.csv", self.folder / "test.yaml"
        file.write_text(rows, "utf-8")
        about.write_text(mapping, "utf-8")
        told = {"file": file, "mapping": about, "to": self.door.url, "model": HERE / "model.yaml"}
        return Options(**{**told, "retry_ms": 1, **more})

    def replay(self, rows: str, mapping: str = MAPPING, **more: Any) -> Report:
        return self.again(self.options(rows, mapping, **more))

    def again(self, options: Options) -> Report:
        return replay(options, clock=self.clock, pause=self.pause)

    def apart(self) -> list[dict[str, Any]]:
        lines = (self.folder / "old.csv.quarantine.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def world(tmp_path: Path) -> Any:
    with front_door() as door:
        yield World(tmp_path, door)


def hours(count: int) -> str:
    return HEAD + "".join(f"20200402,{hour:02d},甲,0.{hour},3{hour},x\n" for hour in range(count))


def test_rows_become_observations_in_the_unit_of_the_property(world: World) -> None:
    mapping = MAPPING.replace("unit: mg/m³", "unit: µg/m³")
    world.replay(HEAD + "20200402,08,甲,700,35,x\n", mapping)
    time = parse_time("2020-04-02 08:00")
    assert world.door.rows == [
        {"thing": "air_a", "property": "co", "time": time, "value": 0.7},
        {"thing": "air_a", "property": "pm25", "time": time, "value": 35.0},
    ]
    assert world.door.requests[0][0] == "/api/v1/observations?mode=history"


def test_what_cannot_be_read_is_kept_apart_with_line_and_reason_and_counted(world: World) -> None:
    rows = (
        HEAD + "20200402,08,甲,0.7,35,x\n" + "20200402,25,甲,0.7,35,x\n"
        "20200402,09,丙,0.7,35,x\n" + "20200402,09,甲,0.7,3x5,x\n" + "20200402,10,甲,0.7\n"
        '20200402,11,乙,0.7,inf,"two\nlines"\n' + "20200402,08,甲,0.8,35,x\n"
    )
    report = world.replay(rows)
    said = [(one["line"], [why["code"] for why in one["reasons"]]) for one in world.apart()]
    assert said == [
        (3, ["time"]),
        (4, ["thing"]),
        (5, ["number"]),
        (6, ["columns"]),
        (8, ["number"]),
        (9, ["conflict"]),
    ]
    read = report.read
    assert read.apart == 6
    assert read.cells == read.observations + read.missing + read.duplicates + read.apart_cells
    assert report.sent == read.observations == len(world.door.rows) == 4


def test_missing_values_gaps_and_duplicates_are_counted(world: World) -> None:
    rows = HEAD + "20200402,08,甲,-,35,\n20200402,11,甲,NaN,36,\n20200402,11,甲,NaN,36,\n"
    read = world.replay(rows).read
    assert (read.missing, read.gaps, read.duplicates, read.observations) == (3, 2, 1, 2)


def test_a_second_run_sends_the_same_keys_and_changes_nothing(world: World) -> None:
    options = world.options(hours(10), batch=4)
    world.again(options)
    keys, rows = [key for _, key, _ in world.door.requests], list(world.door.rows)
    world.again(options)
    assert [key for _, key, _ in world.door.requests] == keys * 2
    assert world.door.rows == rows
    assert len(rows) == 20


def test_an_interrupted_run_goes_on_where_it_stopped(world: World) -> None:
    options = world.options(hours(10), batch=4)
    world.door.closed_after = 2
    with pytest.raises(BatchRefused, match="from line 6"):
        world.again(options)
    world.door.closed_after = None
    report = world.again(options)
    assert [count for _, _, count in world.door.requests] == [4] * 5
    assert (report.sent, report.resumed, report.accepted) == (20, 8, 20)
    assert not (world.folder / "old.csv.position.json").exists()


def test_a_file_that_changed_since_the_interruption_is_not_mixed(world: World) -> None:
    world.door.closed_after = 2
    with pytest.raises(BatchRefused):
        world.replay(hours(10), batch=4)
    with pytest.raises(FileChanged):
        world.replay(hours(10).replace("0.0", "0.5"), batch=4)


def test_busy_and_broken_answers_are_retried_with_the_same_key(tmp_path: Path) -> None:
    with front_door(busy=0.3, broken=0.3) as door:
        world = World(tmp_path, door)
        report = world.replay(hours(24), batch=2)
    assert len(door.rows) == report.sent == report.accepted == 48
    assert report.retries == door.refused + door.broke > 3


def test_patience_ends_and_says_how_to_go_on(world: World) -> None:
    world.door.busy = 1.0
    with pytest.raises(ServerAway, match="0 observations are in") as fault:
        world.replay(hours(3), patience=5)
    assert "接着送" in fault.value.text("zh")
    assert 5 <= sum(world.waits) < 12


def test_an_unstated_unit_that_cannot_be_is_a_trap(world: World) -> None:
    rows = HEAD + "20200402,08,甲,700,35,x\n20200402,09,甲,900,35,x\n"
    unstated = MAPPING.replace(", unit: mg/m³", "")
    with pytest.raises(UnitTrap, match=r"100% of column “CO” .* looks like µg/m³"):
        world.replay(rows, unstated)
    assert world.door.requests == []
    stated = world.replay(rows)
    assert stated.sent == 4
    assert "CO" in stated.warnings[0]


def test_shifted_times_keep_their_distance_and_wait_for_their_turn(world: World) -> None:
    report = world.replay(hours(4), shift_to="now", speed=60.0)
    start = parse_time("2026-11-23 14:00")
    times = sorted({row["time"] for row in world.door.rows})
    assert times == [start + hour * HOUR // 60 for hour in range(4)]
    assert world.clock.now() >= times[-1]
    assert world.door.requests[0][0] == "/api/v1/observations"
    assert report.last == "2026-11-23T06:03:00.000Z"


def test_a_dry_run_reads_everything_and_sends_nothing(world: World) -> None:
    report = world.replay(hours(4), dry_run=True)
    assert (report.read.observations, report.sent, world.door.requests) == (8, 0, [])


@pytest.mark.parametrize(
    ("change", "fault", "says"),
    [
        (("type:", "typ:"), MappingWrong, "typ"),
        (("unit: mg/m³", "unit: 3"), MappingWrong, r"test\.yaml:8:22: .*`int`"),
        (("every: 1h", "every: often"), MappingWrong, "often"),
        (("unit: mg/m³", "unit: m"), UnitsDoNotFit, r"test\.yaml:8:3.*mg/m³"),
        (("property: co", "property: cox"), PropertyNotInModel, r"test\.yaml:8:3.*so2, no2, co"),
        (("thing: {", "thing: {{"), MappingUnreadable, r"test\.yaml:\d+:\d+"),
        (("  CO:", "  KO:"), ColumnsMissing, "KO"),
        (("ignore: [note]", ""), ColumnsUnspoken, "note"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(
    world: World, change: tuple[str, str], fault: type[Exception], says: str
) -> None:
    with pytest.raises(fault, match=says):
        world.replay(hours(1), MAPPING.replace(*change))


def test_the_hourly_file_of_2020_comes_in_as_it_is(world: World) -> None:
    file = shared("wuhan-air-hourly-stations-2020") / "wuhan.csv"
    about = MAPPINGS / "wuhan-air-hourly.yaml"
    told: dict[str, Any] = {"mapping": about, "model": HERE / "model.yaml", "side": world.folder}
    report = world.again(Options(file=file, to=world.door.url, **told))
    read = report.read
    stations = {row["thing"] for row in world.door.rows}
    assert (read.rows, read.apart, len(stations)) == (1078, 0, 10)  # one station was down all week
    assert read.duplicates + read.missing + read.observations == read.cells == 1078 * 6
    assert len(world.door.rows) == read.observations == 5555
    assert max(row["value"] for row in world.door.rows if row["property"] == "co") < 10


def test_the_daily_file_comes_in_with_its_unit_stated_and_is_a_trap_without(
    world: World,
) -> None:
    file = shared("wuhan-air-daily-2014-2021") / "wuhan.csv"
    stated = MAPPINGS / "wuhan-air-daily.yaml"
    unstated = world.folder / "unstated.yaml"
    text = stated.read_text("utf-8").replace(
        "{property: co_24h, unit: µg/m³}", "{property: co_24h}"
    )
    unstated.write_text(text, "utf-8")
    told: dict[str, Any] = {"file": file, "to": world.door.url, "model": HERE / "model.yaml"}
    told["side"] = world.folder
    with pytest.raises(UnitTrap, match="CO"):
        world.again(Options(mapping=unstated, **told))
    report = world.again(Options(mapping=stated, **told))
    carbon = [row["value"] for row in world.door.rows if row["property"] == "co_24h"]
    assert (report.read.rows, report.read.apart) == (2677, 0)
    assert carbon[0] == 2.43


def test_the_command_prints_the_report_and_a_fault_in_both_languages(world: World) -> None:
    app = typer.Typer()
    app.command()(command)
    options = world.options(hours(2))
    words = [str(options.file), "--mapping", str(options.mapping), "--to", options.to]
    done = CliRunner().invoke(app, [*words, "--model", str(options.model)])
    assert done.exit_code == 0
    assert "已送 sent                       4" in done.output
    wrong = CliRunner().invoke(app, [*words, "--model", str(options.mapping)])
    assert wrong.exit_code == 1
    assert "之一" in wrong.output or "there are" in wrong.output
