"""What of a filter the stores can answer themselves: conditions for SQL, and for the lake.

A condition may let too much through (`exact` is False, and the judge looks again), never too
little. Only what means the same in SQLite, PostgreSQL and here is handed down.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select

from zhiyin.network.sensorthings.judge import links_in
from zhiyin.network.sensorthings.language import Call, Constant, Path, Tree, paths_of
from zhiyin.network.sensorthings.model import KINDS, Kind
from zhiyin.network.sensorthings.store import ROWS, WAYS
from zhiyin.network.sensorthings.when import When

_TURNED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq", "ne": "ne"}


class Condition(NamedTuple):
    """A condition on rows; when `exact` it says all that the tree says."""

    sql: ColumnElement[bool]
    exact: bool


def to_sql(kind: Kind, tree: Tree) -> Condition | None:
    """Return the condition on the rows of a kind, None when there is nothing to hand down."""
    return _Rows(_shared_many(kind, tree)).read(kind, tree)


def _shared_many(kind: Kind, tree: Tree) -> bool:
    """Return whether two paths go through a link to many, so that they speak of the same one."""
    through = 0

    def look(one: Tree) -> None:
        nonlocal through
        if isinstance(one, Path):
            here = kind
            for part in links_in(kind, one.parts):
                through += here.link_of[part].many
                here = KINDS[here.link_of[part].target]
        elif isinstance(one, Call):
            for inner in one.inputs:
                look(inner)

    look(tree)
    return through > 1


class _Rows:
    def __init__(self, shared: bool) -> None:  # noqa: FBT001
        self._shared = shared

    def read(self, kind: Kind, tree: Tree) -> Condition | None:
        if not isinstance(tree, Call):
            return None
        if tree.name in {"and", "or", "not"}:
            return self._logic(kind, tree)
        found = self._simple(tree)
        if found is None:
            return None
        path, by, value = found
        return self._along(kind, path.parts, by, value)

    def _logic(self, kind: Kind, tree: Call) -> Condition | None:
        parts = [self.read(kind, one) for one in tree.inputs]
        told = [part for part in parts if part is not None]
        whole = len(told) == len(parts)
        exact = whole and all(part.exact for part in told)
        if tree.name == "and":
            return Condition(and_(*(part.sql for part in told)), exact) if told else None
        if tree.name == "or":
            return Condition(or_(*(part.sql for part in told)), exact) if whole else None
        many = any(len(parts) > 1 for parts in paths_of(tree))
        return Condition(not_(told[0].sql), exact=True) if exact and not many else None

    def _simple(self, tree: Call) -> tuple[Path, str, Any] | None:
        """Return (path, by, constant) of a comparison or of `startswith(path, 'x')`."""
        if tree.name not in {*_TURNED, "startswith"} or len(tree.inputs) != 2:
            return None
        left, right = tree.inputs
        if isinstance(left, Path) and isinstance(right, Constant):
            return left, tree.name, right.value
        if isinstance(right, Path) and isinstance(left, Constant) and tree.name in _TURNED:
            return right, _TURNED[tree.name], left.value
        return None

    def _along(self, kind: Kind, parts: tuple[str, ...], by: str, value: Any) -> Condition | None:
        link = kind.link_of.get(parts[0])
        if link is None:
            return _column(kind, parts, by, value)
        way = WAYS.get((kind.name, link.name))
        inner = self._along(KINDS[link.target], parts[1:], by, value) if way is not None else None
        # Where nothing is linked the value is null, and null is unequal to everything.
        if inner is None or way is None or by == "ne":
            return None
        there, row = ROWS[link.target], ROWS[kind.name]
        wanted = select(there.number).where(inner.sql)
        owners = select(way.near).where(way.far.in_(wanted))
        return Condition(row.number.in_(owners), inner.exact and not (link.many and self._shared))


def _column(kind: Kind, parts: tuple[str, ...], by: str, value: Any) -> Condition | None:
    row, field = ROWS[kind.name], kind.field_of.get(parts[0])
    if kind.name == "Observation" or (field is not None and field.computed):
        return None
    if parts == ("id",):
        good = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62
        return _compared(row.number, by, value) if good and by != "startswith" else None
    if field is None:
        return None
    column = getattr(row, field.attribute)
    if len(parts) == 1 and field.form == "text" and isinstance(value, str):
        return _text(column, by, value)
    if len(parts) == 1 and field.form == "instant" and isinstance(value, When):
        return _compared(column, by, value.start) if value.end is None and by in _TURNED else None
    inside = len(parts) > 1 and field.form in {"object", "unit"} and by == "eq"
    if inside and isinstance(value, str) and all(part.isidentifier() for part in parts[1:]):
        told = func.coalesce(column[parts[1:]].as_string() == value, false())
        return Condition(told, exact=False)
    return None


def _text(column: Any, by: str, value: str) -> Condition | None:
    if "\0" in value:
        return None
    if by in {"eq", "ne"}:
        return _compared(column, by, value)
    if by == "startswith":
        return Condition(func.substr(column, 1, len(value)) == value, exact=True)
    return None  # each store has an order of letters of its own


def _compared(column: Any, by: str, value: Any) -> Condition:
    made = {
        "eq": column == value, "ne": column != value, "gt": column > value,
        "ge": column >= value, "lt": column < value, "le": column <= value,
    }[by]  # fmt: skip
    return Condition(func.coalesce(made, by == "ne"), exact=True)


class Wanted(NamedTuple):
    """A condition on rows of the lake, in DuckDB's words over `t` (ms) and `value`."""

    sql: str
    parameters: tuple[Any, ...]
    exact: bool


_SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_PARTS = {"year", "month", "day", "hour", "minute"}


def to_lake(tree: Tree) -> Wanted | None:
    """Return the condition on an observation's time and number, None for nothing to hand down."""
    if not isinstance(tree, Call):
        return None
    if tree.name not in {"and", "or", "not"}:
        return _lake_compared(tree)
    parts = [to_lake(one) for one in tree.inputs]
    told = [part for part in parts if part is not None]
    whole = len(told) == len(parts)
    exact = whole and all(part.exact for part in told)
    values = tuple(value for part in told for value in part.parameters)
    if tree.name == "not":
        return Wanted(f"(NOT {told[0].sql})", values, exact=True) if exact else None
    if not told or (tree.name == "or" and not whole):
        return None
    joint = " AND " if tree.name == "and" else " OR "
    return Wanted("(" + joint.join(part.sql for part in told) + ")", values, exact)


def _lake_compared(tree: Call) -> Wanted | None:
    if tree.name not in _SIGNS:
        return None
    left, right, by = *tree.inputs, tree.name
    if isinstance(left, Constant):
        left, right, by = right, left, _TURNED[by]
    if not isinstance(right, Constant):
        return None
    value, sign = right.value, _SIGNS[by]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if left == Path(("phenomenonTime",)) and isinstance(value, When) and value.end is None:
        return Wanted(f"(t {sign} ?)", (value.start,), exact=True)
    if left == Path(("result",)) and number:
        return Wanted(f"(value {sign} ?)", (float(value),), exact=True)
    part = left.name if isinstance(left, Call) and left.name in _PARTS else None
    if part is not None and number and left == Call(part, (Path(("phenomenonTime",)),)):
        return Wanted(f"({part}(make_timestamp_ms(t)) {sign} ?)", (value,), exact=True)
    return None
