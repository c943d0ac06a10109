"""The ledger: every event of the house, in the lake, once and in order."""

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from zhiyin.cloud import Message
from zhiyin.lake.writer import LakeUnwritable

WRITER = "ledger"  # with the stream that positions are of
SCHEMA = pa.schema(
    [("month", pa.string()), ("position", pa.int64()), ("kind", pa.string()),
     ("subject", pa.string()), ("actor", pa.string()), ("time", pa.string()),
     ("data", pa.string())]
)  # fmt: skip


class EventLedger:
    """The one writer of the events table; `position` is the last stream sequence in it.

    `stream` names the stream that positions are of; a stream set up anew counts from 1 again.
    """

    def __init__(self, folder: Path, stream: str) -> None:
        self.path = str(folder / "events")
        self._writer = f"{WRITER}:{stream}"
        self._table: DeltaTable | None = None
        with contextlib.suppress(TableNotFoundError):
            self._table = DeltaTable(self.path)

    @property
    def position(self) -> int:
        if self._table is None:
            return 0
        return self._table.transaction_version(self._writer) or 0

    def append(self, messages: list[Message]) -> int:
        """Write events behind the position; LakeUnwritable leaves all of them out."""
        position = self.position
        fresh = [message for message in messages if message.seq > position]
        if not fresh:
            return 0
        rows = [_row(message) for message in fresh]
        try:
            write_deltalake(
                self._table if self._table is not None else self.path,
                pa.Table.from_pylist(rows, SCHEMA),
                mode="append",
                partition_by=["month"],
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(self._writer, fresh[-1].seq)]
                ),
            )
            if self._table is None:
                self._table = DeltaTable(self.path)
        except (DeltaError, OSError) as fault:
            with contextlib.suppress(TableNotFoundError):
                self._table = DeltaTable(self.path)
            raise LakeUnwritable(self.path, reason=str(fault)) from fault
        return len(fresh)

    def tidy(self) -> None:
        """Join small files."""
        if self._table is not None and len(self._table.file_uris()) > 50:
            self._table.optimize.compact()
            self._table.vacuum(retention_hours=1, dry_run=False, enforce_retention_duration=False)


def _row(message: Message) -> dict[str, Any]:
    event: dict[str, Any] = msgspec.json.decode(message.data)
    return {
        "month": event["time"][:7],
        "position": message.seq,
        "kind": event["type"],
        "subject": event["subject"],
        "actor": event["actor"],
        "time": event["time"],
        "data": msgspec.json.encode(event["data"]).decode(),
    }
