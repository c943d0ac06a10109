"""场景包 · hold a plain value against the shape a room wants, and say all that does not fit.

msgspec stops at the first misfit and names no line; a pack author wants all of them at once.
"""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import inspect as shapes
from rapidfuzz import fuzz, process

from zhiyin.kernel import Words
from zhiyin.pack.faults import (
    FormWrong,
    KeyMissing,
    KeyUnknown,
    KindWrong,
    NumberOutside,
    WordsMissing,
    WordUnknown,
)
from zhiyin.pack.model import Title
from zhiyin.pack.reading import Path_, Trouble

_LISTS = (shapes.ListType, shapes.VarTupleType, shapes.TupleType, shapes.SetType)
_NUMBERS = (shapes.IntType, shapes.FloatType)
_TEXT, _NUMBER = Words("文字", "text"), Words("数", "a number")
_WHOLE, _LIST = Words("整数", "a whole number"), Words("列表", "a list")
_KEYS, _EMPTY = Words("带键的一组", "a group of keys"), Words("空", "nothing")
_YES = Words(" true 或 false", "true or false")


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the known word most like `word`; an empty text when none is known."""
    if not known:
        return ""
    return str(process.extractOne(word, list(known), scorer=fuzz.ratio)[0])


def convert(value: Any, shape: Any) -> tuple[Any, list[Trouble]]:
    """Return the value in its shape and no troubles, or None and every trouble found."""
    troubles = list(_misfits(value, shapes.type_info(shape), ()))
    if troubles:
        return None, troubles
    try:
        return msgspec.convert(value, shape), []
    except msgspec.ValidationError as fault:
        sentence, _, path = str(fault).partition(" - at `$")
        wrong = FormWrong(value="…", wanted_zh=sentence, wanted_en=sentence, example=sentence)
        return None, [Trouble(None, _path_of(path), wrong)]


def _path_of(text: str) -> Path_:
    """Read msgspec's `.rules[0].says`; a key of a mapping, written `[...]`, ends it."""
    path: list[str | int] = []
    for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]", text):
        if index == "...":
            break
        path.append(name or int(index))
    return tuple(path)


def _misfits(value: Any, shape: Any, path: Path_) -> Iterator[Trouble]:
    examples: list[Any] = []
    if isinstance(shape, shapes.Metadata):
        examples = list((shape.extra_json_schema or {}).get("examples", ()))
        description = str((shape.extra_json_schema or {}).get("description", ""))
        shape = shape.type
    else:
        description = ""
    if isinstance(shape, shapes.UnionType):
        ways = [list(_misfits(value, one, path)) for one in shape.types if _fits(value, one)]
        if not ways:
            yield Trouble(None, path, _kind_wrong(value, shape))
        yield from min(ways, key=len, default=[])
    elif not _fits(value, shape):
        yield Trouble(None, path, _kind_wrong(value, shape))
    elif isinstance(shape, shapes.StructType):
        yield from _struct(value, shape, path)
    elif isinstance(shape, shapes.DictType):
        for key, item in value.items():
            for trouble in _misfits(key, shape.key_type, (*path, key)):
                yield trouble._replace(at_key=True)
            yield from _misfits(item, shape.value_type, (*path, key))
    elif isinstance(shape, _LISTS):
        yield from _list(value, shape, path)
    else:
        yield from _scalar(value, shape, path, (description, examples))


def _struct(value: dict[str, Any], shape: shapes.StructType, path: Path_) -> Iterator[Trouble]:
    known = {one.encode_name: one for one in shape.fields}
    for key, item in value.items():
        if key in known:
            yield from _misfits(item, known[key].type, (*path, key))
        else:
            fault = KeyUnknown(key=key, nearest=nearest(key, list(known)), known=", ".join(known))
            yield Trouble(None, (*path, key), fault, at_key=True)
    for key, one in known.items():
        if shape.cls is Title and key in value and not str(value[key]).strip():
            yield Trouble(None, (*path, key), WordsMissing(key=_named(path), language=key))
        if key in value or not one.required:
            continue
        if shape.cls is Title:
            yield Trouble(None, path, WordsMissing(key=_named(path), language=key))
            continue
        wanted = _wanted(one.type)
        yield Trouble(None, path, KeyMissing(key=key, wanted_zh=wanted.zh, wanted_en=wanted.en))


def _named(path: Path_) -> str:
    return ".".join(str(part) for part in path)


def _list(value: list[Any], shape: Any, path: Path_) -> Iterator[Trouble]:
    if isinstance(shape, shapes.TupleType):
        count = len(shape.item_types)
        if len(value) != count:
            wanted = Words(f"{count} 个值", f"{count} values")
            fault = FormWrong(
                value=value, wanted_zh=wanted.zh, wanted_en=wanted.en, example=f"[…] × {count}"
            )
            yield Trouble(None, path, fault)
        for at, (item, one) in enumerate(zip(value, shape.item_types, strict=False)):
            yield from _misfits(item, one, (*path, at))
        return
    least = shape.min_length or 0
    if len(value) < least:
        fault = FormWrong(
            value=value, wanted_zh=f"至少 {least} 项", wanted_en=f"at least {least}", example="[…]"
        )
        yield Trouble(None, path, fault)
    for at, item in enumerate(value):
        yield from _misfits(item, shape.item_type, (*path, at))


