"""Mappings of payloads from YAML: the house's own and those of packs, each fault with its line."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from zhiyin.network.mapping import read_as, tree_of
from zhiyin.network.payload.model import PayloadMapping

BUILTIN = Path(__file__).parent / "builtin"


def load_payload(file: Path) -> PayloadMapping:
    """Read a mapping; MappingUnreadable or MappingWrong name file, line and column."""
    return read_as(file, tree_of(file), PayloadMapping)


@cache
def builtin_payloads() -> dict[str, PayloadMapping]:
    """Return the mappings that come with the house, by name."""
    found = [load_payload(file) for file in sorted(BUILTIN.glob("*.yaml"))]
    return {one.payload: one for one in found}


def pack_payloads(folders: Iterable[Path]) -> dict[str, PayloadMapping]:
    """Return the mappings of packs (in their `mappings/`) and of the house; a pack's own wins."""
    found: dict[str, PayloadMapping] = {}
    for folder in folders:
        for file in sorted((folder / "mappings").glob("*.yaml")):
            tree = tree_of(file)
            if isinstance(tree, dict) and "payload" in tree:
                one = read_as(file, tree, PayloadMapping)
                found[one.payload] = one
    return {**found, **{k: v for k, v in builtin_payloads().items() if k not in found}}
