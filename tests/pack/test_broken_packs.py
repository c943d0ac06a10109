"""Broken packs, each with the exact place and code of what is found."""

from pathlib import Path

import pytest

from tests.pack.conftest import Broken
from tests.pack.rooms import loader
from zhiyin.pack.reading import MOST_BYTES

# file, text to change, changed text, [(code, line, column)] of the same file
CASES = [
    ("manifest.yaml", "pack: flow ", "pack: flew ", [("pack-009", 2, 7)]),
    ("manifest.yaml", "summary:", "sumary:", [("pack-003", 4, 1), ("pack-004", 2, 1)]),
    ("manifest.yaml", "grade: draft", "grade: drafty", [("pack-012", 11, 8)]),
    ("manifest.yaml", ", en: New scenario", "", [("pack-010", 3, 8)]),
    ("manifest.yaml", "en: New scenario", 'en: ""', [("pack-010", 3, 24)]),
    ("manifest.yaml", 'version: "0.1.0"', "version: 0.1", [("pack-005", 5, 10)]),
    ("manifest.yaml", 'zhiyin: ">=0.1,<0.2"', 'zhiyin: ">=99"', [("pack-013", 6, 9)]),
    ("manifest.yaml", 'zhiyin: ">=0.1,<0.2"', "zhiyin: new", [("pack-012", 6, 9)]),
    ("manifest.yaml", "grade: draft", "grade: draft\nneeds: {packs: [rain]}", [("pack-011", 12, 16)]),
    ("manifest.yaml", 'owners: ["@someone"]', "owners: []", [("pack-012", 8, 9)]),
    ("manifest.yaml", "grade: draft", "grade: draft\ngrade: pilot", [("pack-002", 12, 1)]),
    ("manifest.yaml", "personal: false", "personal: no", [("pack-005", 10, 18)]),
    ("model.yaml", "unit: m,", "unit: mm³³,", [("lake-002", 7, 62)]),
    ("model.yaml", "range: [0, 10]", "range: [10, 0]", [("lake-001", 7, 72)]),
    ("model.yaml", "range: [0, 10]", "range: [0]", [("pack-012", 7, 72)]),
    ("model.yaml", "every: 1min", "every: 1 minute", [("pack-012", 7, 88)]),
    ("model.yaml", "  station:", "  Station-1:", [("pack-012", 3, 3)]),
    ("model.yaml", "{address: text}", "{address: &x text, other: *x}", [("pack-007", 5, 23)]),
    ("model.yaml", "{address: text}", "{address: [text}", [("pack-001", 5, 28)]),
    ("model.yaml", "{address: text}", "{address: !!python/name text}", [("pack-001", 5, 23)]),
    ("devices.yaml", "for: station", "for: stations", [("pack-016", 3, 25), ("pack-016", 3, 58)]),
    ("devices.yaml", "by: mqtt", "by: mqqt", [("pack-012", 3, 38)]),
    ("elements.yaml", "precision_m: 1000", "precision_m: 0", [("pack-012", 3, 74)]),
    ("elements.yaml", "[114.22, 30.55]", "[30.55, 114.22]", [("pack-012", 3, 52)]),
    ("elements.yaml", "address: 待填", "adress: 待填", [("atlas-001", 4, 54)]),
    ("elements.yaml", "type: station", "type: statio", [("pack-016", 3, 30)]),
    ("indicators.yaml", "unit: m,", "unit: kg,", [("vitals-001", 3, 81)]),
    ("indicators.yaml", "of: station.reading", "of: station.raeding", [("pack-016", 3, 88)]),
    ("rules.yaml", "opens: {orange: sample", "opens: {orange: simple", None),
    ("rules.yaml", "orange: flow_case", "orange: flow_csae", [("pack-016", 8, 21)]),
    ("cases.yaml", "calendar: hours", "calendar: days", [("command-004", 6, 12)]),
    ("cases.yaml", "calendar: hours", "steps: [close, check]\n    calendar: hours", [("command-002", 7, 12)]),
    ("cases.yaml", "valid_from: 2026-01-01", "valid_from: soon", [("pack-012", 9, 17)]),
    ("stories.yaml", "flow_1.reading", "flow_2.reading", [("pack-016", 4, 13)]),
    ("stories.yaml", '"02:00", 0.2 m', '"02:00", 0.2 kg', [("pack-020", 4, 42)]),
    ("stories.yaml", '["02:02", 0.2 m]', '["01:02", 0.2 m]', [("pack-021", 4, 71)]),
    ("demo.yaml", "property: reading", "property: radiing", [("pack-016", 7, 33)]),
    ("words/en.yaml", "greeting: Hello", "greting: Hello", [("pack-010", 1, 1)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "wanted"),
    [one for one in CASES if one[3]],
    ids=[f"{file}-{new[:24]}" for file, _, new, wanted in CASES if wanted],
)
def test_a_broken_pack_is_found_out_at_its_place(
    broken: Broken, file: str, old: str, new: str, wanted: list[tuple[str, int, int]]
) -> None:
    findings = broken({file: (old, new)})
    here = [one for one in findings if one.file == f"packs/flow/{file}"]
    assert sorted((one.code, one.line, one.column) for one in here) == sorted(wanted)
    for one in findings:
        assert "{" not in one.what.zh.replace("{zh-CN", "") or "{" in new
        assert one.what.zh
        assert one.do.en


def test_all_findings_come_at_once_sorted_by_file_and_line(broken: Broken) -> None:
    findings = broken(
        {
            "model.yaml": ("unit: m,", "unti: m,"),
            "manifest.yaml": ("grade: draft", "grad: draft"),
            "cases.yaml": ("limit: 4h", "limit: four"),
        }
    )
    places = [(one.file, one.line, one.column) for one in findings]
    assert places == sorted(places)
    assert {one.file.split("/")[-1] for one in findings} == {
        "cases.yaml", "manifest.yaml", "model.yaml",
    }  # fmt: skip


def test_a_rule_without_stories_is_found(broken: Broken) -> None:
    findings = broken({"stories.yaml": ("rule: flow_high", "rule: flow_low")})
    assert [one.code for one in findings if one.file.endswith("rules.yaml")] == ["pack-014"]


def test_a_rule_that_never_keeps_still_is_found(packs: Path) -> None:
    file = packs / "flow" / "stories.yaml"
    text = file.read_text("utf-8")
    head, _, rest = text.partition("  - story:")
    file.write_text(head + "  - story:" + rest.partition("  - story:")[2], "utf-8")
    findings = loader().load(packs / "flow")[1]
    assert [(one.code, one.line, one.column) for one in findings] == [("pack-015", 3, 11)]


def test_a_file_nobody_knows_is_found_with_the_nearest_name(packs: Path) -> None:
    (packs / "flow" / "rule.yaml").write_text("rules: []", "utf-8")
    findings = loader().load(packs / "flow")[1]
    assert [(one.file, one.line, one.code) for one in findings] == [
        ("packs/flow/rule.yaml", 1, "pack-008")
    ]
    assert "rules.yaml" in findings[0].what.zh


def test_a_pack_without_its_readme_or_manifest_is_found(packs: Path) -> None:
    (packs / "flow" / "README.md").unlink()
    (packs / "flow" / "manifest.yaml").unlink()
    findings = loader().load(packs / "flow")[1]
    assert [one.code for one in findings] == ["pack-017", "pack-017"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a: \xff\xfe", "pack-001"),
        (b"# " + b"x" * MOST_BYTES, "pack-006"),
        (b"[" * 5_000, "pack-006"),
        (b"a: " + b"[" * 60 + b"]" * 60, "pack-006"),
        (b"", "pack-005"),
        (b"types: {}\n---\ntypes: {}", "pack-001"),
        (b"? [a]\n: 1", "pack-001"),
        (b"types: .nan", "pack-005"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]", "pack-007"),
    ],
)
def test_a_hostile_file_is_refused(packs: Path, content: bytes, code: str) -> None:
    (packs / "flow" / "model.yaml").write_bytes(content)
    findings = loader().load(packs / "flow")[1]
    assert code in {one.code for one in findings}
