"""场景包 · read one YAML 1.2 file into plain values, each with its line and column.

`no` and `on` stay words; a date stays text. Duplicate keys, anchors, tags, files above 1 MiB and
nesting beyond 40 levels are refused, so that a file cannot mean or cost more than it shows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from zhiyin.kernel import PackFault
from zhiyin.pack.faults import AliasUsed, FileTooBig, KeyTwice, NestedTooDeep, NotYaml

MOST_BYTES = 1 << 20
MOST_LEVELS = 40

Path_ = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"


class Trouble(NamedTuple):
    """A fault and the place it concerns: (line, column) from 1, or a path in the document."""

    place: tuple[int, int] | None
    path: Path_
    fault: PackFault
    at_key: bool = False


class Document:
    """One file read: its plain value and, for every path in it, where key and value stand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Any = None
        self.values: dict[Path_, tuple[int, int]] = {(): (1, 1)}
        self.keys: dict[Path_, tuple[int, int]] = {}
        self.troubles: list[Trouble] = []

    def where(self, path: Path_, *, at_key: bool = False) -> tuple[int, int]:
        """Return line and column of the value (or key) at `path`, else of the nearest above it."""
        places = self.keys if at_key else self.values
        while path and path not in places:
            path, places = path[:-1], self.values
        return places.get(path, (1, 1))


def read(file: Path, name: str) -> Document:
    """Read a file; what cannot be read is in `troubles`, the rest in `value`."""
    document = Document(name)
    size = file.stat().st_size
    if size > MOST_BYTES:
        fault = FileTooBig(name, size=size, most=MOST_BYTES)
        document.troubles.append(Trouble((1, 1), (), fault))
        return document
    try:
        node = YAML(typ="safe", pure=True).compose(file.read_text("utf-8"))
        document.value = _value(node, (), document) if node is not None else None
    except UnicodeDecodeError as fault:
        _refuse(document, NotYaml(problem=f"byte {fault.start} is not UTF-8"), (1, 1))
    except RecursionError:
        _refuse(document, NestedTooDeep(most=MOST_LEVELS), (1, 1))
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        _refuse(document, NotYaml(problem=fault.problem or fault.context), place)
    except (YAMLError, ValueError) as fault:
        _refuse(document, NotYaml(problem=str(fault).split("\n")[0]), (1, 1))
    return document


def _refuse(document: Document, fault: PackFault, place: tuple[int, int]) -> None:
    document.value = None
    document.troubles.append(Trouble(place, (), fault))


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _value(node: Node, path: Path_, document: Document) -> Any:
    document.values[path] = _place(node)
    if node.anchor is not None:
        document.troubles.append(Trouble(_place(node), path, AliasUsed(name=node.anchor)))
        return None
    if len(path) > MOST_LEVELS:
        document.troubles.append(Trouble(_place(node), path, NestedTooDeep(most=MOST_LEVELS)))
        return None
    if isinstance(node, MappingNode):
        return dict(_pairs(node, path, document))
    if isinstance(node, SequenceNode):
        return [_value(item, (*path, at), document) for at, item in enumerate(node.value)]
    return _scalar(node, path, document)


def _pairs(node: MappingNode, path: Path_, document: Document) -> Iterator[tuple[str, Any]]:
    for key_node, value_node in node.value:
        if not isinstance(key_node, ScalarNode) or key_node.anchor is not None:
            fault = NotYaml(problem="a key should be a plain word")
            document.troubles.append(Trouble(_place(key_node), path, fault))
            continue
        key = str(key_node.value)
        inner = (*path, key)
        if inner in document.keys:
            fault_twice = KeyTwice(key=key, line=document.keys[inner][0])
            document.troubles.append(Trouble(_place(key_node), path, fault_twice))
            continue
        document.keys[inner] = _place(key_node)
        yield key, _value(value_node, inner, document)


def _scalar(node: Node, path: Path_, document: Document) -> Any:
    text, tag = str(node.value), str(node.tag).removeprefix(_TAG)
    if tag in {"str", "timestamp"}:
        return text
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        digits = text.replace("_", "")
        return int(digits, 0) if digits.lstrip("+-")[:2] in {"0x", "0o"} else int(digits)
    if tag == "float":
        return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    fault = NotYaml(problem=f"the tag {node.tag} is not read here")
    document.troubles.append(Trouble(_place(node), path, fault))
    return None
