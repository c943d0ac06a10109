"""A pull as declared, with all that its pack says about it: mapping, targets."""

from collections.abc import Mapping as Named
from pathlib import Path
from typing import Any

from msgspec import Struct

from zhiyin import pack
from zhiyin.network.mapping import Mapping, Target, load_mapping, targets_of, tree_of
from zhiyin.network.pull.faults import PullUndeclared
from zhiyin.network.pull.section import Pull


class DeclaredPull(Struct, frozen=True):
    """A pull, its pack, and for a table the mapping of its columns."""

    pull: Pull
    pack: str
    mapping: Mapping | None = None
    targets: tuple[Target, ...] = ()


def declared_pulls(one: pack.Pack) -> Named[str, DeclaredPull]:
    """Return the pulls of a pack; PullUndeclared, MappingWrong and their kin tell of its faults."""
    file: Any = one.sections.get("pulls")
    found = {}
    for pull in file.pulls if file is not None else ():
        if pull.table is None:
            found[pull.pull] = DeclaredPull(pull, one.key)
            continue
        where = _mappings(one.folder).get(pull.table.mapping)
        if where is None:
            raise PullUndeclared(
                f"{one.key}/pulls.yaml", pull=pull.pull, mapping=pull.table.mapping
            )
        mapping = load_mapping(where)
        targets = targets_of(mapping, where, one.folder / "model.yaml")
        found[pull.pull] = DeclaredPull(pull, one.key, mapping, tuple(targets))
    return found


def _mappings(folder: Path) -> dict[str, Path]:
    """Return the files of a pack's mappings of columns, by the mapping's name."""
    found = {}
    for file in sorted((folder / "mappings").glob("*.yaml")):
        tree = tree_of(file)
        if isinstance(tree, dict) and "mapping" in tree:
            found[str(tree["mapping"])] = file
    return found
