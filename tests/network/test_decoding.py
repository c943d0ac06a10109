"""Frames as engineers write them, and what is sent: `zhiyin decode` and `zhiyin send`."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from zhiyin.network.decoding import decode_line, encode_line
from zhiyin.network.field_commands import decode, send
from zhiyin.network.frame import FrameFault
from zhiyin.network.protocols import wire

POSITION = (
    "7E0200002C0139123456780005000000000008000301D233A806CED410001A0131005C2607010815300104"
    "0001E2400302013630011F31010EAF7E"
)
BYTES = [POSITION[n : n + 2] for n in range(0, len(POSITION), 2)]
app = typer.Typer()
app.command()(decode)
app.command()(send)


@pytest.mark.parametrize(
    "written",
    [
        POSITION.lower(),
        "0x" + POSITION,
        " ".join(BYTES),
        "-".join(BYTES),
        ", ".join(f"0x{byte}" for byte in BYTES),
        "".join(f"\\x{byte}" for byte in BYTES),
        f'"{POSITION}",',
    ],
)
def test_hex_as_tools_write_it(written: str) -> None:
    assert decode_line(wire("jt808"), written)["address"] == "13912345678"


def test_hex_that_is_none_is_told_with_its_place() -> None:
    told = decode_line(wire("jt808"), "7E 02 zz")
    assert (told["ok"], told["reason"]) == (False, "malformed")
    assert "'z'" in told["detail"]


def test_a_file_of_windows_goes_on_behind_a_bad_frame(tmp_path: Path) -> None:
    lines = tmp_path / "frames.txt"
    lines.write_bytes(f"\ufeff{POSITION}\r\n\r\n7E7E\r\n{POSITION}\r\n".encode())
    done = CliRunner().invoke(app, ["decode", "jt808", str(lines)])
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["line"], one["ok"]) for one in told] == [(1, True), (3, False), (4, True)]
    assert done.exit_code == 1


def test_what_decode_prints_of_a_good_frame_is_sent_of_a_bad_one_not() -> None:
    protocol = wire("jt808")
    good = json.dumps(decode_line(protocol, POSITION))
    assert encode_line(protocol, good).hex().upper() == POSITION
    bad = json.dumps(decode_line(protocol, POSITION[:-4] + "007E"))
    with pytest.raises(FrameFault, match="checksum"):
        encode_line(protocol, bad)


@pytest.mark.parametrize("key", ["hj212", "sl651", "jt808", "gb26875"])
@pytest.mark.parametrize(
    "line",
    [
        '{"header": 1}',
        '{"header": {}, "fields": 5}',
        '{"header": {}, "fields": [1, null]}',
        '{"header": {"CN": "2011", "MN": "A", "Flag": []}, "fields": [{"name": "a", "value": {}}]}',
        '{"header": {"function": "32", "station": "4201050001"}, "fields": [{"name": 1}]}',
        '{"header": {"time": "2026-07-01 08:00:00", "source": "010000000000"},'
        ' "fields": [{"name": "type", "value": null}]}',
    ],
)
def test_json_that_is_no_frame_is_a_fault(key: str, line: str) -> None:
    with pytest.raises(FrameFault):
        encode_line(wire(key), line)


def test_json_a_thousand_deep_is_a_fault() -> None:
    done = CliRunner().invoke(app, ["send", "hj212"], input='{"header":' + "[" * 5000)
    assert done.exit_code == 1
    assert json.loads(done.stdout)["ok"] is False
