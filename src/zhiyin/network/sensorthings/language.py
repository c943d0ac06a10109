"""The language of `$filter` and `$orderby` (OGC 18-088, 9.3.3.5): from text to a tree.

    name eq 'Lumen' and (result mul 2 gt 5 or not startswith(Thing/name, 'x'))

Times stand bare (`2020-01-01T00:00:00Z`), intervals with a slash, geometries as
`geography'POINT(…)'`.
"""

import re
from functools import lru_cache
from typing import Any

import shapely
from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError
from msgspec import Struct

from zhiyin.network.sensorthings.faults import BadQuery
from zhiyin.network.sensorthings.when import When, read_when

LONGEST = 8_192  # characters of one filter
DEEPEST = 40  # brackets in brackets
_GRAMMAR = r"""
start: either
?either: both ("or" both)*
?both: turned ("and" turned)*
?turned: "not" turned -> negated
       | compared
?compared: sum
         | sum EQUAL sum -> comparison
?sum: product
    | sum ADDED product -> operation
?product: signed
        | product TIMES signed -> operation
?signed: "-" signed -> minus
       | atom
?atom: "(" either ")"
     | call
     | path
     | literal
call: NAME "(" [either ("," either)*] ")"
path: NAME ("/" NAME)*
literal: STRING -> string
       | GEO -> geometry
       | DURATION -> duration
       | INTERVAL -> time
       | TIME -> time
       | DATE -> date
       | CLOCK -> clock
       | NUMBER -> number
       | "true" -> true
       | "false" -> false
       | "null" -> null
EQUAL: "eq" | "ne" | "gt" | "ge" | "lt" | "le"
ADDED: "add" | "sub"
TIMES: "mul" | "div" | "mod"
GEO.9: /(geography|geometry)'[^']*'/
DURATION.9: /duration'[^']*'/
INTERVAL.8: /MOMENT\/MOMENT/
TIME.7: /MOMENT/
DATE.6: /\d{4}-\d\d-\d\d/
CLOCK.5: /\d\d:\d\d(:\d\d(\.\d+)?)?/
NUMBER.4: /\d+(\.\d+)?([eE][+\-]?\d+)?/
STRING: /'(''|[^'])*'/
NAME: /[@A-Za-z_\u0080-\uffff][\w.@\-]*/
%ignore /\s+/
"""
# A plus sign that was not escaped in the query string has become a space.
_MOMENT = r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+\-]\d\d:?\d\d| \d\d:\d\d)?"


class Constant(Struct, frozen=True):
    """A value that stands in the text."""

    value: Any


class Path(Struct, frozen=True):
    """A property, along links or into an object: `Thing/properties/x`."""

    parts: tuple[str, ...]


class Call(Struct, frozen=True):
    """A function, or an operator by its name (`and`, `eq`, `add`, `not`, `minus` …)."""

    name: str
    inputs: "tuple[Tree, ...]"


Tree = Constant | Path | Call


class Duration(Struct, frozen=True):
    """A span of time in milliseconds."""

    millis: int


class Date(Struct, frozen=True, order=True):
    """A day of the calendar, `YYYY-MM-DD`."""

    text: str


class ClockTime(Struct, frozen=True, order=True):
    """A time of day in milliseconds."""

    millis: int


_DURATION = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z")


