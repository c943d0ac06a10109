"""A brain that platforms push to, with a mapping and bound devices of a pack of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brains import ROOT, RunningBrain

MAPPING = """
payload: pump_maker
title: {zh-CN: 某水尺厂, en: A maker of gauges}
forms:
  - topics: ["maker/{device}/up"]
    when: {messageType: [dataReport]}
    device: topic
    time: {at: timestamp}
    values:
      as: bytes
      at: payload.APPdata
      layout: [{name: lvl, at: 2, as: u16}]
  - when: {messageType: [dataReport]}
    device: deviceId
    time: {at: timestamp}
    values:
      as: bytes
      at: payload.APPdata
      layout: [{name: lvl, at: 2, as: u16}]
names: {lvl: {property: depth, unit: mm}}
answer: {status: 200, body: {code: 0}}
"""
TABLE = """
mapping: gauges
title: {zh-CN: 水尺, en: gauges}
type: ponding_point
thing: {column: gauge}
time: {columns: [at], format: "%Y-%m-%dT%H:%M:%S%z"}
columns: {mm: {property: depth, unit: mm}}
"""
PULLS = """
pulls:
  - pull: gauges
    title: {zh-CN: 水尺文件, en: Files of gauges}
    every: 1s
    from: folder
    files: "*.csv"
    table: {mapping: gauges}
  - {pull: nowhere, title: {zh-CN: 无, en: none}, every: 1h, from: http, table: {mapping: gauges}}
"""
WATER = """
payload: water_office
title: {zh-CN: 水务局, en: Water office}
format: xml
forms:
  - each: Envelope.Body.report.station.[]
    device: "@id"
    time: {at: at, format: iso}
    values: {as: object}
names: {depth: {property: depth, unit: cm}}
others: ignore
"""
# The last key of the pack's file is `bound`.
BOUND = """\
  - {device: "IMEI-1", template: depth_gauge, thing: yingwu_underpass, renames: {wl: depth}}
"""


@pytest.fixture(scope="session")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBrain]:
    folder = tmp_path_factory.mktemp("fed")
    pack = folder / "packs" / "flood_drainage"
    shutil.copytree(ROOT / "packs" / "flood_drainage", pack)
    (pack / "mappings").mkdir()
    (pack / "mappings" / "pump_maker.yaml").write_text(MAPPING, "utf-8")
    (pack / "mappings" / "water_office.yaml").write_text(WATER, "utf-8")
    with (pack / "devices.yaml").open("a", encoding="utf-8") as file:
        file.write(BOUND)
    (pack / "mappings" / "gauges.yaml").write_text(TABLE, "utf-8")
    (pack / "pulls.yaml").write_text(PULLS, "utf-8")
    (folder / "inbox").mkdir()
    (folder / "secret").write_text("kept in a file\n", "utf-8")
    told = {
        "packs": {"folder": str(folder / "packs")},
        "observations": {"body_mib": 1, "text_bytes": 4096},
        "pull": {"gauges": {"url": str(folder / "inbox")}},
        "push": {
            "maker": {"mapping": "pump_maker", "secret": "s3cret", "sign": "hmac"},
            "onenet": {"mapping": "onenet", "secret": "0123456789"},
            "telecom": {"mapping": "ctwing", "secret": f"file:{folder / 'secret'}"},
            "gauges": {"mapping": "plain", "secret": "g", "sign": "bearer",
                       "templates": ["depth_gauge"]},
            "water": {"mapping": "water_office", "secret": "w", "sign": "bearer"},
            "anybody": {"mapping": "thingsboard", "open": True},
        },
    }  # fmt: skip
    running = RunningBrain(Path(folder) / "brain", told)
    try:
        yield running.start()
    finally:
        running.stop()
