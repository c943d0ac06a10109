"""Reading settings: `zhiyin.toml`, then the environment, then the command line, over defaults.

`ZHIYIN_WEB__PORT=8081` sets `port` in `[web]`. An unknown key is refused with the nearest known
one, so that a misspelt limit is never silently the default.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect
from rapidfuzz import process

from zhiyin.cloud.settings import DURATIONS, Section, Settings
from zhiyin.kernel import CallerFault, Words, clock_of, parse_duration

ENVIRONMENT = "ZHIYIN_"
COMMAND_LINE = "command line"
# Names of the environment that steer tools around the house and are no settings.
RESERVED = {"ZHIYIN_SETTINGS", "ZHIYIN_WEB", "ZHIYIN_SHARED_DATA", "ZHIYIN_POSTGRES"}
PAGE = "docs/reference/settings.md"


class UnreadableSettings(CallerFault):
    """The settings file is no TOML."""

    code = "cloud-001"
    what = Words("这个文件不是 TOML:{reason}。", "This file is not TOML: {reason}.")
    do = Words(
        "按 TOML 改正这一行;zhiyin.example.toml 是样例。",
        "Mend the line named; zhiyin.example.toml is an example.",
    )


class UnknownSetting(CallerFault):
    """A key that no setting has."""

    code = "cloud-002"
    what = Words(
        "没有叫 {key} 的设置,最接近的是 {nearest}。",
        "There is no setting {key}; the nearest is {nearest}.",
    )
    do = Words(f"改名或删去;全部设置见 {PAGE}。", f"Rename or remove it; {PAGE} lists them all.")


class WrongSetting(CallerFault):
    """A value that its setting cannot have."""

    code = "cloud-003"
    what = Words(
        "{key} 是 {value},应为{should_zh}。", "{key} is {value}; it should be {should_en}."
    )
    do = Words(f"改这个值;含义见 {PAGE}。", f"Change the value; {PAGE} says what it means.")


class NoSettingsFile(CallerFault):
    """A settings file that was named and cannot be read."""

    code = "cloud-004"
    what = Words(
        "指定了这个设置文件,却读不到:{reason}。",
        "This settings file was named but cannot be read: {reason}.",
    )
    do = Words("改正路径,或不指定。", "Correct the path, or name none.")


class Tables(str):
    """What is wrong with tables whose content is not to be shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def load(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    given: dict[str, Any] | None = None,
) -> Settings:
    """Return the settings of `file` (`zhiyin.toml` here), environment and `given`, in order.

    Raises NoSettingsFile, UnreadableSettings, UnknownSetting or WrongSetting, each naming the
    file, the variable or the command line, and the key.
    """
    environ = os.environ if environ is None else environ
    named = file or (Path(environ["ZHIYIN_SETTINGS"]) if "ZHIYIN_SETTINGS" in environ else None)
    path = named or Path("zhiyin.toml")
    written = _from_file(path) if named or path.exists() else {}
    _refuse_unknown(written, lambda _: str(path))
    spoken = _from_environment(environ)
    _refuse_unknown(spoken, _variable)
    values = _merge(_merge(written, spoken), given or {})

    def origin(key: str) -> str:
        if _value(given or {}, key) is not None:
            return COMMAND_LINE
        return _variable(key) if _value(spoken, key) is not None else str(path)

    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as fault:
        # msgspec names a list's element `only[...]`; the setting is the list.
        sentence, _, place = str(fault).partition(" - at ")
        key = place.strip("`$.").partition("[")[0]
        value = _value(values, key)
        if isinstance(_default(key), dict):  # what stands there may hold a secret
            value = Tables(sentence)
        raise _wrong(origin(key), key, value, _should(key)) from fault
    _check_texts(settings, origin)
    return settings


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UnreadableSettings(str(path), reason=str(fault)) from fault
    except OSError as fault:
        raise NoSettingsFile(str(path), reason=fault.strerror or str(fault)) from fault


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith(ENVIRONMENT) or name in RESERVED:
            continue
        table, _, key = name[len(ENVIRONMENT) :].lower().partition("__")
        if key:
            listed = isinstance(_default(f"{table}.{key}"), tuple)
            parts = [part.strip() for part in value.split(",") if part.strip()]
            found.setdefault(table, {})[key] = parts if listed else value
        else:
            found[table] = value
    return found