def _duration(said: str) -> Duration:
    match = _DURATION.match(said)
    if match is None or said in {"P", "PT", "-P", "-PT"}:
        raise ValueError(f"{said!r} is no duration like P1DT12H")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    millis = round(((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000)
    return Duration(-millis if match[1] else millis)


def clock_time(said: str) -> ClockTime:
    hour, minute, second = ([*said.split(":"), "0"])[:3]
    return ClockTime(int(hour) * 3_600_000 + int(minute) * 60_000 + round(float(second) * 1000))


@v_args(inline=True)
class _Trees(Transformer[Token, Tree]):
    """From what the parser finds to our own trees."""

    def either(self, *parts: Tree) -> Tree:
        return Call("or", parts)

    def both(self, *parts: Tree) -> Tree:
        return Call("and", parts)

    def negated(self, inner: Tree) -> Tree:
        return Call("not", (inner,))

    def comparison(self, left: Tree, by: Token, right: Tree) -> Tree:
        return Call(str(by), (left, right))

    operation = comparison

    def minus(self, inner: Tree) -> Tree:
        if isinstance(inner, Constant) and isinstance(inner.value, int | float):
            return Constant(-inner.value)
        return Call("minus", (inner,))

    def call(self, name: Token, *inputs: Tree | None) -> Tree:
        return Call(str(name).lower(), tuple(one for one in inputs if one is not None))

    def path(self, *parts: Token) -> Tree:
        return Path(tuple("id" if part == "@iot.id" else str(part) for part in parts))

    def string(self, said: Token) -> Tree:
        return Constant(said[1:-1].replace("''", "'"))

    def geometry(self, said: Token) -> Tree:
        text = said.partition("'")[2][:-1]
        text = text.partition(";")[2] if text.upper().startswith("SRID") else text
        return Constant(shapely.from_wkt(text))

    def duration(self, said: Token) -> Tree:
        return Constant(_duration(said[9:-1]))

    def time(self, said: Token) -> Tree:
        return Constant(read_when(str(said)))

    def date(self, said: Token) -> Tree:
        read_when(str(said))
        return Constant(Date(str(said)))

    def clock(self, said: Token) -> Tree:
        return Constant(clock_time(str(said)))

    def number(self, said: Token) -> Tree:
        text = str(said)
        return Constant(int(text) if text.isdigit() and len(text) < 19 else float(text))

    def true(self) -> Tree:
        return Constant(True)  # noqa: FBT003

    def false(self) -> Tree:
        return Constant(False)  # noqa: FBT003

    def null(self) -> Tree:
        return Constant(None)

    def start(self, tree: Tree) -> Tree:
        return tree


_parser = Lark(_GRAMMAR.replace("MOMENT", _MOMENT), parser="lalr", maybe_placeholders=True)


@lru_cache(512)
def read_tree(text: str, option: str = "$filter") -> Tree:
    """Return the tree of an expression; BadQuery when it is none, or too long or too deep."""
    if len(text) > LONGEST:
        raise BadQuery(option, option=option, reason=f"it has more than {LONGEST} characters")
    if _depth(text) > DEEPEST:
        raise BadQuery(option, option=option, reason=f"brackets go deeper than {DEEPEST}")
    try:
        tree: Tree = _Trees().transform(_parser.parse(text))
    except UnexpectedInput as fault:
        context = fault.get_context(text, 20).replace("\n", " ").strip()
        raise BadQuery(
            option, option=option, reason=f"at column {fault.column}: {context}"
        ) from fault
    except VisitError as fault:
        raise BadQuery(option, option=option, reason=str(fault.orig_exc)) from fault
    except RecursionError as fault:
        raise BadQuery(option, option=option, reason="it is too deep") from fault
    return tree


def _depth(text: str) -> int:
    depth = most = 0
    for sign in re.sub(r"'(''|[^'])*'", "", text):
        depth += (sign == "(") - (sign == ")")
        most = max(most, depth)
    return most + len(re.findall(r"\bnot\b|-\s*-", text)) // 4


def paths_of(tree: Tree) -> "set[tuple[str, ...]]":
    """Return every path that a tree speaks of."""
    if isinstance(tree, Path):
        return {tree.parts}
    if isinstance(tree, Call):
        return set().union(*(paths_of(one) for one in tree.inputs))
    return set()


def conjuncts(tree: Tree) -> tuple[Tree, ...]:
    """Return the parts that must all hold."""
    if isinstance(tree, Call) and tree.name == "and":
        return tuple(part for one in tree.inputs for part in conjuncts(one))
    return (tree,)


__all__ = [
    "Call", "ClockTime", "Constant", "Date", "Duration", "Path", "Tree", "When", "clock_time",
    "conjuncts", "paths_of", "read_tree",
]  # fmt: skip
