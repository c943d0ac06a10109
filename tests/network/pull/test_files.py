"""Files of a folder and of a host over SFTP: each taken once, and none while it is unfinished."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.network.pull.conftest import MAPPING, Desk
from tests.network.pull.test_web import at, table
from zhiyin.kernel import MINUTE

ONE = """
pulls:
  - pull: p
    title: {zh-CN: 试, en: t}
    every: 1min
    from: folder
    files: "*.csv"
    table: {mapping: docks}
"""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


async def test_each_content_is_taken_once(desk: Desk, inbox: Path) -> None:
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    (inbox / "one.csv").write_bytes(table(("a", now, 1, 1)))
    (inbox / "two.csv.part").write_bytes(table(("a", now, 9, 9)))
    (inbox / ".hidden.csv").write_bytes(table(("a", now, 9, 9)))
    (inbox / "notes.txt").write_text("nothing")
    (inbox / "link.csv").symlink_to("/etc/passwd")
    runner = desk.runner(ONE, url=str(inbox))
    await runner.attempt("p")
    assert ((await desk.state()).result["files"], len(await desk.landed())) == (1, 2)
    await runner.attempt("p")
    assert (await desk.state()).result["unchanged"] is True
    (inbox / "one.csv").write_bytes(table(("a", now, 1, 1), ("a", now + MINUTE, 2, 2)))
    await desk.runner(ONE, url=str(inbox)).attempt("p")
    assert len(await desk.landed()) == 4


async def test_a_file_is_moved_when_it_is_in_and_stays_when_it_is_not(
    desk: Desk, inbox: Path
) -> None:
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    (inbox / "1-bad.csv").write_text("what,is,this\n1,2,3\n")
    (inbox / "2-good.csv").write_bytes(table(("a", now, 1, 1)))
    (inbox / "3-large.csv").write_bytes(b"x" * 1_100_000)
    (inbox / "done").mkdir()
    (inbox / "done" / "2-good.csv").write_text("of another day")
    text = ONE.replace('"*.csv"', '"*.csv"\n    done: move\n    limit_mib: 1')
    await desk.runner(text, url=str(inbox)).attempt("p")
    state = await desk.state()
    assert state.fault["code"] == "network-111"
    assert state.result["accepted"] == 2
    assert sorted(path.name for path in inbox.iterdir()) == ["1-bad.csv", "3-large.csv", "done"]
    assert len(list((inbox / "done").iterdir())) == 2
    assert (inbox / "done" / "2-good.csv").read_text() == "of another day"


async def test_a_folder_that_is_none(desk: Desk) -> None:
    for url in ("relative/path", "/nowhere/at/all"):
        await desk.runner(ONE, url=url).attempt("p")
        assert (await desk.state()).fault["code"] == "network-042"


async def test_geojson_and_json_by_path(desk: Desk, inbox: Path) -> None:
    desk.mapping(MAPPING.replace("{column: dock}", "{column: id}"))
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    feature = {"type": "Feature", "id": "a", "geometry": {"type": "Point", "coordinates": [1, 2]},
               "properties": {"at": at(now), "bikes": 3.0, "free": None, "other": []}}  # fmt: skip
    body = {"type": "FeatureCollection", "features": [feature, 7]}
    (inbox / "x.geojson").write_text(json.dumps(body))
    text = ONE.replace("*.csv", "*.geojson").replace("docks}", "docks, as: geojson}")
    await desk.runner(text, url=str(inbox)).attempt("p")
    assert [row[:4] for row in await desk.landed()] == [("a", "bikes", now, 3.0)]
    result = (await desk.state()).result
    assert (result["rows"], result["bad"], result["missing"]) == (2, 1, 1)


async def test_xml_by_path_with_attributes(desk: Desk, inbox: Path) -> None:
    desk.mapping(
        MAPPING.replace("{column: dock}", '{column: "@id"}').replace("free:", '"free.@n":')
    )
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    dock = f'<d:dock id="a"><d:at>{at(now)}</d:at><bikes u="1">3</bikes><free n="4"/></d:dock>'
    many = f'<feed xmlns:d="urn:d"><title>共享单车</title>{dock}<d:dock/></feed>'
    (inbox / "1.xml").write_bytes(f'<?xml version="1.0" encoding="GBK"?>{many}'.encode("gbk"))
    (inbox / "2.xml").write_text(f'<feed xmlns:d="urn:d">{dock.replace(">3<", ">5<")}</feed>')
    (inbox / "3.xml").write_text("<feed/>")
    text = ONE.replace("*.csv", "*.xml").replace("docks}", "docks, as: xml, at: feed.dock}")
    await desk.runner(text, url=str(inbox)).attempt("p")
    rows = [row[:4] for row in await desk.landed()]
    assert {row for row in rows if row[1] == "free"} == {("a", "free", now, 4.0)}
    assert {row[3] for row in rows if row[1] == "bikes"} == {3.0, 5.0}
    result = (await desk.state()).result
    assert (result["files"], result["rows"], result["bad"]) == (3, 3, 1)


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("geojson", b"[" * 100_000, "nested"),
        ("geojson", b'{"features": 7}', "FeatureCollection"),
        ("json", b'{"data": {}}', "no list of records"),
        ("json", b"\xff", "UTF-8"),
        ("xml, at: feed.x", b"<!DOCTYPE feed [<!ENTITY e 'x'>]><feed>&e;</feed>", "DTD"),
        ("xml, at: feed.x", b"<other/>", "'other', not as"),
        ("xml, at: feed.x, elements: 10", b"<feed>" + b"<x/>" * 10 + b"</feed>", "more than 10"),
        ("excel", b"PK\x03\x04 nonsense", "no workbook"),
        ("excel", b"", "no workbook"),
        ("csv", b'"never closed', "dock"),
    ],
)
async def test_a_file_of_another_kind_is_told(
    desk: Desk, inbox: Path, kind: str, body: bytes, says: str
) -> None:
    (inbox / "x.csv").write_bytes(body)
    text = ONE.replace("docks}", f"docks, as: {kind}}}")
    await desk.runner(text, url=str(inbox)).attempt("p")
    assert says in json.dumps((await desk.state()).fault)


def workbook(rows: list[list[Any]]) -> bytes:
    """Return the smallest workbook that a spreadsheet program would also open."""

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        return f"<c><v>{value}</v></c>"

    lines = "".join("<row>" + "".join(map(cell, row)) + "</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/s.xml"/>'
        "</Relationships>",
        "xl/worksheets/s.xml": f'<worksheet xmlns="{main}"><sheetData>{lines}</sheetData>'
        "</worksheet>",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return packed.getvalue()


async def test_a_workbook(desk: Desk, inbox: Path) -> None:
    await desk.register("a", "5")
    now = desk.clock.now() // MINUTE * MINUTE
    rows: list[list[Any]] = [
        ["dock", "at", "bikes", "free"],
        ["a", at(now), 3, 7.5],
        [5, at(now), 4, "x"],
    ]
    (inbox / "x.xlsx").write_bytes(workbook(rows))
    text = ONE.replace("*.csv", "*.xlsx").replace("docks}", "docks, as: excel, sheet: s}")
    await desk.runner(text, url=str(inbox)).attempt("p")
    assert [(row[0], row[1], row[3]) for row in await desk.landed()] == [
        ("5", "bikes", 4.0), ("a", "bikes", 3.0), ("a", "free", 7.5),
    ]  # fmt: skip
    assert (await desk.state()).result["bad"] == 1


FAR = ONE.replace("from: folder", "from: sftp")


@pytest.fixture
async def host(inbox: Path) -> AsyncIterator[dict[str, str]]:
    """A real SSH server that shows the folder; returns how it is reached."""
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("u", "pw")

    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Login, server_host_keys=[key],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(inbox.parent)),
    )  # fmt: skip
    port = server.sockets[0].getsockname()[1]
    public = key.export_public_key().decode().strip()
    yield {"url": f"sftp://127.0.0.1:{port}/in", "user": "u", "secret": "pw", "host_key": public}
    server.close()
    await asyncio.wait_for(server.wait_closed(), 5)


async def test_files_over_sftp_are_taken_once(
    desk: Desk, inbox: Path, host: dict[str, str]
) -> None:
    await desk.register("a")
    now = desk.clock.now() // MINUTE * MINUTE
    (inbox / "one.csv").write_bytes(table(("a", now, 1, 1)))
    (inbox / "two.csv.filepart").write_bytes(table(("a", now, 9, 9)))
    (inbox / "down.csv").mkdir()
    runner = desk.runner(FAR, **host)
    await runner.attempt("p")
    assert ((await desk.state()).fault, len(await desk.landed())) == ({}, 2)
    await runner.attempt("p")
    assert (await desk.state()).result["unchanged"] is True
    (inbox / "two.csv").write_bytes(table(("a", now + MINUTE, 2, 2)))
    await desk.runner(FAR.replace('"*.csv"', '"two*"\n    done: move'), **host).attempt("p")
    assert len(await desk.landed()) == 4
    assert (inbox / "done" / "two.csv").exists()


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"secret": "other"}, "network-041", "user or secret"),
        ({"host_key": "OTHER"}, "network-041", "its key is not host_key"),
        ({"host_key": ""}, "network-042", "host_key is missing"),
        ({"url": "sftp://127.0.0.1:9/in"}, "network-040", "Connect call"),
        ({"url": "http://127.0.0.1/in"}, "network-042", "sftp://"),
    ],
    ids=lambda part: str(part)[:20],
)
async def test_a_host_that_is_not_as_it_should(
    desk: Desk, host: dict[str, str], change: dict[str, str], code: str, says: str
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    change = {name: other if value == "OTHER" else value for name, value in change.items()}
    await desk.runner(FAR, **{**host, **change}).attempt("p")
    fault = (await desk.state()).fault
    assert fault["code"] == code
    assert says in json.dumps(fault)


async def test_a_folder_over_there_that_is_none(desk: Desk, host: dict[str, str]) -> None:
    await desk.runner(FAR, **{**host, "url": host["url"] + "/nowhere"}).attempt("p")
    assert (await desk.state()).fault["code"] == "network-041"
