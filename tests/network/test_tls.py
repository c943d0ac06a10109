"""TLS on the gateways: who a device is by its certificate, and handshakes that come to nothing."""

import functools
import json
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from tests.brains import RunningBrain, until
from tests.network.authority import Authority, Given
from tests.network.test_gateways import HJ212, Wire, frame, new_site, now
from tests.rooms import figure, kept, stored
from zhiyin.network.directory import Directory
from zhiyin.network.model import Device
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.secure import Certificate, Proof, proof_of

FIRST = 4.0  # seconds


class Installation:
    """A brain with TLS, its CA, and the files it reads."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority(folder / "ca")
        self.certificate, self.key = folder / "own.pem", folder / "own.key"
        self.first = self.ca.give("localhost", days=12.5, server=True)
        self.install(self.first)
        self.brain = RunningBrain(
            folder / "brain",
            {
                "gateways": {"first": f"{FIRST}s"},
                "tls": {
                    "on": ["hj212"], "certificate": str(self.certificate), "key": str(self.key),
                    "client_ca": str(self.ca.file), "hj212": 0,
                },
            },
        )  # fmt: skip

    def install(self, given: Given) -> None:
        """Put a certificate where the gateway reads it, the key first."""
        for file, content in ((self.key, given.key), (self.certificate, given.certificate)):
            fresh = file.with_suffix(".new")
            shutil.copy(content, fresh)
            fresh.rename(file)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = str(self.brain.address["tls"]["hj212"]).rpartition(":")
        return host, int(port)

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = next(
            one["tls"] for one in self.brain.get("/gateways") if one["gateway"] == "hj212"
        )
        return found

    def refused(self, why: str) -> float:
        page = httpx.get(f"{self.brain.url}/metrics", trust_env=False).text
        return figure(page, "zhiyin_gateway_tls_refused_total", gateway="hj212", why=why)


class Secure(Wire):
    """A device's end of a connection with TLS."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        plain = socket.create_connection(address, timeout=10)
        self._socket = context.wrap_socket(plain, server_hostname="localhost")

    @property
    def serial(self) -> int:
        assert isinstance(self._socket, ssl.SSLSocket)
        return x509.load_der_x509_certificate(self._socket.getpeercert(True) or b"").serial_number


@contextmanager
def secured(home: Installation, own: Given | None) -> Iterator[Secure]:
    line = Secure(home.address, home.ca.client(own))
    try:
        yield line
    finally:
        line.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    one = Installation(tmp_path_factory.mktemp("tls"))
    try:
        one.brain.start()
        until(lambda: one.told()["listening"], 20, "the gateway listens for TLS")
        yield one
    finally:
        one.brain.stop()


def test_a_device_is_known_by_its_certificate(home: Installation) -> None:
    own = home.ca.give("dust-1")
    colons = ":".join(own.fingerprint[n : n + 2] for n in range(0, 64, 2)).upper()
    for certificate in (own.fingerprint, colons, "CN=dust-1", f"CN=dust-1, sha256:{colons}"):
        thing, mn = new_site(home.brain, certificate=certificate)
        with secured(home, own) as line:
            line.say(frame(mn, now(), 21))
            assert HJ212.decode(line.hear()).kind == "9014"
        assert [row["value"] for row in stored(home.brain, thing, 1, "dust_pm10")] == [21]


def test_anothers_certificate_is_refused_and_what_it_says_kept_apart(home: Installation) -> None:
    own, other = home.ca.give("dust-2"), home.ca.give("dust-3")
    for certificate, shown, word in (
        (own.fingerprint, other, other.fingerprint[:16]),
        ("CN=dust-2", other, "dust-3"),
        (f"{other.fingerprint}, CN=dust-2", other, "dust-3"),
    ):
        thing, mn = new_site(home.brain, certificate=certificate)
        with secured(home, shown) as line:
            line.say(frame(mn, now()))
            assert line.hear() == b""  # no answer, and the connection has ended
        (item,) = kept(home.brain, thing, reason="wrong_key")
        assert word in item["detail"]
        assert mn in item["raw"]["frame"]
        assert home.brain.get(f"/series/{thing}/dust_pm10/observations") == []


