"""Whether an entity fits a filter: the tree evaluated over it and over what its links lead to.

A path through a link that leads to many asks whether there is one; two paths through the same
link speak of the same one (`Datastreams/name eq 'a' and Datastreams/unit…` is one datastream).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from zhiyin.network.sensorthings.faults import BadQuery
from zhiyin.network.sensorthings.functions import FUNCTIONS, apply, calculate, compare
from zhiyin.network.sensorthings.language import Call, Constant, Path, Tree, paths_of
from zhiyin.network.sensorthings.model import KINDS, Entity, Kind
from zhiyin.network.sensorthings.when import When

Along = tuple[str, ...]
Related = Callable[[Entity, str], Sequence[Entity]]
Bound = dict[Along, Entity | None]
LOGIC, NUMERIC = {"and", "or", "not"}, {"add", "sub", "mul", "div", "mod"}
COMPARING = {"eq", "ne", "gt", "ge", "lt", "le"}


def links_in(kind: Kind, parts: Along) -> Along:
    """Return the links at the head of a path; BadQuery when what follows is no property."""
    here, along = kind, []
    for part in parts:
        link = here.link_of.get(part)
        if link is None:
            break
        along.append(part)
        here = KINDS[link.target]
    rest = parts[len(along) :]
    if not rest:
        raise _unknown(parts, f"{parts[-1]} is a link; a property should follow")
    if rest[0] in {"id", "@iot.selfLink"}:
        return tuple(along)
    field = here.field_of.get(rest[0])
    if field is None:
        known = ", ".join(["id", *here.field_of, *here.link_of])
        raise _unknown(parts, f"{here.name} has no {rest[0]!r}; it has {known}")
    if len(rest) > 1 and field.form in {"text", "instant", "when"}:
        raise _unknown(parts, f"{rest[0]} has nothing inside")
    return tuple(along)


def _unknown(parts: Along, reason: str) -> BadQuery:
    return BadQuery("/".join(parts), option="/".join(parts), reason=reason)


def check(kind: Kind, tree: Tree) -> None:
    """Refuse unknown properties and functions before anything is read."""
    for parts in paths_of(tree):
        links_in(kind, parts)
    _check_calls(tree)


def _check_calls(tree: Tree) -> None:
    if not isinstance(tree, Call):
        return
    name, given = tree.name, len(tree.inputs)
    if name not in LOGIC | NUMERIC | COMPARING | {"minus", "now"}:
        known = FUNCTIONS.get(name)
        if known is None:
            raise BadQuery("$filter", option="$filter", reason=f"there is no function {name}")
        if not known.fewest <= given <= known.most:
            reason = f"{name} takes {known.fewest} to {known.most} values, not {given}"
            raise BadQuery("$filter", option="$filter", reason=reason)
    for one in tree.inputs:
        _check_calls(one)


def prefixes(kind: Kind, trees: Iterable[Tree]) -> list[Along]:
    """Return every run of links that the paths begin with, shorter ones first."""
    found: set[Along] = set()
    for tree in trees:
        for parts in paths_of(tree):
            along = links_in(kind, parts)
            found.update(along[: n + 1] for n in range(len(along)))
    return sorted(found, key=lambda one: (len(one), one))


class Judge:
    """Evaluates one tree over entities of a kind; `related` gives what a link leads to."""

    def __init__(self, kind: Kind, tree: Tree, now: int) -> None:
        self._kind, self._tree, self._now = kind, tree, now
        self._prefixes = prefixes(kind, [tree])
        self._cut = {parts: len(links_in(kind, parts)) for parts in paths_of(tree)}

    def fits(self, entity: Entity, related: Related) -> bool:
        return self._any({(): entity}, 0, related)

    def _any(self, bound: Bound, at: int, related: Related) -> bool:
        if at == len(self._prefixes):
            return self._value(self._tree, bound) is True
        along = self._prefixes[at]
        owner = bound[along[:-1]]
        found: Sequence[Entity | None] = related(owner, along[-1]) if owner is not None else ()
        return any(self._any({**bound, along: one}, at + 1, related) for one in found or (None,))

    def value(self, entity: Entity, related: Related) -> Any:
        """Return the value of the tree, along to-one links or the first of many."""
        bound: Bound = {(): entity}
        for along in self._prefixes:
            owner = bound[along[:-1]]
            found = related(owner, along[-1]) if owner is not None else ()
            bound[along] = found[0] if found else None
        return self._value(self._tree, bound)

    def _value(self, tree: Tree, bound: Bound) -> Any:
        if isinstance(tree, Constant):
            return tree.value
        if isinstance(tree, Path):
            return self._read(tree.parts, bound)
        if tree.name == "and":
            return all(self._value(one, bound) is True for one in tree.inputs)
        if tree.name == "or":
            return any(self._value(one, bound) is True for one in tree.inputs)
        return self._called(tree.name, [self._value(one, bound) for one in tree.inputs])

    def _called(self, name: str, inputs: list[Any]) -> Any:
        if name == "not":
            return inputs[0] is not True
        if name in COMPARING:
            return compare(name, inputs[0], inputs[1])
        if name in NUMERIC:
            return calculate(name, inputs[0], inputs[1])
        if name == "minus":
            return calculate("sub", 0, inputs[0])
        if name == "now":
            return When(self._now)
        return apply(name, inputs)

    def _read(self, parts: Along, bound: Bound) -> Any:
        cut = self._cut[parts]
        entity = bound[parts[:cut]]
        if entity is None:
            return None
        if parts[cut] == "id":
            return entity.id
        value = entity.values.get(parts[cut])
        for key in parts[cut + 1 :]:
            value = value.get(key) if isinstance(value, dict) else None
        return value
