"""The packs of the house, the sample for new ones, and what is printed about them."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.pack.rooms import loader
from zhiyin.pack import Section, cli, schemas
from zhiyin.pack.faults import PacksRefused
from zhiyin.pack.new import SAMPLE, create

PACKS = Path(__file__).parents[2] / "packs"
SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schemas"
NAMED = {"station", "reading"}  # keys the author chooses, which may be anything
NAMES = sorted(one.parent.name for one in PACKS.glob("*/manifest.yaml"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr(cli, "loader", loader)
    return CliRunner(env={"COLUMNS": "200"})


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_is_in_order_and_checked_within_two_seconds(name: str) -> None:
    start = time.perf_counter()
    pack, findings = loader().load(PACKS / name)
    took = time.perf_counter() - start
    assert [one.text() for one in findings] == []
    assert pack is not None
    assert pack.key == name
    assert took < 2


def test_two_loads_give_the_same_digest_and_a_change_another(tmp_path: Path) -> None:
    folder = create("flow", tmp_path)
    one, two = loader().load(folder)[0], loader().load(folder)[0]
    assert one is not None
    assert two is not None
    assert one.digest == two.digest
    (folder / "README.md").write_text("other", "utf-8")
    other = loader().load(folder)[0]
    assert other is not None
    assert other.digest != one.digest


def test_needs_are_looked_up_and_only_when_declared(tmp_path: Path) -> None:
    create("weather", tmp_path)
    folder = create("flow", tmp_path)
    model = folder / "model.yaml"
    model.write_text(model.read_text("utf-8").replace("  station:", "  post:"), "utf-8")
    weather = tmp_path / "weather" / "model.yaml"
    assert "pack-016" in {one.code for one in loader().load(folder)[1]}
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text("utf-8") + "needs: {packs: [weather]}\n", "utf-8")
    assert "station" in weather.read_text("utf-8")
    pack, findings = loader().load(folder)
    assert findings == []
    assert pack is not None
    assert pack.book.property_unit("station", "reading") == "m"


@pytest.mark.parametrize("section", loader().sections.values(), ids=lambda one: one.stem)
def test_the_schema_of_each_file_is_up_to_date(section: Section) -> None:
    file = SCHEMAS / f"{section.stem}.json"
    assert file.read_text("utf-8") == schemas.schema_text(section), (
        "the schemas are stale; run `zhiyin pack schema docs/reference/schemas`"
    )


def test_every_yaml_file_names_its_schema() -> None:
    for file in PACKS.glob("*/*.yaml"):
        wanted = f"# yaml-language-server: $schema=../../docs/reference/schemas/{file.stem}.json"
        assert file.read_text("utf-8").startswith(wanted), file


def test_no_pack_file_is_longer_than_the_custom() -> None:
    for file in PACKS.glob("*/**/*.yaml"):
        assert len(file.read_text("utf-8").splitlines()) <= 200, file


LINES = [
    (file, number, found[1], found[2])
    for file in ("manifest.yaml", "cases.yaml", "model.yaml")
    for number, line in enumerate((SAMPLE / file).read_text("utf-8").splitlines())
    if (found := re.match(r"^( *(?:- )?)([a-z_]+):", line)) and found[2] not in NAMED
]


def _slip(key: str, kind: str, at: int, letter: str) -> str:
    at %= len(key)
    if kind == "insert":
        return key[:at] + letter + key[at:]
    if kind == "drop":
        return key[:at] + key[at + 1 :]
    return key[:at] + letter + key[at + 1 :]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    place=st.sampled_from(LINES),
    kind=st.sampled_from(["insert", "drop", "replace"]),
    at=st.integers(0, 20),
    letter=st.sampled_from("qxzj"),
)
def test_any_slip_in_a_key_is_found_with_its_line_and_the_nearest_key(
    packs: Path, place: tuple[str, int, str, str], kind: str, at: int, letter: str
) -> None:
    name, line, before, key = place
    slip = _slip(key, kind, at, letter)
    file = packs / "flow" / name
    text = file.read_text("utf-8")
    lines = text.splitlines()
    lines[line] = before + slip + lines[line].removeprefix(before + key)
    file.write_text("\n".join(lines), "utf-8")
    try:
        findings = loader().load(packs / "flow")[1]
    finally:
        file.write_text(text, "utf-8")
    unknown = [one for one in findings if one.code == "pack-003"]
    assert [(one.line, one.column) for one in unknown] == [(line + 1, len(before) + 1)]
    assert f"最接近的是“{key}”" in unknown[0].what.zh
    assert f'nearest known key is "{key}"' in unknown[0].what.en


def test_check_prints_place_code_and_both_languages(run: CliRunner, packs: Path) -> None:
    assert run.invoke(cli.app, ["check", "--packs", str(packs)]).exit_code == 0
    file = packs / "flow" / "manifest.yaml"
    file.write_text(file.read_text("utf-8").replace("grade:", "grad:"), "utf-8")
    shown = run.invoke(cli.app, ["check", "flow", "--packs", str(packs)])
    assert shown.exit_code == 1
    assert "packs/flow/manifest.yaml:11:1  pack-003\n  键“grad”" in shown.output
    only = run.invoke(cli.app, ["check", "--packs", str(packs), "--language", "en"])
    assert 'Key "grad" does not belong here' in only.output
    assert "键" not in only.output


def test_a_name_that_is_no_pack_is_refused(run: CliRunner, packs: Path) -> None:
    shown = run.invoke(cli.app, ["check", "flew", "--packs", str(packs)])
    assert shown.exit_code == 1
    assert "pack-022" in shown.output


def test_new_makes_a_pack_that_passes_and_refuses_a_second(run: CliRunner, tmp_path: Path) -> None:
    assert run.invoke(cli.app, ["new", "street_lamps", "--packs", str(tmp_path)]).exit_code == 0
    assert run.invoke(cli.app, ["check", "--packs", str(tmp_path)]).exit_code == 0
    again = run.invoke(cli.app, ["new", "street_lamps", "--packs", str(tmp_path)])
    assert again.exit_code == 1
    assert "pack-023" in again.output
    assert run.invoke(cli.app, ["new", "Bad-Name", "--packs", str(tmp_path)]).exit_code == 1


def test_list_shows_each_pack_with_its_rows_of_the_plan(run: CliRunner) -> None:
    shown = run.invoke(cli.app, ["list", "--packs", str(PACKS)])
    assert shown.exit_code == 0
    assert "flood_drainage" in shown.output
    assert "env-monitoring-network" in shown.output


def test_schema_writes_one_file_for_each_section(run: CliRunner, tmp_path: Path) -> None:
    assert run.invoke(cli.app, ["schema", str(tmp_path)]).exit_code == 0
    assert len(list(tmp_path.glob("*.json"))) == len(loader().sections)


def test_a_brain_does_not_start_with_a_pack_that_has_findings(packs: Path) -> None:
    assert [one.key for one in loader().require(packs)] == ["flow"]
    (packs / "flow" / "cases.yaml").write_text("cases: []\n", "utf-8")
    with pytest.raises(PacksRefused, match="pack-016"):
        loader().require(packs)
