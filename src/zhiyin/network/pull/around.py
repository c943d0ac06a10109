"""What a run of a pull works with, and what it tells at its end."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zhiyin.cloud import Database
from zhiyin.kernel import Clock

if TYPE_CHECKING:
    import httpx

MIB = 1024 * 1024

Hand = Callable[[str, str, dict[str, Any]], Awaitable[None]]  # pull, layer, GeoJSON
Known = Callable[[str, set[str]], Awaitable[None]]  # type, things that should be registered


class Around(NamedTuple):
    """What a run works with."""

    database: Database
    clock: Clock
    client: "httpx.AsyncClient"
    hand: Hand
    known: Known
    folder: Path  # for what is fetched
    fresh: dict[str, Any]  # what this pull remembers in memory: GBFS files by their name


class Came(NamedTuple):
    """How far a run has come: what is written once the stream has all of it."""

    watermark: Any
    validators: dict[str, str]
    not_before: int = 0  # UTC ms; GBFS's ttl
