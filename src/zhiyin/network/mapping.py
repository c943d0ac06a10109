"""一张网 · how the columns of a CSV file become observations of things. Does not read the file.

A mapping is a YAML file beside its pack's model (`packs/NAME/mappings/*.yaml`); units and ranges
of the properties come from that model, so that a mapping says only what is peculiar to the file.
"""

import re
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from zhiyin.kernel import DISTRICT_ZONE, PackFault, Words, factor, parse_duration


class MappingUnreadable(PackFault):
    """The mapping file is not YAML."""

    code = "network-101"
    what = Words(
        "这里不是能读懂的 YAML:{problem}。", "This is no YAML that can be read: {problem}."
    )
    do = Words("按 YAML 1.2 改这一行。", "Correct this line to YAML 1.2.")


class MappingWrong(PackFault):
    """A key of the mapping is missing, unknown or of another kind."""

    code = "network-102"
    what = Words(
        "映射文件的内容与格式不符:{problem}。", "The mapping does not have its form: {problem}."
    )
    do = Words(
        "对照 docs/guides/replay.md 的格式改。", "Compare with the form in docs/guides/replay.md."
    )


class PropertyNotInModel(PackFault):
    """A column is mapped to a property that the type does not have."""

    code = "network-103"
    what = Words(
        "列“{column}”对应属性 {type}.{property},{model} 里没有它;有:{known}。",
        "Column “{column}” becomes {type}.{property}, which is not in {model}; there are: {known}.",
    )
    do = Words(
        "改成有的属性,或先在模型里写上它。",
        "Name one of these, or add the property to the model first.",
    )


class UnitsDoNotFit(PackFault):
    """The unit of a column cannot be turned into the unit of its property."""

    code = "network-104"
    what = Words(
        "列“{column}”的单位 {unit} 不能换算成属性的单位 {wanted}。",
        "The unit {unit} of column “{column}” cannot be turned into {wanted} of its property.",
    )
    do = Words("写与 {wanted} 同量纲的单位。", "State a unit that measures the same as {wanted}.")


def zone_of(offset: str) -> timezone:
    """Return the zone of an offset such as `+08:00`, which is the district's own."""
    sign = -1 if offset[0] == "-" else 1
    zone = timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6])))
    return DISTRICT_ZONE if offset == "+08:00" else zone


class ThingSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the thing's id comes from: a column (through `values` when given), or always one."""

    column: str = ""
    values: dict[str, str] = {}
    always: str = ""

    def __post_init__(self) -> None:
        if bool(self.column) == bool(self.always):
            raise ValueError("`thing` has either `column` or `always`, and not both")


class TimeSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The columns that make the time, joined by one space, read by `format` (strptime).

    `zone` is the offset of the file's clock, the district's UTC+8 when not said.
    """

    columns: tuple[str, ...]
    format: str
    zone: str = "+08:00"

    def __post_init__(self) -> None:
        if not 1 <= len(self.columns) <= 4:
            raise ValueError("`columns` names one to four columns")
        if not re.fullmatch(r"[+-]\d\d:\d\d", self.zone):
            raise ValueError("`zone` is an offset such as +08:00")

    def offset(self) -> timezone:
        return zone_of(self.zone)


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a column holds; without `unit` it is taken to be in the property's own, and tested."""

    property: str
    unit: str = ""


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of CSV file: which column is what. Every column is mapped or in `ignore`."""

    mapping: str
    title: dict[str, str]
    type: str
    thing: ThingSource
    time: TimeSource
    columns: dict[str, Column]
    ignore: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("", "-", "NA", "NaN")
    every: str = ""
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    source: str = ""

    def named(self) -> list[str]:
        """Return the columns that are read."""
        named = [*self.time.columns, *self.columns]
        return named + ([self.thing.column] if self.thing.column else [])

    def __post_init__(self) -> None:
        if self.every:
            parse_duration(self.every)
        "".encode(self.encoding)
        if len(self.delimiter) != 1:
            raise ValueError("`delimiter` is one character")


class Target(NamedTuple):
    """What a column becomes: `property` in `unit` by value × scale + offset; its range.

    `stated` is whether the mapping says the column's unit.
    """

    column: str
    property: str
    unit: str
    scale: float
    offset: float
    floor: float | None
    ceiling: float | None
    stated: bool


def load_mapping(file: Path) -> Mapping:
    """Read a mapping; MappingUnreadable or MappingWrong name file, line and column."""
    return read_as(file, tree_of(file), Mapping)


Shape = TypeVar("Shape")


def read_as(file: Path, tree: Any, shape: type[Shape]) -> Shape:
    """Return a file's tree in its shape; MappingWrong names where it does not fit."""
    try:
        return msgspec.convert(_plain(tree), shape)
    except (msgspec.ValidationError, LookupError) as fault:
        sentence, _, path = str(fault).partition(" - at `$")
        keys = re.findall(r"\[\.\.\.\]|[^.\[\]`]+", path)
        keys = [_misfit(tree) if key == "[...]" else key for key in keys]
        raise MappingWrong(place_of(file, tree, keys), problem=sentence) from fault


