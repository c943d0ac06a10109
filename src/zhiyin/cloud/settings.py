"""Settings: `zhiyin.toml`, then the environment, over defaults that make a demonstration run.

`ZHIYIN_WEB__PORT=8081` sets `port` in `[web]`. An unknown key is refused with the nearest known
one, so that a misspelt limit is never silently the default.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field
from rapidfuzz import process

from zhiyin.kernel import CallerFault, Clock, Words, clock_of, parse_duration

Port = Annotated[int, Meta(ge=0, le=65535)]
ENVIRONMENT = "ZHIYIN_"


class UnreadableSettings(CallerFault):
    """The settings file is no TOML."""

    code = "cloud-001"
    what = Words("这个文件不是 TOML:{reason}。", "This file is not TOML: {reason}.")
    do = Words("按提示改正这一行。", "Mend the line named.")


class UnknownSetting(CallerFault):
    """A key that no setting has."""

    code = "cloud-002"
    what = Words("没有叫 {key} 的设置。", "There is no setting {key}.")
    do = Words("最接近的是 {nearest}。", "The nearest is {nearest}.")


class WrongSetting(CallerFault):
    """A value that its setting cannot have."""

    code = "cloud-003"
    what = Words("{key} 是 {value}:{reason}。", "{key} is {value}: {reason}.")
    do = Words("改成设置说明里允许的值。", "Give a value that the setting allows.")


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

    level: str = "info"
    mib: Annotated[int, Meta(ge=1)] = 32


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that may differ between two installations."""

    data_folder: str = "var"
    clock: str = "system"
    district: DistrictSettings = field(default_factory=DistrictSettings)
    web: WebSettings = field(default_factory=WebSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    bus: BusSettings = field(default_factory=BusSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    observations: ObservationSettings = field(default_factory=ObservationSettings)
    lake: LakeSettings = field(default_factory=LakeSettings)
    packs: PackSettings = field(default_factory=PackSettings)
    log: LogSettings = field(default_factory=LogSettings)

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
    "bus": ("retain", "duplicates"),
    "observations": ("future", "past"),
    "lake": ("commit", "checkpoint", "retention", "tidy"),
}


def _from_environment(environ: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith(ENVIRONMENT) or name in RESERVED:
            continue
        table, _, key = name[len(ENVIRONMENT) :].lower().partition("__")
        if key:
            found.setdefault(table, {})[key] = value
        else:
            found[table] = value
    return found


# Names of the environment that steer tools around the house and are no settings.
RESERVED = {"ZHIYIN_SETTINGS", "ZHIYIN_WEB", "ZHIYIN_SHARED_DATA", "ZHIYIN_POSTGRES"}


def _known() -> dict[str, tuple[str, ...]]:
    empty = Settings()
    return {
        name: getattr(empty, name).__struct_fields__
        if isinstance(getattr(empty, name), Section)
        else ()
        for name in Settings.__struct_fields__
    }


def _refuse_unknown(values: dict[str, Any], where: str) -> None:
    known = _known()
    for table, content in values.items():
        if table not in known:
            raise UnknownSetting(where, key=table, nearest=_nearest(table, known))
        if isinstance(content, dict):
            for key in content:
                if key not in known[table]:
                    names = [f"{table}.{name}" for name in known[table]]
                    full = f"{table}.{key}"
                    raise UnknownSetting(where, key=full, nearest=_nearest(full, names))


def _nearest(word: str, choices: Any) -> str:
    return str(process.extractOne(word, list(choices))[0])


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **value}
        else:
            merged[key] = value
    return merged


def load(
    file: Path | None = None,
    environ: dict[str, str] | None = None,
    given: dict[str, Any] | None = None,
) -> Settings:
    """Return the settings of `file` (`zhiyin.toml` here), environment and `given`, in order.

    Raises UnreadableSettings, UnknownSetting or WrongSetting, each naming file or variable and key.
    """
    environ = dict(os.environ) if environ is None else environ
    file = file or Path(environ.get("ZHIYIN_SETTINGS", "zhiyin.toml"))
    values: dict[str, Any] = {}
    if file.exists():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            raise UnreadableSettings(str(file), reason=str(fault)) from fault
        _refuse_unknown(values, str(file))
    named = _from_environment(environ)
    _refuse_unknown(named, f"{ENVIRONMENT}*")
    values = _merge(_merge(values, named), given or {})
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as fault:
        reason, _, path = str(fault).partition(" - at ")
        key = path.strip("`$.") or "settings"
        raise WrongSetting(str(file), key=key, value=_value(values, key), reason=reason) from fault
    _check_durations(settings, str(file))
    return settings


def _value(values: dict[str, Any], key: str) -> Any:
    found: Any = values
    for part in key.split("."):
        found = found.get(part, "—") if isinstance(found, dict) else "—"
    return repr(found)


def _check_durations(settings: Settings, where: str) -> None:
    for table, keys in DURATIONS.items():
        for key in keys:
            text = getattr(getattr(settings, table), key)
            try:
                parse_duration(text)
            except ValueError as fault:
                raise WrongSetting(
                    where, key=f"{table}.{key}", value=repr(text), reason=str(fault)
                ) from fault