def test_a_device_with_a_certificate_is_not_heard_in_the_plain(home: Installation) -> None:
    thing, mn = new_site(home.brain, certificate=home.ca.give("dust-4").fingerprint)
    line = Wire(home.brain.gateway("hj212"))
    line.say(frame(mn, now()))
    assert line.hear() == b""
    line.close()
    (item,) = kept(home.brain, thing, reason="wrong_key")
    assert "shows none" in item["detail"]


def test_a_change_of_the_register_counts_for_open_connections(home: Installation) -> None:
    own, next_one = home.ca.give("dust-5"), home.ca.give("dust-5")
    thing, mn = new_site(home.brain, certificate=own.fingerprint)
    device = f"{home.brain.api}/devices/dust-{thing.removeprefix('site-')}"
    with secured(home, own) as line, secured(home, next_one) as later:
        line.say(frame(mn, now(), 1))
        line.hear()
        both = {"certificate": f"{own.fingerprint},{next_one.fingerprint}"}
        httpx.patch(device, json=both, trust_env=False, timeout=20).raise_for_status()
        later.say(frame(mn, now() + 1000, 2))
        later.hear()
        only = {"certificate": next_one.fingerprint}
        httpx.patch(device, json=only, trust_env=False, timeout=20).raise_for_status()
        line.say(frame(mn, now() + 2000, 3))
        assert line.hear() == b""
    assert [row["value"] for row in stored(home.brain, thing, 2, "dust_pm10")] == [1, 2]
    kept(home.brain, thing, reason="wrong_key")


def _refused(home: Installation, context: ssl.SSLContext) -> bool:
    """Connect and say something; True when the other side ends it without a word."""
    try:
        line = Secure(home.address, context)
        line.say(b"##0010nonsense\r\n")
        return line.hear() == b""
    except (ssl.SSLError, ConnectionError):
        return True


def test_handshakes_are_refused_counted_and_told_with_their_peer(home: Installation) -> None:
    stranger = Authority(home.certificate.parent / "other", "another authority")
    strange, expired = stranger.give("dust-9"), home.ca.give("dust-8", days=-3)
    cases = [
        ("expired", home.ca.client(expired)),
        ("unknown_ca", home.ca.client(strange)),
        ("no_certificate", home.ca.client()),
    ]

    def grown(why: str, before: float) -> bool:
        return home.refused(why) == before + 1

    for why, context in cases:
        before = home.refused(why)
        assert _refused(home, context)
        until(functools.partial(grown, why, before), 10, why)
    before = home.refused("no_tls")
    line = Wire(home.address)
    line.say(frame("4201050000000000000000AB", now()))
    while line.hear():  # an alert of TLS perhaps, then the end
        pass
    line.close()
    until(lambda: home.refused("no_tls") == before + 1, 10, "plain bytes")
    log = (home.brain.folder / "var" / "log" / "gateway.log").read_text(encoding="utf-8")
    told = [json.loads(row) for row in log.splitlines() if "TLS refused" in row]
    assert {(row["why"], row["peer"]) for row in told} >= {
        (why, "127.0.0.1") for why in ("expired", "unknown_ca", "no_certificate", "no_tls")
    }
    until(lambda: home.told()["refused"] >= 4, 10, "and the gateway tells of them")


def test_a_handshake_that_never_ends_is_ended(home: Installation) -> None:
    before, begun = home.refused("slow"), time.monotonic()
    lines = [socket.create_connection(home.address, timeout=20) for _ in range(20)]
    for line in lines[::2]:
        line.sendall(bytes.fromhex("16030102000100"))  # the beginning of a ClientHello
    own = home.ca.give("dust-6")
    thing, mn = new_site(home.brain, certificate=own.fingerprint)
    with secured(home, own) as served:
        served.say(frame(mn, now(), 5))
        assert HJ212.decode(served.hear()).kind == "9014"
    assert all(line.recv(100) == b"" for line in lines)
    assert time.monotonic() - begun < FIRST + 5
    until(lambda: home.refused("slow") == before + len(lines), 10, "each is counted")
    assert len(stored(home.brain, thing, 1, "dust_pm10")) == 1
    for line in lines:
        line.close()


