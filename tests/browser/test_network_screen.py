"""A device is connected on the workbench step by step; its first frame is read field by field."""

import socket
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.brains import RunningBrain, until
from zhiyin.kernel import ScaledClock, SystemClock, parse_time

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        find_spec("zhiyin.network.hj212") is None, reason="there is no HJ 212 gateway here"
    ),
]

MN = "4201050000000000000000A1"
# HJ 212-2017: real-time data of an air monitor.
FRAME = (
    b"##0226QN=20260701080000123;ST=22;CN=2011;PW=123456;MN=4201050000000000000000A1;Flag=5;"
    b"CP=&&DataTime=20260701080000;a34004-Rtd=45,a34004-Flag=N;a34002-Rtd=78,a34002-Flag=N;"
    b"a01001-Rtd=31.2,a01001-Flag=N;a01002-Rtd=66.0,a01002-Flag=N&&0140\r\n"
)
STRANGER = "4201050000000000000000B7"
SENT = "2026-07-01 08:00:05"  # the district's time when it comes in

MANIFEST = """\
pack: field_monitors
title: {zh-CN: 现场监测, en: Field monitors}
summary: {zh-CN: 经现场规约接入的扬尘监测点。, en: Dust monitors that speak a field protocol.}
version: "0.1.0"
zhiyin: ">=0.1,<0.2"
category: environment
owners: ["@zhiyin/field"]
lead: {zh-CN: 区生态环境分局, en: District environment branch}
needs: {gateways: [hj212]}
standards: ["HJ 212-2017"]
data: {personal: false, retention: 3y, share: open}
grade: draft
plan: []
"""
MODEL = """\
types:
  dust_site:
    title: {zh-CN: 扬尘监测点, en: Dust monitor}
    properties:
      pm25: {title: {zh-CN: 细颗粒物, en: PM2.5}, unit: µg/m³, range: [0, 1000], every: 1min}
      pm10: {title: {zh-CN: 可吸入颗粒物, en: PM10}, unit: µg/m³, range: [0, 2000], every: 1min}
"""
DEVICES = """\
devices:
  - device: dust_logger
    title: {zh-CN: 扬尘在线数采仪, en: Dust data logger}
    for: dust_site
    by: hj212
    properties: [pm25, pm10]
    every: 1min
    reads: {a34004-Rtd: pm25, a34002-Rtd: pm10}
"""


def write_pack(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, text in {
        "README.md": "# 现场监测\n",
        "manifest.yaml": MANIFEST,
        "model.yaml": MODEL,
        "devices.yaml": DEVICES,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBrain]:
    """A house whose clock runs from the moment at which the frame comes in."""
    folder = tmp_path_factory.mktemp("network")
    write_pack(folder / "packs" / "field_monitors")
    clock = ScaledClock(parse_time(SENT), SystemClock().now(), 1.0)
    brain = RunningBrain(
        folder,
        {
            "clock": str(clock),
            "packs": {"folder": str(folder / "packs")},
            "gateways": {"on": ["hj212"], "hj212": 0},
        },
    )
    brain.start()
    yield brain
    brain.stop()


@pytest.fixture(scope="module")
def gateway(brain: RunningBrain) -> tuple[str, int]:
    """Where the HJ 212 gateway listens."""
    told = until(
        lambda: [one for one in brain.get("/gateways") if one["port"]], what="the gateway reports"
    )
    return str(told[0]["host"]), int(told[0]["port"])


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1680, "height": 1000}, locale="zh-CN")
    page.set_default_timeout(30_000)
    yield page
    page.close()


