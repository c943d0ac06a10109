"""TLS of the gateways: our own certificate as its files are now, and the certificates of devices.

A device of the register may have a certificate; what it says then counts only over a connection
that was opened with it. Who is known by which certificate is the register's word, whether the
certificate itself is good (issuer, dates) that of the handshake.
"""

import re
import ssl
import time
from pathlib import Path
from typing import Any, NamedTuple

import prometheus_client
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from zhiyin.cloud import TlsSettings
from zhiyin.kernel import CallerFault, Words, iso, parse_duration

log = structlog.get_logger()

DAY = 86_400.0  # seconds
PEERS = 1_000  # whose refused handshakes are remembered, so that each is told once a minute
_FINGERPRINT = re.compile(r"(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)

refused = prometheus_client.Counter(
    "zhiyin_gateway_tls_refused", "TLS connections that came to nothing", ["gateway", "why"]
)
days_left = prometheus_client.Gauge(
    "zhiyin_gateway_tls_days_left", "Days until the gateways' certificate ends",
    multiprocess_mode="max",
)  # fmt: skip


class TlsUnusable(CallerFault):
    """Certificate, key or CA of the gateways that cannot be used."""

    code = "network-048"
    what = Words("网关的 TLS 不能用:{reason}。", "The gateways' TLS cannot be used: {reason}.")
    do = Words(
        "改 zhiyin.toml 里的 [tls] 或那个文件;普通端口照常,改好即用,不必重启。",
        "Mend [tls] in zhiyin.toml, or that file; plain ports serve on, and a mended file is taken"
        " without a restart.",
    )


class Certificate(NamedTuple):
    """The certificate a connection was opened with."""

    fingerprint: str  # SHA-256, hex
    name: str  # the subject's CN; empty when it has none or several
    until: float  # Unix time


class Proof(NamedTuple):
    """By which certificates a device is known: one of each kind that is named has to hold."""

    fingerprints: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def trouble(self, shown: Certificate | None) -> str:
        """Return why a connection is not the device's, empty when it is."""
        if shown is None:
            return "it has a certificate in the register, and this connection shows none"
        if not self.fingerprints and not self.names:
            return "its template requires a certificate, and the register has none for it"
        if self.fingerprints and shown.fingerprint not in self.fingerprints:
            return f"certificate {shown.fingerprint[:16]}… (CN {shown.name[:40]}) is another's"
        if self.names and shown.name not in self.names:
            return f"CN {shown.name[:64]!r} is another's"
        return ""


def proof_of(text: str) -> Proof:
    """Read `SHA-256 fingerprint, CN=name, …`; ValueError says which part is neither."""
    fingerprints, names = set(), set()
    for part in filter(None, (one.strip() for one in text.split(","))):
        found = _FINGERPRINT.fullmatch(part)
        if found:
            fingerprints.add(found[1].replace(":", "").lower())
        elif part[:3].upper() == "CN=" and part[3:].strip():
            names.add(part[3:].strip())
        else:
            raise ValueError(part)
    return Proof(frozenset(fingerprints), frozenset(names))


def certificate_of(channel: ssl.SSLObject | None) -> Certificate | None:
    """Return what the other side has shown; None over a plain connection, or when it has none."""
    raw = channel.getpeercert(binary_form=True) if channel is not None else None
    if not raw:
        return None
    read = x509.load_der_x509_certificate(raw)
    names = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if len(names) == 1 else ""
    return Certificate(read.fingerprint(SHA256()).hex(), name, read.not_valid_after_utc.timestamp())


class Credentials:
    """Our certificate, its key and the CA of devices, as their files are now."""

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._warn = parse_duration(settings.warn) / 1000
        self._seen: tuple[Any, ...] = ()
        self._told = 0.0
        self.context: ssl.SSLContext | None = None
        self.until = 0.0  # Unix time at which our certificate ends
        self.fault = ""

    def port(self, gateway: str) -> int:
        return int(getattr(self._settings, gateway))

    def look(self) -> None:
        """Take files that have changed; the ones before stay in use when these cannot be."""
        now = self._marks()
        if now != self._seen:
            self._seen = now
            try:
                self.context, self.until = self._read()
            except TlsUnusable as fault:
                self.fault = fault.text("en")
                log.warning("TLS files", fault=self.fault, in_use=self.context is not None)
            else:
                self.fault, self._told = "", 0.0
                log.info("TLS files read", until=iso(int(self.until * 1000)))
        self._warn_of_its_end()

    def _warn_of_its_end(self) -> None:
        if self.context is None:
            return
        left, now = self.days_left(), time.monotonic()
        days_left.set(left)
        if self.until - time.time() < self._warn and (not self._told or now - self._told > DAY):
            self._told = now
            log.warning("the gateways' certificate ends soon", days_left=left)

    def days_left(self) -> int:
        """Return whole days until our certificate ends, below zero when it has ended."""
        return int((self.until - time.time()) // DAY)

    def told(self) -> dict[str, Any]:
        if self.context is None:
            return {"until": None, "days_left": None, "fault": self.fault}
        until = iso(int(self.until * 1000))
        return {"until": until, "days_left": self.days_left(), "fault": self.fault}

    def _marks(self) -> tuple[Any, ...]:
        found: list[Any] = []
        for name in self._files().values():
            try:
                about = Path(name).stat()
                found.append((about.st_mtime_ns, about.st_size, about.st_ino))
            except OSError as fault:
                found.append(fault.errno)
        return tuple(found)

    def _files(self) -> dict[str, str]:
        told = self._settings
        files = {"tls.certificate": told.certificate, "tls.key": told.key}
        return {**files, "tls.client_ca": told.client_ca} if told.client_ca else files

    def _read(self) -> tuple[ssl.SSLContext, float]:
        for setting, name in self._files().items():
            if not name:
                raise TlsUnusable("zhiyin.toml", reason=f"{setting} names no file")
            try:
                Path(name).read_bytes()
            except OSError as fault:
                raise TlsUnusable(name, reason=f"{setting}: {fault.strerror}") from fault
        told = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # No handshake is cut short by an earlier one: each time the certificate is looked at.
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        context.num_tickets = 0
        try:
            context.load_cert_chain(told.certificate, told.key, password="")
            (own, *_) = x509.load_pem_x509_certificates(Path(told.certificate).read_bytes())
        except (ssl.SSLError, OSError, ValueError) as fault:
            reason = f"{told.certificate} and {told.key}: {fault}"
            raise TlsUnusable(told.certificate, reason=reason[:200]) from fault
        if told.client_ca:
            try:
                context.load_verify_locations(told.client_ca)
            except (ssl.SSLError, OSError) as fault:
                raise TlsUnusable(told.client_ca, reason=f"{told.client_ca}: {fault}") from fault
            context.verify_mode = ssl.CERT_REQUIRED
        return context, own.not_valid_after_utc.timestamp()


_VERIFY = {9: "not_yet", 10: "expired", 2: "unknown_ca", 18: "unknown_ca", 19: "unknown_ca",
           20: "unknown_ca", 21: "unknown_ca"}  # fmt: skip
_PLAIN = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL",
          "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"}  # fmt: skip


def why_refused(fault: BaseException) -> str:
    """Return in a word why a handshake came to nothing."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return _VERIFY.get(fault.verify_code, "bad_certificate")
    if isinstance(fault, ssl.SSLError):
        reason = str(getattr(fault, "reason", ""))
        if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
            return "no_certificate"
        return "no_tls" if reason in _PLAIN else "other"
    if isinstance(fault, ConnectionAbortedError | TimeoutError):
        return "slow"
    return "gone"


class Refusals:
    """Handshakes that came to nothing: all counted, each peer's told once a minute."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._last: dict[tuple[str, str], float] = {}
        self.count = 0

    def note(self, why: str, host: str, detail: str) -> None:
        self.count += 1
        refused.labels(self._gateway, why).inc()
        now = time.monotonic()
        if now - self._last.get((host, why), -60.0) < 60:
            return
        if len(self._last) >= PEERS:
            self._last.clear()
        self._last[host, why] = now
        log.warning("TLS refused", gateway=self._gateway, why=why, peer=host, detail=detail[:200])
