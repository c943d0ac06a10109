"""一个湖:observations, their history, latest values and quality. Does not warn."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zhiyin.lake.flags import Packed, Verdict
from zhiyin.lake.flags import counts as flag_counts
from zhiyin.lake.flags import shown as flags_shown
from zhiyin.lake.limits import Limits
from zhiyin.lake.live import NEVER, Admission, LiveState
from zhiyin.lake.model import (
    Columns,
    Flags,
    Floats,
    Ints,
    Mask,
    Millis,
    UnreadableBatch,
    decode,
    joined,
    values_at,
)
from zhiyin.lake.quality_section import limits_of

if TYPE_CHECKING:
    from zhiyin.lake.ledger import EventLedger
    from zhiyin.lake.quality import Flagger
    from zhiyin.lake.query import STEPS, Observations
    from zhiyin.lake.recorded import Named, Question, Recorded, Sorting
    from zhiyin.lake.writer import LakeUnwritable, ObservationsTable

__all__ = [
    "NEVER", "STEPS", "Admission", "Columns", "EventLedger", "Flagger", "Flags", "Floats", "Ints",
    "LakeUnwritable", "Limits", "LiveState", "Mask", "Millis", "Named", "Observations",
    "ObservationsTable", "Packed", "Question", "Recorded", "Sorting", "UnreadableBatch",
    "Verdict", "decode", "flag_counts", "flags_shown", "joined", "limits_of", "values_at",
]  # fmt: skip

# DuckDB, Delta and GEOS take 45 MiB in each process that loads them; only some need them.
_LATER = {
    "EventLedger": "ledger", "Flagger": "quality", "STEPS": "query", "Observations": "query",
    "Named": "recorded", "Question": "recorded", "Recorded": "recorded", "Sorting": "recorded",
    "LakeUnwritable": "writer", "ObservationsTable": "writer",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'zhiyin.lake' has no attribute {name!r}")
    return getattr(import_module(f"zhiyin.lake.{_LATER[name]}"), name)
