"""Settings: everything that may differ between two installations, with its default.

How they are read is in `settings_file`; what each means is in `docs/reference/settings.md`.
"""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from zhiyin.kernel import Clock, clock_of

Port = Annotated[int, Meta(ge=0, le=65535)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the settings file."""


class DistrictSettings(Section, frozen=True):
    """Which district this brain serves; the code is that of GB/T 2260."""

    code: str = "420105"
    name: str = "汉阳区"
    name_en: str = "Hanyang District"


class WebSettings(Section, frozen=True):
    """Where the web server listens; port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: Port = 8080


class MqttSettings(Section, frozen=True):
    """Where MQTT devices connect."""

    host: str = "127.0.0.1"
    port: Port = 1883
    batch: Annotated[int, Meta(ge=1, le=20_000)] = 2_000  # messages joined into one batch
    wait: str = "50ms"  # at most this long
    tls: bool = False  # whether the port speaks TLS, with the certificate of [tls]
    verify: bool = False  # whether devices have to show a certificate of tls.client_ca
    user: str = ""  # which devices have to name, with the secret as their password
    secret: str = ""  # may be file:/path


class GatewaySettings(Section, frozen=True):
    """The gateways of the field protocols: which are on, where they listen, what they bear."""

    on: tuple[str, ...] = ("hj212", "sl651", "jt808", "gb26875")
    host: str = "127.0.0.1"
    hj212: Port = 9212
    sl651: Port = 9651
    jt808: Port = 9808
    gb26875: Port = 9875
    connections: Annotated[int, Meta(ge=1)] = 20_000  # of each protocol at once
    first: str = "60s"  # a connection that has said no whole frame by then is ended
    idle: str = "1h"  # and one that has said none for so long
    faults: Annotated[int, Meta(ge=1)] = 200  # and one that says so many bad ones in a row
    orders: bool = False  # whether commands may be sent to devices
    order_within: str = "30s"  # a device that has not answered by then has not done it


class TlsSettings(Section, frozen=True):
    """TLS for devices: the gateways' own certificate, whose certificates count, where they listen.

    A field protocol that is on here listens on a second port; its plain port stays as it is.
    """

    on: tuple[str, ...] = ()
    certificate: str = ""  # PEM file of ours, with its chain
    key: str = ""  # PEM file of its key
    client_ca: str = ""  # PEM file; empty asks devices for none
    warn: str = "30d"  # before the end of our certificate
    hj212: Port = 19212
    sl651: Port = 19651
    jt808: Port = 19808
    gb26875: Port = 19875


class VisionSettings(Section, frozen=True):
    """The receiver of vision events by GA/T 1400, on the web server's port."""

    server: str = "42010500002000000001"  # our own 20-digit id
    people: bool = False  # whether faces and persons are taken at all; never their pictures


class HealthSettings(Section, frozen=True):
    """When a device counts as late or lost, in multiples of its expected rhythm."""

    late: Annotated[float, Meta(gt=1)] = 1.5
    lost: Annotated[float, Meta(gt=1)] = 3.0
    least: str = "60s"  # a rhythm shorter than this is judged as this
    gateway: str = "10s"  # a gateway that has not spoken for so long is lost


class BusSettings(Section, frozen=True):
    """The bus; with an empty address the house runs its own nats-server in the data folder."""

    url: str = ""
    port: Port = 0
    stream_mib: Annotated[int, Meta(ge=16)] = 4096  # observations kept for replay, at most
    retain: str = "24h"  # and at least this long after they are in the lake, room permitting
    duplicates: str = "10min"  # how long a message id is remembered


class DatabaseSettings(Section, frozen=True):
    """The operations store; empty is SQLite in the data folder."""

    url: str = ""


class ObservationSettings(Section, frozen=True):
    """What the front door takes."""

    future: str = "10min"  # further ahead than this the device's clock is wrong
    past: str = "30d"  # further back than this it is history and has to say so
    batch: Annotated[int, Meta(ge=1)] = 100_000  # observations in one request
    body_mib: Annotated[int, Meta(ge=1)] = 16
    text_bytes: Annotated[int, Meta(ge=64)] = 65_536  # one MQTT message
    xml_depth: Annotated[int, Meta(ge=1, le=200)] = 32
    xml_elements: Annotated[int, Meta(ge=1)] = 100_000  # of one XML document


class LakeSettings(Section, frozen=True):
    """How the lake is written and kept."""

    commit: str = "1s"
    rows: Annotated[int, Meta(ge=1)] = 400_000  # rows that force a commit earlier
    checkpoint: str = "10s"
    retention: str = "1095d"
    tidy: str = "10min"  # how often closed days are looked for


class PackSettings(Section, frozen=True):
    """Which scenario packs are on; an empty list is all in the folder."""

    folder: str = ""
    only: tuple[str, ...] = ()


class LogSettings(Section, frozen=True):
    """Structured logs, one JSON object a line, in the data folder's `log/`."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    mib: Annotated[int, Meta(ge=1)] = 32


class PushSettings(Section, frozen=True):
    """A platform that may push: `[push.NAME]`; `secret` may be `file:/path`."""

    mapping: str
    secret: str = ""
    sign: str = ""  # the mapping's own way when empty
    templates: tuple[str, ...] = ()  # device templates it may speak for; all when empty
    open: bool = False  # whether anybody may push without a secret


class PullSettings(Section, frozen=True):
    """Where a declared pull fetches from: `[pull.NAME]`; `secret` may be `file:/path`.

    `url` is an address, a folder's path, `sftp://host/folder` or a database's. With `user` the
    secret is a password; without, it is sent as bearer token, or as it is in `header`.
    """

    url: str
    user: str = ""
    secret: str = ""
    header: str = ""
    key_file: str = ""  # SSH: our private key; `secret` is then its passphrase
    host_key: str = ""  # SSH: the host's public key, as known_hosts has it
    hosts: tuple[str, ...] = ()  # other hosts it may lead to: redirects, feeds of GBFS
    off: bool = False


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that may differ between two installations."""

    data_folder: str = "var"
    clock: str = "system"
    district: DistrictSettings = field(default_factory=DistrictSettings)
    web: WebSettings = field(default_factory=WebSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    gateways: GatewaySettings = field(default_factory=GatewaySettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    vision: VisionSettings = field(default_factory=VisionSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    bus: BusSettings = field(default_factory=BusSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    observations: ObservationSettings = field(default_factory=ObservationSettings)
    lake: LakeSettings = field(default_factory=LakeSettings)
    packs: PackSettings = field(default_factory=PackSettings)
    log: LogSettings = field(default_factory=LogSettings)
    push: dict[str, PushSettings] = {}
    pull: dict[str, PullSettings] = {}

    @property
    def folder(self) -> Path:
        return Path(self.data_folder).absolute()

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite+aiosqlite:///{self.folder / 'operations.db'}"

    def tell(self) -> Clock:
        """Return the clock that every process of this brain shares."""
        return clock_of(self.clock)


DURATIONS = {
    "mqtt": ("wait",),
    "tls": ("warn",),
    "health": ("least", "gateway"),
    "gateways": ("first", "idle", "order_within"),
    "bus": ("retain", "duplicates"),
    "observations": ("future", "past"),
    "lake": ("commit", "checkpoint", "retention", "tidy"),
}
