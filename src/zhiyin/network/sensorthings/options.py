"""Query options, also nested ones: `$expand=Datastreams($top=1;$expand=Sensor),Locations`."""

from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from zhiyin.network.sensorthings.faults import BadQuery
from zhiyin.network.sensorthings.language import Tree, read_tree
from zhiyin.network.sensorthings.model import KINDS, Kind

USUAL, MOST = 100, 1_000  # entities of one page
EXPAND_DEPTH = 4
KNOWN = {
    "$filter", "$expand", "$select", "$orderby", "$top", "$skip", "$count", "$resultFormat",
    "$skiptoken",
}  # fmt: skip


class Order(NamedTuple):
    """One of the things a collection is ordered by."""

    by: Tree
    descending: bool


class Options(NamedTuple):
    """The options of one collection or entity; `expand` by the name of the link."""

    filter: Tree | None = None
    expand: "dict[str, Options]" = {}  # noqa: RUF012
    select: tuple[str, ...] | None = None
    orderby: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    counted: bool = False
    arrays: bool = False
    token: str | None = None
    said: tuple[tuple[str, str], ...] = ()

    @property
    def page(self) -> int:
        return min(self.top if self.top is not None else USUAL, MOST)

    def further(self, **changed: str) -> str:
        """Return the query string with `$skip` or `$skiptoken` set to where the next page is."""
        gone = {"$skip", "$skiptoken"} | {f"${key}" for key in changed}
        pairs = [(key, value) for key, value in self.said if key not in gone]
        pairs += [(f"${key}", value) for key, value in changed.items()]
        return "&".join(f"{key}={quote(value, safe=_PLAIN)}" for key, value in pairs)


_PLAIN = "$,()'/:@;=*!-._~"


def split(text: str, at: str) -> list[str]:
    """Split at a character that stands neither in brackets nor in quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, sign in enumerate(text):
        if sign == "'":
            quoted = not quoted
        elif not quoted:
            depth += (sign == "(") - (sign == ")")
            if sign == at and depth == 0:
                parts.append(text[start:place])
                start = place + 1
    parts.append(text[start:])
    return parts


def read_options(query: str, kind: Kind) -> Options:
    """Read a query string for entities of a kind; BadQuery says which option and why."""
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50) if query else []
    return _options(pairs, kind, 0)


def _options(pairs: list[tuple[str, str]], kind: Kind, depth: int) -> Options:
    said: dict[str, str] = {}
    for key, value in pairs:
        if key.startswith("$") and key not in KNOWN:
            raise BadQuery(key, option=key, reason=f"known are {', '.join(sorted(KNOWN))}")
        if key in said:
            raise BadQuery(key, option=key, reason="it stands twice")
        if key in KNOWN:
            said[key] = value
    form = said.get("$resultFormat")
    if form not in {None, "dataArray"} or (form and kind.name != "Observation"):
        raise BadQuery("$resultFormat", option="$resultFormat", reason="dataArray, of Observations")
    return Options(
        filter=read_tree(said["$filter"]) if said.get("$filter", "").strip() else None,
        expand=_expand(said.get("$expand", ""), kind, depth),
        select=_select(said.get("$select", ""), kind),
        orderby=_orderby(said.get("$orderby", "")),
        top=_whole("$top", said["$top"]) if "$top" in said else None,
        skip=_whole("$skip", said.get("$skip", "0")),
        counted=_flag(said.get("$count", "false")),
        arrays=form == "dataArray",
        token=said.get("$skiptoken"),
        said=tuple(said.items()),
    )


def _whole(option: str, said: str) -> int:
    if not said.strip().isdecimal() or len(said) > 12:
        raise BadQuery(
            option, option=option, reason=f"{said!r} should be 0 or a whole number above"
        )
    return int(said)


def _flag(said: str) -> bool:
    if said.lower() not in {"true", "false"}:
        raise BadQuery("$count", option="$count", reason=f"{said!r} should be true or false")
    return said.lower() == "true"


def _select(said: str, kind: Kind) -> tuple[str, ...] | None:
    names = [name.strip() for name in split(said, ",") if name.strip()]
    if not names:
        return None
    known = {"id", "@iot.id", "@iot.selfLink", "*", *kind.field_of, *kind.link_of}
    for name in names:
        if name.split("/")[0] not in known:
            raise BadQuery("$select", option="$select", reason=f"{kind.name} has no {name!r}")
    return None if "*" in names else tuple(name.split("/")[0] for name in names)


def _orderby(said: str) -> tuple[Order, ...]:
    orders = []
    for part in split(said, ","):
        words = part.strip()
        if not words:
            continue
        head, _, last = words.rpartition(" ")
        falling = last.lower() in {"asc", "desc"} and bool(head)
        tree = read_tree(head if falling else words, "$orderby")
        orders.append(Order(tree, falling and last.lower() == "desc"))
    return tuple(orders)


def _expand(said: str, kind: Kind, depth: int) -> dict[str, Options]:
    found: dict[str, Options] = {}
    for part in split(said, ","):
        words = part.strip()
        if not words:
            continue
        if depth >= EXPAND_DEPTH:
            raise BadQuery("$expand", option="$expand", reason=f"deeper than {EXPAND_DEPTH}")
        name, bracket, rest = words.partition("(")
        if bracket and not rest.endswith(")"):
            raise BadQuery("$expand", option="$expand", reason=f"{words!r} lacks a bracket")
        along = name.strip().split("/")
        _put(found, kind, along, rest[:-1] if bracket else "", depth)
    return found


def _put(found: dict[str, Options], kind: Kind, along: list[str], inner: str, depth: int) -> None:
    link = kind.link_of.get(along[0])
    if link is None:
        known = ", ".join(kind.link_of)
        reason = f"{kind.name} has no link {along[0]!r}; it has {known}"
        raise BadQuery("$expand", option="$expand", reason=reason)
    if depth >= EXPAND_DEPTH:
        raise BadQuery("$expand", option="$expand", reason=f"deeper than {EXPAND_DEPTH}")
    target = KINDS[link.target]
    if len(along) > 1:  # Datastreams/Sensor is Datastreams($expand=Sensor)
        under = found.get(along[0], Options())
        deeper = dict(under.expand)
        _put(deeper, target, along[1:], inner, depth + 1)
        found[along[0]] = under._replace(expand=deeper)
        return
    pairs = []
    for one in split(inner, ";"):
        if one.strip():
            key, equals, value = one.strip().partition("=")
            if not equals:
                raise BadQuery("$expand", option="$expand", reason=f"{one!r} has no value")
            pairs.append((key, value))
    options = _options(pairs, target, depth + 1)
    earlier = found.get(along[0])
    if earlier is not None:
        options = options._replace(expand={**earlier.expand, **options.expand})
    found[along[0]] = options
