"""Broken packs, each with the exact place and code of what is found."""

from pathlib import Path

import pytest

from tests.pack.conftest import Broken
from tests.pack.rooms import loader
from zhiyin.pack.reading import MOST_BYTES

# file, text to change, changed text, [(code, the text that stands where the finding points)]
CASES = [
    ("manifest.yaml", "pack: flow ", "pack: flew ", [("pack-009", "flew")]),
    ("manifest.yaml", "summary:", "sumary:", [("pack-003", "sumary"), ("pack-004", "pack: flow")]),
    ("manifest.yaml", "grade: draft", "grade: drafty", [("pack-027", "drafty")]),
    ("manifest.yaml", ", en: New scenario", "", [("pack-010", "{zh-CN: 新场景")]),
    ("manifest.yaml", "en: New scenario", 'en: ""', [("pack-010", '""')]),
    ("manifest.yaml", 'version: "0.1.0"', "version: 0.1", [("pack-005", "0.1\n")]),
    ("manifest.yaml", '">=0.1,<0.2"', '">=99"', [("pack-013", '">=99"')]),
    ("manifest.yaml", '">=0.1,<0.2"', "new", [("pack-012", "new\n")]),
    ("manifest.yaml", "grade:", "needs: {packs: [rain]}\ngrade:", [("pack-011", "rain")]),
    ("manifest.yaml", '["@someone"]', "[]", [("pack-012", "[]")]),
    ("manifest.yaml", "grade:", "'grade': draft\ngrade:", [("pack-002", "grade: draft")]),
    ("manifest.yaml", "personal: false", "personal: no", [("pack-005", "no,")]),
    ("manifest.yaml", "grade: draft", "grade: [draft]", [("pack-005", "[draft]")]),
    ("model.yaml", "unit: m,", "unit: quux,", [("lake-002", "quux")]),
    ("model.yaml", "range: [0, 10]", "range: [10, 0]", [("lake-001", "[10, 0]")]),
    ("model.yaml", "range: [0, 10]", "range: [0]", [("pack-012", "[0]")]),
    ("model.yaml", "range: [0, 10]", "range: [0, .inf]", [("pack-026", ".inf")]),
    ("model.yaml", "range: [0, 10]", "range: [0, on]", [("pack-005", "on]")]),
    ("model.yaml", "every: 1min", "every: 1 minute", [("pack-012", "1 minute")]),
    ("model.yaml", "  station:", "  Station-1:", [("pack-012", "Station-1:")]),
    ("model.yaml", "{address: text}", "{address: choice}", [("lake-003", "choice")]),
    ("model.yaml", "text}", "&x text, other: *x}", [("pack-007", "&x text")]),
    ("model.yaml", "{address: text}", "{address: !!python/name text}", [("pack-001", "!!python")]),
    ("model.yaml", "{address: text}", "{address: [text}", [("pack-001", "}\n    properties")]),
    ("devices.yaml", "for: station", "for: quay", [("pack-016", "quay"), ("pack-016", "reading]")]),
    ("devices.yaml", "by: mqtt", "by: mqqt", [("pack-027", "mqqt")]),
    ("elements.yaml", "precision_m: 1000", "precision_m: 0", [("pack-026", "0,\n")]),
    ("elements.yaml", "[114.22, 30.55]", "[30.55, 114.22]", [("pack-026", "114.22")]),
    ("elements.yaml", "address: 待填", "adress: 待填", [("atlas-021", "待填")]),
    ("elements.yaml", "address: 待填", "address: 5", [("atlas-022", "5}")]),
    ("elements.yaml", "type: station", "type: statio", [("pack-016", "statio,")]),
    ("indicators.yaml", "unit: m,", "unit: kg,", [("vitals-001", "kg")]),
    ("indicators.yaml", "of: station.reading", "of: station.riding", [("pack-016", "station.r")]),
    ("indicators.yaml", "of: station.reading", 'of: "*"', [("vitals-002", '"*"')]),
    ("indicators.yaml", "band: [0, 1]", "band: [1, 0]", [("vitals-004", "[1, 0]")]),
    ("indicators.yaml", "how: max", "how: max, minus: address", [("vitals-003", "address")]),
    ("rules.yaml", "orange: flow_case", "orange: flow_csae", [("pack-016", "flow_csae")]),
    ("cases.yaml", "calendar: hours", "calendar: days", [("command-004", "4h")]),
    ("cases.yaml", "limit:", "steps: [close, check]\n    limit:", [("command-002", "[close, ch")]),
    ("cases.yaml", "limit:", "assist: [{zh-CN: 牵头部门, en: a}]\n    limit:",
     [("command-003", "{zh-CN: 牵头部门, en: a}")]),
    ("cases.yaml", "2026-01-01", "soon", [("pack-012", "soon")]),
    ("stories.yaml", "flow_1.reading", "flow_2.reading", [("pack-016", '[["02:00"')]),
    ("stories.yaml", "flow_1.reading", "flow_1.riding", [("pack-016", '[["02:00"')]),
    ("stories.yaml", "0.2 m]", "0.2 kg]", [("pack-020", "0.2 kg")]),
    ("stories.yaml", '"02:02"', '"01:02"', [("pack-021", '"01:02"')]),
    ("stories.yaml", "type: flow_case", "type: flew_case", [("pack-016", "flew_case")]),
    ("demo.yaml", "property: reading", "property: radiing", [("pack-016", "radiing")]),
    ("words/en.yaml", "greeting: Hello", "greting: Hello", [("pack-010", "greting")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "wanted"), CASES, ids=[f"{one[0]}-{one[2]}" for one in CASES]
)
def test_a_broken_pack_is_found_out_at_its_place(
    packs: Path, broken: Broken, file: str, old: str, new: str, wanted: list[tuple[str, str]]
) -> None:
    findings = broken({file: (old, new)})
    text = (packs / "flow" / file).read_text("utf-8")
    here = [one for one in findings if one.file == f"packs/flow/{file}"]
    assert sorted((one.code, one.line, one.column) for one in here) == sorted(
        (code, *_place(text, at)) for code, at in wanted
    )
    for one in findings:
        for sentence in (*one.what, *one.do):
            assert len(sentence) >= 5


def _place(text: str, at: str) -> tuple[int, int]:
    """Return line and column of where `at` first stands, past a comment in the first line."""
    start = text.index("\n") if text.startswith("#") else 0
    place = text.index(at, start)
    return text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)


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
        (b"[" * 5_000, "pack-025"),
        (b"a: " + b"[" * 60 + b"]" * 60, "pack-025"),
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