def _plain(tree: Any) -> Any:
    """Return the tree in plain numbers; ruamel's own remember how they were written."""
    if isinstance(tree, dict):
        return {_plain(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    if isinstance(tree, bool) or not isinstance(tree, int | float):
        return tree
    return int(tree) if isinstance(tree, int) else float(tree)


def _misfit(tree: Any) -> str:
    """Return the name of the first column that has not its form; msgspec names no keys."""
    columns = tree.get("columns")
    for name, column in columns.items() if isinstance(columns, dict) else ():
        try:
            msgspec.convert(column, Column)
        except msgspec.ValidationError:
            return str(name)
    return ""


def targets_of(mapping: Mapping, file: Path, model: Path) -> list[Target]:
    """Return what each mapped column becomes, with units and ranges from the pack's model."""
    tree = tree_of(file)
    types = (tree_of(model) or {}).get("types", {})
    known = (types.get(mapping.type) or {}).get("properties", {})
    targets = []
    for name, column in mapping.columns.items():
        where = place_of(file, tree, ["columns", name])
        if column.property not in known:
            raise PropertyNotInModel(
                where,
                column=name,
                type=mapping.type,
                property=column.property,
                model=model.name,
                known=", ".join(known) or "-",
            )
        targets.append(_target(where, name, column, known[column.property]))
    return targets


def _target(where: str, name: str, column: Column, told: Any) -> Target:
    unit = str(told.get("unit", "1"))
    try:
        scale, offset = factor(column.unit or unit, unit)
    except ValueError as fault:
        raise UnitsDoNotFit(where, column=name, unit=column.unit, wanted=unit) from fault
    floor, ceiling = told.get("range") or (None, None)
    return Target(name, column.property, unit, scale, offset, floor, ceiling, bool(column.unit))


def tree_of(file: Path) -> Any:
    """Return the file as ruamel's commented tree, which knows the line of every key."""
    try:
        return YAML(typ="rt").load(file.read_text("utf-8"))
    except UnicodeDecodeError as fault:
        raise MappingUnreadable(f"{file}:1", problem=f"byte {fault.start} is not UTF-8") from fault
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise MappingUnreadable(where, problem=fault.problem or fault.context) from fault
    except YAMLError as fault:
        raise MappingUnreadable(str(file), problem=str(fault).split("\n", 1)[0]) from fault


def place_of(file: Path, tree: Any, keys: list[str]) -> str:
    """Return `file:line:column` of the deepest of the nested keys that the tree has."""
    line, column = 0, 0
    for key in keys:
        if isinstance(tree, CommentedSeq) and key.isdigit() and int(key) < len(tree):
            line, column = tree.lc.item(int(key))
            tree = tree[int(key)]
        elif isinstance(tree, CommentedMap) and key in tree:
            line, column = tree.lc.key(key)
            tree = tree[key]
        else:
            break
    return f"{file}:{line + 1}:{column + 1}"