def _scalar(value: Any, shape: Any, path: Path_, told: tuple[str, list[Any]]) -> Iterator[Trouble]:
    known = _closed(shape)
    if known and value not in known:
        names = [str(one) for one in known]
        fault = WordUnknown(value=value, nearest=nearest(str(value), names), known=", ".join(names))
        yield Trouble(None, path, fault)
    bound = _outside(value, shape) if isinstance(shape, _NUMBERS) else ""
    if bound:
        yield Trouble(None, path, NumberOutside(value=f"{value:g}", bound=bound))
    wanted, examples = told
    if isinstance(shape, shapes.DateType):
        wanted, examples = "日期 / a date", ["2026-01-31"]
    if not _well_formed(value, shape):
        zh, _, en = (wanted or str(shape.pattern)).partition(" / ")
        example = str(examples[0]) if examples else en or zh
        fault_form = FormWrong(value=value, wanted_zh=zh, wanted_en=en or zh, example=example)
        yield Trouble(None, path, fault_form)


def _well_formed(value: Any, shape: Any) -> bool:
    if isinstance(shape, shapes.StrType) and shape.pattern:
        return re.search(shape.pattern, value) is not None
    if isinstance(shape, shapes.DateType):
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return True


def _outside(value: float, shape: Any) -> str:
    """Return what the number should be, when it is not; an empty text when it is."""
    if not math.isfinite(value):
        return "≤ 1.8e308"
    bounds = (("≥", shape.ge, value.__ge__), (">", shape.gt, value.__gt__))
    upper = (("≤", shape.le, value.__le__), ("<", shape.lt, value.__lt__))
    for sign, bound, holds in (*bounds, *upper):
        if bound is not None and holds(type(value)(bound)) is False:
            return f"{sign} {bound:g}"
    return ""


def _closed(shape: Any) -> tuple[Any, ...]:
    if isinstance(shape, shapes.LiteralType):
        return tuple(shape.values)
    if isinstance(shape, shapes.EnumType):
        return tuple(one.value for one in shape.cls)
    return ()


def _fits(value: Any, shape: Any) -> bool:
    """Say whether the value is of the kind the shape wants, whatever its content."""
    if isinstance(shape, shapes.Metadata):
        return _fits(value, shape.type)
    if isinstance(shape, shapes.UnionType):
        return any(_fits(value, one) for one in shape.types)
    known = _closed(shape)
    if known:
        return isinstance(value, tuple({type(one) for one in known}))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(shape, shapes.FloatType):
        return number
    if isinstance(shape, shapes.IntType):
        return number and isinstance(value, int)
    for kinds, python in _PYTHON:
        if isinstance(shape, kinds):
            return isinstance(value, python)
    return True


_PYTHON: tuple[tuple[Any, Any], ...] = (
    ((shapes.StructType, shapes.DictType), dict),
    (_LISTS, list),
    ((shapes.StrType, shapes.DateType, shapes.DateTimeType, shapes.TimeType), str),
    (shapes.BoolType, bool),
    (shapes.NoneType, type(None)),
)

_WANTED: tuple[tuple[Any, Words], ...] = (
    ((shapes.StructType, shapes.DictType), _KEYS),
    (_LISTS, _LIST),
    (shapes.BoolType, _YES),
    (shapes.IntType, _WHOLE),
    (shapes.FloatType, _NUMBER),
    (shapes.NoneType, _EMPTY),
    (shapes.DateType, Words("日期 2026-01-31", "a date such as 2026-01-31")),
)


def _wanted(shape: Any) -> Words:
    if isinstance(shape, shapes.Metadata):
        examples = (shape.extra_json_schema or {}).get("examples")
        inner = _wanted(shape.type)
        if not examples:
            return inner
        return Words(f"{inner.zh}(如 {examples[0]})", f"{inner.en} such as {examples[0]}")
    if isinstance(shape, shapes.UnionType):
        inside = [_wanted(one) for one in shape.types if not isinstance(one, shapes.NoneType)]
        return Words(
            "或".join(dict.fromkeys(one.zh for one in inside)),
            " or ".join(dict.fromkeys(one.en for one in inside)),
        )
    if isinstance(shape, shapes.StructType) and shape.cls is Title:
        return Words("{zh-CN: 文字, en: 文字}", "{zh-CN: text, en: text}")
    known = _closed(shape)
    if known:
        names = ", ".join(map(str, known))
        return Words(f"{names} 之一", f"one of {names}")
    return next((words for kinds, words in _WANTED if isinstance(shape, kinds)), _TEXT)


def _kind_wrong(value: Any, shape: Any) -> KindWrong:
    kinds = {dict: _KEYS, list: _LIST, bool: _YES, int: _NUMBER, float: _NUMBER, str: _TEXT}
    what = kinds.get(type(value), _EMPTY)
    wanted, hint = _wanted(shape), Words("", "")
    if isinstance(value, str):
        what = Words(f"文字“{value}”", f'text "{value}"')
    elif isinstance(value, int | float):
        what = Words(f"{what.zh} {value}", f"{what.en} {value}")
        hint = Words(",加上引号", ", in quotes") if wanted.zh.startswith(_TEXT.zh) else hint
    return KindWrong(
        is_zh=what.zh,
        is_en=what.en,
        wanted_zh=wanted.zh,
        wanted_en=wanted.en,
        hint_zh=hint.zh,
        hint_en=hint.en,
    )
