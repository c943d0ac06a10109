"""一张网 · read a CSV row by row into observations; what cannot be read is kept apart, with why.

Streams: at most one row and the recent series are in memory. Does not send.
"""

import csv
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec

from zhiyin.kernel import CallerFault, Words, millis_of, parse_duration
from zhiyin.network.mapping import Mapping, Target

_REMEMBERED = 200_000  # observations in which a duplicate is recognised, about 40 MB


class ColumnsMissing(CallerFault):
    """The file does not have the columns the mapping names."""

    code = "network-111"
    what = Words(
        "文件没有映射所说的列:{missing};文件的列:{found}。",
        "The file lacks columns that the mapping names: {missing}; it has: {found}.",
    )
    do = Words("选对的映射,或改映射里的列名。", "Take the right mapping, or correct its columns.")


class ColumnsUnspoken(CallerFault):
    """The file has columns of which the mapping says nothing."""

    code = "network-112"
    what = Words(
        "文件有映射没有提到的列:{unspoken}。每一列都要么对应属性,要么列入 ignore。",
        "The mapping does not speak of these columns: {unspoken}. Each is mapped or ignored.",
    )
    do = Words("在 columns 或 ignore 里写上它们。", "Name them under columns or under ignore.")


class Observation(NamedTuple):
    """One value in its property's unit, `time` in UTC ms."""

    thing: str
    property: str
    time: int
    value: float


class Reason(msgspec.Struct, frozen=True):
    """Why a row, or one cell of it, is kept apart."""

    code: str
    column: str
    found: str
    zh: str
    en: str


class Row(NamedTuple):
    """One record: the line it ends on, its readable observations, what is wrong with it."""

    line: int
    observations: list[Observation]
    reasons: list[Reason]
    cells: list[str]


class Counts(msgspec.Struct):
    """What was read. cells = observations + missing + duplicates + apart_cells, always.

    `rows` counts records without the header, `apart` those kept apart wholly or in part,
    `cells` the mapped cells of all rows; `gaps` the rows that should stand between two rows of
    one thing, by the mapping's `every`.
    """

    rows: int = 0
    cells: int = 0
    observations: int = 0
    missing: int = 0
    duplicates: int = 0
    apart: int = 0
    apart_cells: int = 0
    gaps: int = 0


