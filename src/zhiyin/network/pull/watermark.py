"""How far a source has been taken: the greatest value of a column that only grows."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from zhiyin.network.pull.faults import NotAsDeclared
from zhiyin.network.pull.section import Since


class Watermark:
    """The greatest value so far; `ordered` sources have to give their rows in its order."""

    def __init__(self, since: Since, begin: Any, *, ordered: bool) -> None:
        self._since, self._ordered = since, ordered
        self.value: Any = begin
        self.complete: Any = begin  # the greatest of which no row can still follow
        self._last: Any = None

    def feed(self, mark: Any) -> None:
        """Take the value of one row; a row without one moves nothing."""
        value = self._read(mark)
        if value is None:
            return
        if self._last is not None and value != self._last:
            if self._ordered and value < self._last:
                column = self._since.column
                raise NotAsDeclared(column, reason=f"the rows are not in the order of {column}")
            self.complete = self._written(self._last) if self._ordered else self.complete
        self._last = value if self._ordered or self._last is None else max(value, self._last)
        self.value = self._greater(self._written(self._last))

    def _greater(self, value: Any) -> Any:
        """Return the greater of the value and what was there: a source may repeat old rows."""
        if self.value is None:
            return value
        known = self._read(self.value)
        try:
            return value if known is None or self._read(value) >= known else self.value
        except TypeError:  # one with and one without a zone
            return value

    def _read(self, mark: Any) -> Any:
        kind = self._since.kind
        try:
            if mark is None or mark == "":
                return None
            if kind == "text":
                return str(mark)
            if kind == "number":
                number = mark if isinstance(mark, int | float | Decimal) else Decimal(str(mark))
                return int(number) if number == int(number) else float(number)
            return mark if isinstance(mark, datetime) else datetime.fromisoformat(str(mark).strip())
        except (ValueError, ArithmeticError):
            shown = str(mark)[:60]
            raise NotAsDeclared(
                self._since.column, reason=f"{shown!r} is no {kind} to go by"
            ) from None

    def _written(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value
