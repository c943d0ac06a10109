"""The `mappings/` of a pack, held to their shapes when the pack is read: what the check tells."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zhiyin.kernel import PackFault
from zhiyin.network.mapping import (
    MappingWrong,
    load_mapping,
    place_of,
    read_as,
    targets_of,
    tree_of,
)
from zhiyin.network.payload.model import PayloadMapping
from zhiyin.network.pull.faults import PullUndeclared
from zhiyin.network.pull.section import PullsFile


def check_mappings(folder: Path, sections: Mapping[str, Any]) -> Iterator[PackFault]:
    """Yield what is wrong with a pack's mappings and with who names one; `where` is the place."""
    names: set[str] = set()
    whole = True
    for file in sorted((folder / "mappings").glob("*.yaml")):
        try:
            names |= _held(file, folder / "model.yaml")
        except PackFault as fault:
            whole = False
            yield fault
    pulls = sections.get("pulls")
    if whole and isinstance(pulls, PullsFile):
        where = folder / "pulls.yaml"
        tree = tree_of(where)
        for at, one in enumerate(pulls.pulls):
            if one.table is not None and one.table.mapping not in names:
                place = place_of(where, tree, ["pulls", str(at), "table", "mapping"])
                yield PullUndeclared(place, pull=one.pull, mapping=one.table.mapping)


def _held(file: Path, model: Path) -> set[str]:
    """Return the name of a mapping of columns; none of one of payloads. PackFault."""
    tree = tree_of(file)
    kind = {"payload", "mapping"} & set(tree) if isinstance(tree, dict) else set()
    if len(kind) != 1:
        raise MappingWrong(f"{file}:1:1", problem="it has `mapping` (columns) or `payload`")
    if "payload" in kind:
        read_as(file, tree, PayloadMapping)
        return set()
    mapping = load_mapping(file)
    targets_of(mapping, file, model)
    return {mapping.mapping}
