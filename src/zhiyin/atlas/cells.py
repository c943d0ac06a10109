"""一张图:one cell of a CSV file, from value to text and back."""

from typing import Any

import msgspec

_TRAPS = ("=", "+", "-", "@", "\t", "\r", "'")  # a spreadsheet would run or eat these


def plain(cell: str) -> Any:
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        return cell


def cell(value: Any) -> str:
    """Return a cell that `plain` reads back as the value, text that looks like JSON in quotes."""
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    plainly = value and value.strip() == value and plain(value) == value
    return value if plainly else msgspec.json.encode(value).decode()


def trapped(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_TRAPS) and not _number(cell) else cell


def untrapped(cell: str) -> str:
    return cell.removeprefix("'")


def _number(cell: str) -> bool:
    return isinstance(plain(cell), (int, float))