class RowReader:
    """Rows of one table by one mapping, with counts that miss nothing; `name` is the table's."""

    def __init__(self, name: str, mapping: Mapping, targets: Sequence[Target]) -> None:
        self.counts = Counts()
        self._name, self._mapping, self._targets = name, mapping, targets
        self._missing = frozenset(mapping.missing)
        self._every = parse_duration(mapping.every) if mapping.every else 0
        self._zone = mapping.time.offset()
        self._seen: OrderedDict[tuple[str, str, int], float] = OrderedDict()
        self._latest: dict[str, int] = {}
        self._moments: dict[str, int] = {}

    def begin(self, header: list[str]) -> None:
        """Take the names of the columns; ColumnsMissing, ColumnsUnspoken."""
        self.header, mapping = header, self._mapping
        named = mapping.named()
        lacking = [name for name in named if name not in self.header]
        if lacking:
            raise ColumnsMissing(
                f"{self._name}:1", missing=", ".join(lacking), found=", ".join(self.header)
            )
        spoken = {*named, *mapping.ignore}
        unspoken = [name or '""' for name in self.header if name not in spoken]
        if unspoken:
            raise ColumnsUnspoken(f"{self._name}:1", unspoken=", ".join(unspoken))
        self._at = {name: number for number, name in enumerate(self.header)}

    def row(self, line: int, cells: list[str]) -> Row:
        """Read one record, which ends on `line`."""
        self.counts.rows += 1
        self.counts.cells += len(self._targets)
        if len(cells) != len(self.header):
            found = f"{len(cells)}/{len(self.header)}"
            return self._lost(line, cells, _reason("columns", "", found))
        thing, unknown = self._thing(cells)
        time, unread = self._time(cells)
        if time is None or thing is None:
            return self._lost(line, cells, *unknown, *unread)
        row = Row(line, [], [], cells)
        for target in self._targets:
            self._cell(row, thing, time, target, cells[self._at[target.column]].strip())
        self._count_gap(thing, time)
        self.counts.apart += bool(row.reasons)
        return row

    def unreadable(self, line: int, problem: str) -> Row:
        """Count a record of which there are no cells."""
        self.counts.rows += 1
        return self._apart(line, [], _reason("csv", "", problem))

    def _lost(self, line: int, cells: list[str], *reasons: Reason) -> Row:
        self.counts.apart_cells += len(self._targets)
        return self._apart(line, cells, *reasons)

    def _apart(self, line: int, cells: list[str], *reasons: Reason) -> Row:
        self.counts.apart += 1
        return Row(line, [], list(reasons), cells)

    def _thing(self, cells: list[str]) -> tuple[str | None, list[Reason]]:
        source = self._mapping.thing
        if source.always:
            return source.always, []
        text = cells[self._at[source.column]].strip()
        thing = source.values.get(text) if source.values else text
        return (thing, []) if thing else (None, [_reason("thing", source.column, text)])

    def _time(self, cells: list[str]) -> tuple[int | None, list[Reason]]:
        source = self._mapping.time
        text = " ".join(cells[self._at[name]].strip() for name in source.columns)
        if text in self._moments:
            return self._moments[text], []
        try:
            moment = datetime.strptime(text, source.format)  # noqa: DTZ007  (the zone comes next)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=self._zone)
        except ValueError:
            return None, [_reason("time", "+".join(source.columns), text)]
        if len(self._moments) > 1_000:
            self._moments.clear()
        self._moments[text] = millis_of(moment)
        return self._moments[text], []

    def _cell(self, row: Row, thing: str, time: int, target: Target, text: str) -> None:
        if text in self._missing:
            self.counts.missing += 1
            return
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.counts.apart_cells += 1
            row.reasons.append(_reason("number", target.column, text))
            return
        value = number
        if (target.scale, target.offset) != (1.0, 0.0):
            # 12 digits: what a conversion adds in the last binary places is no measurement.
            value = float(f"{number * target.scale + target.offset:.12g}")
        known = self._remember((thing, target.property, time), value)
        if known is None:
            self.counts.observations += 1
            row.observations.append(Observation(thing, target.property, time, value))
        elif known == value:
            self.counts.duplicates += 1
        else:
            self.counts.apart_cells += 1
            row.reasons.append(_reason("conflict", target.column, text, first=f"{known:g}"))

    def _remember(self, key: tuple[str, str, int], value: float) -> float | None:
        """Return the value already read for this thing, property and time, else None."""
        known = self._seen.setdefault(key, value)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return None if known is value else known

    def _count_gap(self, thing: str, time: int) -> None:
        latest = self._latest.get(thing, time)
        if self._every and time > latest:
            self.counts.gaps += (time - latest) // self._every - 1
        self._latest[thing] = max(latest, time)


_SAYS = {
    "columns": Words(
        "这一行的列数与表头不同({found})", "the row has another number of columns ({found})"
    ),
    "thing": Words("映射里没有“{found}”这个名字", "the mapping does not know the name “{found}”"),
    "time": Words("“{found}”不是映射所说格式的时间", "“{found}” is no time of the mapping's form"),
    "number": Words("“{found}”不是数", "“{found}” is no number"),
    "conflict": Words(
        "同物同时已有另一值 {first},这里是 {found}",
        "the same thing and time already had {first}, here it is {found}",
    ),
    "csv": Words("这一行读不成:{found}", "the row cannot be read: {found}"),
}


def _reason(code: str, column: str, found: str, **more: Any) -> Reason:
    says = _SAYS[code].filled({"found": found, **more})
    return Reason(code, column, found, says.zh, says.en)


class Reader(RowReader):
    """Rows of one CSV file."""

    def __init__(self, file: Path, mapping: Mapping, targets: Sequence[Target]) -> None:
        super().__init__(str(file), mapping, targets)
        self.bytes_read = 0
        self._file = file

    def __iter__(self) -> Iterator[Row]:
        # What is not in the file's encoding stays visible as \\x.. and is kept apart as unknown.
        with self._file.open(
            encoding=self._mapping.encoding, errors="backslashreplace", newline=""
        ) as text:
            records = csv.reader(text, delimiter=self._mapping.delimiter)
            self.begin(next(records, []))
            yield from self._rows(text, records)

    def _rows(self, text: TextIO, records: Any) -> Iterator[Row]:
        raw = text.buffer
        while True:
            try:
                cells = next(records)
            except StopIteration:
                return
            except csv.Error as fault:
                yield self.unreadable(records.line_num, str(fault))
                continue
            if cells:  # csv gives an empty list for an empty line
                self.bytes_read = raw.tell()
                yield self.row(records.line_num, cells)