def _variable(key: str) -> str:
    return ENVIRONMENT + key.upper().replace(".", "__")


def _default(key: str) -> Any:
    found: Any = Settings()
    for part in key.split("."):
        found = getattr(found, part, None)
    return found


def _value(values: Mapping[str, Any], key: str) -> Any:
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def known_settings() -> dict[str, Any]:
    """Return every setting, `table.key` or `key`, with its default."""
    known: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(Settings()).items():
        if isinstance(value, Section):
            inner = msgspec.structs.asdict(value).items()
            known.update({f"{name}.{key}": default for key, default in inner})
        else:
            known[name] = value
    return known


def _refuse_unknown(values: Mapping[str, Any], where: Any) -> None:
    tables = {name for name in Settings.__struct_fields__ if isinstance(_default(name), Section)}
    known = known_settings()
    for table, content in values.items():
        if table not in tables and table not in known:
            names = sorted(tables | {name for name in known if "." not in name})
            raise UnknownSetting(where(table), key=table, nearest=_nearest(table, names))
        for key in content if isinstance(content, dict) and table in tables else ():
            full = f"{table}.{key}"
            if full not in known:
                names = [name for name in known if name.startswith(f"{table}.")]
                raise UnknownSetting(where(full), key=full, nearest=_nearest(full, names))


def _nearest(word: str, choices: list[str]) -> str:
    return str(process.extractOne(word, choices)[0])


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **value}
        else:
            merged[key] = value
    return merged


def _wrong(where: str, key: str, value: Any, should: Words) -> WrongSetting:
    return WrongSetting(where, key=key, value=repr(value), should_zh=should.zh, should_en=should.en)


def _should(key: str) -> Words:
    """Return in words what the type of a setting allows."""
    kind: Any = inspect.type_info(Settings)
    for part in key.split("."):
        kind = next(one.type for one in kind.fields if one.name == part)
    match kind:
        case inspect.StructType():
            return Words("一个表,例如 [web]", "a table such as [web]")
        case inspect.IntType(ge=low, le=high):
            least = Words(f"至少 {low}", f"at least {low}")
            span = least if high is None else Words(f"{low} 到 {high}", f"{low} to {high}")
            return Words(f"整数,{span.zh}", f"a whole number, {span.en}")
        case inspect.LiteralType(values=words):
            listed = ", ".join(map(str, words))
            return Words(f"其中之一:{listed}", f"one of {listed}")
        case inspect.FloatType(gt=low):
            return Words(f"大于 {low:g} 的数", f"a number above {low:g}")
        case inspect.BoolType():
            return Words("true 或 false", "true or false")
        case inspect.VarTupleType():
            return Words("一列文字", "a list of texts")
        case inspect.DictType():
            return Words(
                f"[{key}.名字] 的表,键见 {PAGE}", f"tables [{key}.NAME] with keys as {PAGE} has"
            )
    return Words("文字", "a text")


def _check_texts(settings: Settings, origin: Any) -> None:
    a_duration = Words("时长,例如 90s、10min、24h", "a duration such as 90s, 10min or 24h")
    for table, keys in DURATIONS.items():
        for key in keys:
            text = getattr(getattr(settings, table), key)
            try:
                good = parse_duration(text) >= 0
            except (ValueError, OverflowError):
                good = False
            if not good:
                full = f"{table}.{key}"
                raise _wrong(origin(full), full, text, a_duration)
    try:
        clock_of(settings.clock)
    except ValueError as fault:
        should = Words(
            "system,或 起点@始于*倍速(毫秒)", "system, or start@since*speed in milliseconds"
        )
        raise _wrong(origin("clock"), "clock", settings.clock, should) from fault