def test_renewed_files_are_taken_without_a_restart(home: Installation) -> None:
    assert (home.told()["days_left"], home.told()["fault"]) == (12, "")
    log = home.brain.folder / "var" / "log" / "gateway.log"
    assert "certificate ends soon" in log.read_text(encoding="utf-8")
    with secured(home, home.ca.give("dust-7")) as line:
        assert line.serial == home.first.serial
    home.certificate.write_text("-----BEGIN CERTIFICATE-----\nnone\n")
    until(lambda: home.told()["fault"], 10, "the fault is told")
    with secured(home, home.ca.give("dust-7")) as line:  # by the one before
        assert line.serial == home.first.serial
    renewed = home.ca.give("localhost", days=90.5, server=True)
    home.install(renewed)
    until(lambda: home.told()["days_left"] == 90, 10, "the new one is read")
    with secured(home, home.ca.give("dust-7")) as line:
        assert line.serial == renewed.serial
    assert home.told()["fault"] == ""


def test_certificates_go_in_and_out_with_the_sheet(home: Installation) -> None:
    digest = "ab" * 32
    sheet = (
        "id,template,address,certificate\n"
        f'sheet-1,dust_monitor,42010500SHEET1,"{digest.upper()},CN=x"\n'
        "sheet-2,dust_monitor,42010500SHEET2,abc\n"
        f"sheet-3,dust_monitor,42010500SHEET3/part,{digest}\n"
    )
    answer = httpx.post(
        f"{home.brain.api}/devices/import", content=sheet.encode(), trust_env=False, timeout=20
    ).json()
    assert (answer["added"], [row["line"] for row in answer["refused"]]) == (1, [3, 4])
    assert "certificate" in answer["refused"][0]["problem"]["en"]
    assert home.brain.get("/devices/sheet-1")["certificate"] == f"{digest}, CN=x"
    exported = httpx.get(f"{home.brain.api}/devices.csv", trust_env=False).text
    assert f'"{digest}, CN=x"' in exported


def test_proofs_hold_by_kind() -> None:
    shown = Certificate("ab" * 32, "dust", 0.0)
    assert proof_of("") == Proof()
    assert proof_of(f"{'cd' * 32}, {'ab' * 32}").trouble(shown) == ""
    assert proof_of(f"CN=other,{'ab' * 32}").trouble(shown)
    assert proof_of("CN=dust").trouble(None)
    for wrong in ("abc", "CN=", "ab" * 31, "md5:" + "ab" * 16):
        with pytest.raises(ValueError, match=wrong[:6]):
            proof_of(wrong)


def test_a_template_may_require_a_certificate() -> None:
    def template(key: str, certificate: str) -> DeviceTemplate:
        return DeviceTemplate(
            device=key, for_="site", by="hj212", properties=("noise",), every="5min",
            certificate="required" if certificate else "",
        )  # fmt: skip

    templates = {"strict": template("strict", "required"), "free": template("free", "")}
    devices = [
        Device(id=name, type="site", thing=name, template=kind, gateway="hj212", address=address,
               certificate=certificate)
        for name, kind, address, certificate in (
            ("a", "strict", "A", "CN=a"), ("b", "strict", "B", ""), ("c", "free", "C", ""),
            ("d", "free", "D", "CN=d"), ("p", "strict", "C/1", ""), ("q", "strict", "D/1", ""),
        )
    ]  # fmt: skip
    directory = Directory("hj212", templates, {})
    assert not directory.guarded
    directory.load(devices)
    assert directory.guarded
    cn = {name: proof_of(f"CN={name}") for name in "ad"}
    assert (directory.proof("A"), directory.proof("D")) == (cn["a"], cn["d"])
    assert directory.proof("B") == directory.proof("C") == Proof()
    assert "requires" in Proof().trouble(Certificate("0" * 64, "b", 0.0))
    assert directory.proof("E") is None
