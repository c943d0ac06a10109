"""The register's sheets and single devices: what is wrong is told by line and by name."""

from typing import Any

import msgspec
import pytest

from tests.network.pull.test_files import workbook
from zhiyin.network import devices
from zhiyin.network.devices import CalibrationIn, DeviceIn, WrongDevice, device_of, read_sheet

HEADER = ["id", "type", " Note ", "state"]


def test_lines_are_those_of_the_spreadsheet() -> None:
    text = '\ufeffid,type, Note ,state\n\na,x,"two\nlines",normal\n,,,\nb,x,,,over\n'
    table = read_sheet(text.encode())
    assert [(line, row["id"], row[""]) for line, row in table.rows] == [
        (3, "a", ""),
        (6, "b", "over"),
    ]
    assert table.unknown == ["Note"]
    rows: list[list[Any]] = [
        ["", "", "", ""],
        HEADER,
        ["a", "x", "", ""],
        ["", "", "", ""],
        ["b", "x", 1.0, ""],
    ]
    found = read_sheet(workbook(rows))
    assert [(line, row["id"], row["Note"]) for line, row in found.rows] == [
        (3, "a", ""),
        (5, "b", "1"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"address": "9" * 129}, {"key": "a\0b"}, {"firmware": "x" * 101}]
    + [{"every": every} for every in ("-5min", "0s", "soon", "nanmin", "1e9d")],
    ids=str,
)
def test_what_the_store_cannot_hold_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongDevice) as refused:
        device_of(DeviceIn(id="d", type="x", **wrong), {})
    assert refused.value.fields["name"] in wrong


def test_a_calibration_is_at_a_time_of_the_calendar() -> None:
    good = {"at": 1, "by": "x", "result": "passed"}
    assert msgspec.convert(good, CalibrationIn).at == 1
    for wrong in ({"at": 10**20}, {"at": -1}, {"due": 10**15}, {"result": "x" * 17}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({**good, **wrong}, CalibrationIn)


def test_an_order_waits_for_a_span_of_time() -> None:
    assert devices.read_span("d", "within", "2s") == 2000
    for wrong in ("never", "-1s", "0s"):
        with pytest.raises(WrongDevice):
            devices.read_span("d", "within", wrong)


def test_what_is_exported_can_be_imported() -> None:
    text = devices.sheet(
        [{"id": "a", "type": "x", "state": "normal"}], (*devices.COLUMNS, *devices.TOLD)
    )
    assert read_sheet(text.encode()).unknown == []
