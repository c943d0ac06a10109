"""一张网 · `pulls.yaml`: what is fetched, how often, and how it is read. Addresses are settings."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from zhiyin import pack
from zhiyin.kernel import PackFault, Words, parse_duration

Words_ = Annotated[str, Meta(min_length=1)]


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """How a table lies in what is fetched, and the mapping (of `mappings/`) that reads its columns.

    `at` is the path of the records in JSON and XML; a GeoJSON feature's properties are its columns,
    besides `id`, `lon` and `lat` of its point. An XML file has at most `elements`.
    """

    mapping: pack.Key
    as_: Literal["csv", "excel", "json", "geojson", "xml"] = field(name="as", default="csv")
    at: str = ""
    sheet: str = ""
    elements: Annotated[int, Meta(ge=1, le=5_000_000)] = 200_000


class Since(Struct, frozen=True, forbid_unknown_fields=True):
    """The column that only grows: a pull asks for what comes after the greatest it has taken.

    Over HTTP it is sent as the query `parameter`; in a database query it is `:since`. `overlap`
    asks again for that much before it (kind time only), for rows that were committed late.
    """

    column: Words_
    begin: str | int | float
    kind: Literal["number", "text", "time"] = "number"
    parameter: str = ""
    overlap: pack.DurationText = "0s"


class Stations(Struct, frozen=True, forbid_unknown_fields=True):
    """GBFS: which of a station's figures (by their names of 3.0) become which properties."""

    type: pack.Key
    properties: dict[str, pack.Key]
    prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,24}$")] = ""


class Vehicles(Struct, frozen=True, forbid_unknown_fields=True):
    """GBFS: free vehicles, counted by state and form factor, as properties of one thing."""

    thing: pack.Identifier
    properties: dict[str, pack.Key]


class Gbfs(Struct, frozen=True, forbid_unknown_fields=True):
    """What of a GBFS system is taken."""

    stations: Stations | None = None
    vehicles: Vehicles | None = None
    zones: bool = True


class Pull(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is fetched every so often.

    `from`: http and sftp and folder bring a `table`; database a `query` with a `table`; gbfs what
    `gbfs` says. `files` is the pattern of names in a folder; a file is `remember`ed by its
    content, or `move`d to `done/`. Rows older than `observations.past` are taken as history
    (`history: old`), all are, or none. `within` and `limit_mib` bound one run, `rows` those of
    a query, `keep` the bad rows kept of a run (the others are counted).
    """

    pull: pack.Key
    title: pack.Title
    every: pack.DurationText
    from_: Literal["http", "folder", "sftp", "database", "gbfs"] = field(name="from")
    table: Table | None = None
    files: str = "*"
    done: Literal["remember", "move"] = "remember"
    query: str = ""
    since: Since | None = None
    gbfs: Gbfs | None = None
    history: Literal["old", "all", "never"] = "old"
    within: pack.DurationText = "5min"
    limit_mib: Annotated[int, Meta(ge=1, le=4096)] = 64
    rows: Annotated[int, Meta(ge=1, le=10_000_000)] = 1_000_000
    keep: Annotated[int, Meta(ge=0, le=100_000)] = 1_000


class PullsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`pulls.yaml`: the pulls of a pack."""

    pulls: Annotated[tuple[Pull, ...], Meta(min_length=1)]


class PullIncomplete(PackFault):
    """A pull that lacks what its kind cannot do without, or has what it cannot use."""

    code = "network-114"
    what = Words("从 {kind} 取数的拉取{should_zh}。", "A pull from {kind} {should_en}.")
    do = Words(
        "对照 docs/guides/pull-from-a-source.md 改。",
        "Compare with docs/guides/pull-from-a-source.md.",
    )


_NEEDS: dict[str, tuple[str, ...]] = {
    "http": ("table",), "folder": ("table",), "sftp": ("table",), "database": ("table", "query"),
    "gbfs": ("gbfs",),
}  # fmt: skip
_MAY = {"http": {"since"}, "database": {"since"}}
STATION_FIGURES = (
    "num_vehicles_available", "num_vehicles_disabled", "num_docks_available",
    "num_docks_disabled", "is_installed", "is_renting", "is_returning", "capacity",
)  # fmt: skip
FORM_FACTORS = (
    "bicycle", "cargo_bicycle", "car", "moped", "scooter", "scooter_standing", "scooter_seated",
    "other",
)  # fmt: skip
VEHICLE_FIGURES = ("vehicles", "reserved", "disabled", "available", *FORM_FACTORS)


def _check(file: PullsFile, book: pack.Book) -> Iterator[pack.Remark]:
    for at, one in enumerate(file.pulls):
        path = ("pulls", at)
        has = {name for name in ("table", "query", "gbfs", "since") if getattr(one, name)}
        for name in _NEEDS[one.from_]:
            if name not in has:
                yield _lacks(path, one, f"需要 {name}", f"needs {name}")
        for name in sorted(has - {*_NEEDS[one.from_], *_MAY.get(one.from_, ())}):
            yield _lacks((*path, name), one, f"用不着 {name}", f"has no use for {name}")
        if parse_duration(one.every) < 1000:
            yield _lacks((*path, "every"), one, "至少隔 1s", "comes at least 1s after the last")
        if one.since and one.from_ == "database" and ":since" not in one.query:
            yield _lacks((*path, "query"), one, "要在 query 里用 :since", "has :since in its query")
        if one.since and one.from_ == "http" and not one.since.parameter:
            yield _lacks((*path, "since"), one, "要有 parameter", "has a parameter to ask by")
        if one.gbfs:
            yield from _check_gbfs(one, one.gbfs, (*path, "gbfs"), book)


def _lacks(path: tuple[str | int, ...], one: Pull, zh: str, en: str) -> pack.Remark:
    return pack.remark(path, PullIncomplete(kind=one.from_, should_zh=zh, should_en=en))


def _check_gbfs(
    one: Pull, gbfs: Gbfs, path: tuple[str | int, ...], book: pack.Book
) -> Iterator[pack.Remark]:
    told: list[tuple[str, Any, tuple[str, ...], str]] = []
    if gbfs.stations:
        yield from pack.known(book, "type", gbfs.stations.type, (*path, "stations", "type"))
        told.append(("stations", gbfs.stations, STATION_FIGURES, gbfs.stations.type))
    if gbfs.vehicles:
        element: Any = book.find("element", gbfs.vehicles.thing)
        yield from pack.known(book, "element", gbfs.vehicles.thing, (*path, "vehicles", "thing"))
        told.append(("vehicles", gbfs.vehicles, VEHICLE_FIGURES, getattr(element, "type", "")))
    for name, part, figures, type_ in told:
        for figure, prop in part.properties.items():
            where = (*path, name, "properties", figure)
            if figure not in figures:
                listed = ", ".join(figures)
                yield _lacks(where, one, f"没有 {figure},有 {listed}", f"has of {name}: {listed}")
            if type_:
                yield from pack.known(book, "property", f"{type_}.{prop}", where)


SECTION = pack.Section("pulls.yaml", PullsFile, _check)