def test_a_device_is_connected_step_by_step(
    page: Page, brain: RunningBrain, gateway: tuple[str, int]
) -> None:
    troubles: list[str] = []
    page.on("pageerror", lambda fault: troubles.append(str(fault)))
    page.goto(f"{brain.url}/bench?lang=zh-CN#/network")
    expect(page.locator('[data-testid="gateway"][data-gateway="hj212"]')).to_have_attribute(
        "data-state", "normal", timeout=30_000
    )
    page.get_by_test_id("connect").click()
    page.locator('[data-testid="template"][data-template="dust_logger"]').click()
    page.locator('input[name="id"]').fill("dust-01")
    page.locator('input[name="address"]').fill(MN)
    page.locator('input[name="key"]').fill("123456")
    page.get_by_test_id("register").click()

    # It says where the device has to connect, and waits.
    host, port = gateway
    expect(page.get_by_test_id("target")).to_contain_text(f"{host}:{port}", timeout=30_000)
    first = page.get_by_test_id("first-frame")
    expect(first).to_have_attribute("data-came", "false")
    with closing(socket.create_connection(gateway, timeout=10)) as device:
        device.sendall(FRAME)
        assert b"CN=9014" in device.recv(4096)  # it is answered once it is kept

        expect(first).to_have_attribute("data-came", "true", timeout=30_000)
        decoded = page.get_by_test_id("decoded")
        expect(decoded.locator("tr", has_text="a34004-Rtd")).to_contain_text("45")
        expect(decoded.locator("tr", has_text="a34004-Rtd")).to_contain_text("pm25")
        expect(decoded.locator("tr", has_text="a01002-Rtd")).to_contain_text("66")
        page.get_by_test_id("done").click()

    # On its page: its state, its latest values, the same frame.
    detail = page.get_by_test_id("device-detail")
    expect(detail).to_contain_text("正常")
    expect(detail.get_by_test_id("latest").filter(has_text="pm25")).to_contain_text("45")
    expect(detail.get_by_test_id("frame").first).to_contain_text(MN)
    row = page.locator('[data-testid="device-row"][data-id="dust-01"]')
    expect(row).to_have_attribute("data-state", "normal")
    assert brain.get("/devices/dust-01")["key"] is True  # that it has one, never which
    assert troubles == []


def test_a_stranger_is_registered_from_its_own_frame(
    page: Page, brain: RunningBrain, gateway: tuple[str, int]
) -> None:
    with closing(socket.create_connection(gateway, timeout=10)) as device:
        device.sendall(renamed(STRANGER))
        until(lambda: brain.get("/quarantine", reason="unknown_device")["total"], what="it is kept")
    page.goto(f"{brain.url}/bench?lang=zh-CN#/quarantine?reason=unknown_device")
    row = page.locator('[data-testid="quarantine-row"]').first
    row.locator("summary").click()
    row.get_by_role("link").click()
    page.locator('[data-testid="template"]').click()
    expect(page.locator('input[name="address"]')).to_have_value(STRANGER)
    page.get_by_test_id("register").click()

    # What it sent before is read now, and taken in when asked.
    expect(page.get_by_test_id("decoded")).to_contain_text("pm25", timeout=30_000)
    assert brain.get(f"/devices/{STRANGER}")["latest"] == {}
    page.get_by_test_id("take-kept").click()
    latest = until(lambda: brain.get(f"/devices/{STRANGER}")["latest"], what="its values")
    assert latest["pm25"]["value"] == 45
    assert brain.get("/quarantine", reason="unknown_device")["total"] == 0


def test_a_sheet_is_looked_at_before_it_is_taken(page: Page, brain: RunningBrain) -> None:
    page.goto(f"{brain.url}/bench?lang=zh-CN#/network")
    page.get_by_test_id("import").click()
    sheet = (
        "id,template,address\ndust-02,dust_logger,4201050000000000000000A2\n"
        "dust 3,dust_logger,\ndust-04,dust_loggr,\n"
    )
    page.get_by_test_id("import-file").set_input_files(
        {"name": "devices.csv", "mimeType": "text/csv", "buffer": sheet.encode()}
    )
    expect(page.get_by_test_id("import-told")).to_contain_text("将新登记 1 台")
    expect(page.get_by_test_id("import-refused")).to_have_count(2)
    expect(page.get_by_test_id("import-refused").last).to_contain_text("dust_logger")
    assert "dust-02" not in [one["id"] for one in brain.get("/devices")]
    page.get_by_test_id("import-yes").click()
    expect(page.get_by_test_id("import-told")).to_contain_text("已新登记 1 台")
    page.get_by_test_id("import-close").click()
    expect(page.locator('[data-testid="device-row"][data-id="dust-02"]')).to_be_visible()


def test_a_removed_device_can_be_brought_back(page: Page, brain: RunningBrain) -> None:
    page.goto(f"{brain.url}/bench?lang=zh-CN#/network?id=dust-02&tab=edit")
    page.get_by_test_id("remove").click()
    page.get_by_test_id("remove-yes").click()
    row = page.locator('[data-testid="device-row"][data-id="dust-02"]')
    expect(row).to_have_count(0)
    page.get_by_test_id("undo").click()
    expect(row).to_be_visible()
    assert brain.get("/devices/dust-02")["address"] == "4201050000000000000000A2"


def renamed(address: str) -> bytes:
    """Return the frame as another logger would send it."""
    segment = FRAME[6:-6].replace(MN.encode(), address.encode())
    return b"##%04d" % len(segment) + segment + check(segment) + b"\r\n"


def check(segment: bytes) -> bytes:
    """Return the CRC of HJ 212-2017 annex A as it is written."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return b"%04X" % register
