"""`zhiyin send` against the gateways of a running brain, with frames and with decode's JSON."""

import json
import socket
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.brains import RunningBrain
from tests.network.test_gateways import frame, new_site, now
from zhiyin.network.field_commands import decode, send

app = typer.Typer()
app.command()(decode)
app.command()(send)

TIMED = (
    "7E7E014201050001123432002B020001260701080000F1F1420105000148F0F02607010800"
    "20190001252619001530392300021456381212360376C6"
)


def spoken(brain: RunningBrain, protocol: str, lines: str) -> tuple[Any, list[dict[str, Any]]]:
    host, port = brain.gateway(protocol)
    command = ["send", protocol, "--to", f"{host}:{port}", "--wait", "3"]
    done = CliRunner().invoke(app, command, input=lines)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return done, [one for one in told if "received" in one]


def test_a_frame_and_its_json_are_answered_alike(brain: RunningBrain) -> None:
    _, mn = new_site(brain)
    text = frame(mn, now()).decode().strip()
    shown = CliRunner().invoke(app, ["decode", "hj212"], input=text).stdout
    done, answers = spoken(brain, "hj212", f"{text}\r\n\r\n{shown}")
    assert done.exit_code == 0, done.output
    assert [one["kind"] for one in answers] == ["9014", "9014"]


def test_many_frames_are_all_answered(brain: RunningBrain) -> None:
    _, mn = new_site(brain)
    text = frame(mn, now()).decode().strip() + "\n"
    done, answers = spoken(brain, "hj212", text * 2000)
    assert done.exit_code == 0, done.output[-500:]
    assert len(answers) == 2000


def test_a_bad_json_line_is_told_and_the_others_go_out(brain: RunningBrain) -> None:
    _, mn = new_site(brain)
    text = frame(mn, now()).decode().strip()
    bad = CliRunner().invoke(app, ["decode", "hj212"], input=text[:-4] + "0000").stdout
    done, answers = spoken(brain, "hj212", f"{bad}{text}\n")
    assert done.exit_code == 1
    assert "checksum" in done.stdout.splitlines()[0]
    assert [one["kind"] for one in answers] == ["9014"]


@pytest.mark.parametrize("to", ["127.0.0.1:1", "nowhere.invalid:9212"])
def test_no_gateway_is_told_without_a_traceback(to: str) -> None:
    done = CliRunner().invoke(app, ["send", "hj212", "--to", to], input="##\n")
    assert (done.exit_code, type(done.exception)) == (2, SystemExit)


def test_a_line_that_is_cut_is_told_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        to = f"127.0.0.1:{server.getsockname()[1]}"
        server.close()
        done = CliRunner().invoke(app, ["send", "sl651", "--to", to], input=TIMED)
    assert (done.exit_code, type(done.exception)) == (2, SystemExit)
