"""A fetched file to the records of a table: CSV, Excel, JSON, GeoJSON. Reads; judges nothing."""

import csv
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import python_calamine

from zhiyin.network.frame import FrameFault
from zhiyin.network.mapping import Mapping
from zhiyin.network.payload.path import MISSING, at, records
from zhiyin.network.payload.strict_json import read_json
from zhiyin.network.payload.strict_xml import TEXT, XmlLimits, read_xml
from zhiyin.network.pull.faults import NotAsDeclared, TooMuch
from zhiyin.network.pull.section import Table

IN_MEMORY = 64 * 1024 * 1024  # bytes of a JSON text, or of an unpacked workbook times four


class Record(NamedTuple):
    """One row as text: the line it ends on, its cells; or why it could not be read as cells."""

    line: int
    cells: list[str]
    problem: str = ""
    mark: Any = None  # of its watermark column, as the source has it


Records = Iterator[Record]


def open_table(file: Path, table: Table, mapping: Mapping) -> tuple[list[str], Records]:
    """Return the columns of a file and its records; NotAsDeclared, TooMuch when it has none."""
    return _KINDS[table.as_](file, table, mapping)


def cell(value: Any, column: str, mapping: Mapping) -> str:
    """Return a value as the text that the mapping reads; a whole number has no point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date | time):
        if column in mapping.time.columns and len(mapping.time.columns) == 1:
            return value.strftime(mapping.time.format)
        return value.isoformat()
    return str(value)


def _csv(file: Path, _table: Table, mapping: Mapping) -> tuple[list[str], Records]:
    # What is not in the file's encoding stays visible as \\x.. and is kept apart as unknown.
    text = file.open(encoding=mapping.encoding, errors="backslashreplace", newline="")
    records = csv.reader(text, delimiter=mapping.delimiter)
    try:
        header = next(records, [])
    except csv.Error as fault:
        raise NotAsDeclared(file.name, reason=str(fault)) from fault

    def rows() -> Records:
        with text:
            while True:
                try:
                    cells = next(records)
                except StopIteration:
                    return
                except csv.Error as fault:
                    yield Record(records.line_num, [], str(fault))
                    continue
                if cells:
                    yield Record(records.line_num, cells)

    return header, rows()


def _excel(file: Path, table: Table, mapping: Mapping) -> tuple[list[str], Records]:
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > 4 * IN_MEMORY:
            raise TooMuch(file.name, limit=f"{4 * IN_MEMORY} bytes unpacked")
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(file))
        name = table.sheet or book.sheet_names[0]
        rows = iter(book.get_sheet_by_name(name).to_python(skip_empty_area=True))
    except MemoryError:
        raise
    except BaseException as fault:  # the reader's own panic is no Exception
        if isinstance(fault, KeyboardInterrupt | SystemExit):
            raise
        raise NotAsDeclared(file.name, reason=f"no workbook: {str(fault)[:200]}") from None
    header = [str(name) for name in next(rows, [])]
    return header, (
        Record(
            number, [cell(value, name, mapping) for name, value in zip(header, row, strict=True)]
        )
        for number, row in enumerate(rows, 2)
        if any(value != "" for value in row)
    )


def _tree(file: Path) -> Any:
    try:
        return read_json(file.read_bytes(), IN_MEMORY)
    except FrameFault as fault:
        raise NotAsDeclared(file.name, reason=fault.detail) from fault


def _json(file: Path, table: Table, mapping: Mapping) -> tuple[list[str], Records]:
    tree = _tree(file)
    items = at(table.at, tree, tree)
    if not isinstance(items, list):
        raise NotAsDeclared(file.name, reason=f"no list of records at {table.at or 'the top'!r}")
    return mapping.named(), _objects(items, mapping)


def _xml(file: Path, table: Table, mapping: Mapping) -> tuple[list[str], Records]:
    try:
        tree = read_xml(file.read_bytes(), IN_MEMORY, XmlLimits(elements=table.elements))
    except FrameFault as fault:
        raise NotAsDeclared(file.name, reason=fault.detail) from fault
    root = next(iter(tree))
    if table.at.partition(".")[0] != root:
        raise NotAsDeclared(file.name, reason=f"the document is {root!r}, not as {table.at!r} says")
    found = (record.value for record in records(f"{table.at}.[]", tree))
    return mapping.named(), _objects([_plain(item) for item in found], mapping)


def _plain(item: Any) -> Any:
    """Return a record in which an element with attributes is its text as well."""
    if not isinstance(item, dict):
        return item
    return {
        name: value[TEXT] if isinstance(value, dict) and TEXT in value else value
        for name, value in item.items()
    } | {
        f"{name}.{own}": inner
        for name, value in item.items()
        if isinstance(value, dict)
        for own, inner in value.items()
        if own[:1] in {"@", "#"}
    }


def _geojson(file: Path, _table: Table, mapping: Mapping) -> tuple[list[str], Records]:
    tree = _tree(file)
    features = tree.get("features") if isinstance(tree, dict) else None
    if not isinstance(features, list):
        raise NotAsDeclared(file.name, reason="no FeatureCollection with a list of features")
    return mapping.named(), _objects([_feature(one) for one in features], mapping)


def _feature(feature: Any) -> Any:
    """Return a feature's properties with `id`, `lon` and `lat` of its point."""
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        return feature
    found = dict(feature["properties"])
    if "id" in feature:
        found.setdefault("id", feature["id"])
    geometry = feature.get("geometry")
    point = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if isinstance(point, list) and len(point) >= 2:
        found.setdefault("lon", point[0])
        found.setdefault("lat", point[1])
    return found


def _objects(items: list[Any], mapping: Mapping) -> Records:
    names = mapping.named()
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            yield Record(number, [], f"record {number} is no object")
            continue
        found = [item[name] if name in item else at(name, item, item) for name in names]
        cells = [
            "" if value is MISSING else cell(value, name, mapping)
            for name, value in zip(names, found, strict=True)
        ]
        yield Record(number, cells)


_KINDS: dict[str, Callable[[Path, Table, Mapping], tuple[list[str], Records]]] = {
    "csv": _csv, "excel": _excel, "json": _json, "geojson": _geojson, "xml": _xml,
}  # fmt: skip