PULLS = """pulls:
  - pull: p
    title: {zh-CN: 试, en: t}
    every: 1min
    from: folder
    table: {mapping: MAPPING}
"""
COLUMNS = """mapping: gauge
title: {zh-CN: 试, en: test}
type: station
thing: {column: id}
time: {columns: [at], format: "%Y"}
columns: {x: {property: PROPERTY}}
"""
PAYLOAD = """payload: maker
title: {zh-CN: 试, en: test}
forms:
  - device: id
    values: {as: VALUES}
"""


@pytest.mark.parametrize(
    ("words", "file", "place", "code"),
    [
        (("guage", "reading", "object"), "pulls.yaml", (6, 13), "network-115"),
        (("gauge", "riding", "object"), "mappings/columns.yaml", (6, 11), "network-103"),
        (("gauge", "reading", "objects"), "mappings/payload.yaml", (5, 14), "network-102"),
        (("gauge", "reading, unit: K", "object"), "mappings/columns.yaml", (6, 11), "network-104"),
        (("maker", "reading", "object"), "pulls.yaml", (6, 13), "network-115"),
        (("gauge", "reading", "object"), "", (0, 0), ""),
    ],
    ids=str,
)
def test_mappings_and_who_names_them_are_checked_with_the_pack(
    packs: Path, words: tuple[str, str, str], file: str, place: tuple[int, int], code: str
) -> None:
    flow = packs / "flow"
    (flow / "mappings").mkdir()
    (flow / "pulls.yaml").write_text(PULLS.replace("MAPPING", words[0]), "utf-8")
    columns, payload = COLUMNS.replace("PROPERTY", words[1]), PAYLOAD.replace("VALUES", words[2])
    (flow / "mappings" / "columns.yaml").write_text(columns, "utf-8")
    (flow / "mappings" / "payload.yaml").write_text(payload, "utf-8")
    found = [(one.file, (one.line, one.column), one.code) for one in loader().load(flow)[1]]
    assert found == ([(f"packs/flow/{file}", place, code)] if file else [])
