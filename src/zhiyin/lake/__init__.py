"""一个湖:observations, their history and their latest values. Does not judge them."""

from zhiyin.lake.ledger import EventLedger
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
from zhiyin.lake.query import STEPS, Observations
from zhiyin.lake.recorded import Named, Question, Recorded, Sorting
from zhiyin.lake.writer import LakeUnwritable, ObservationsTable

__all__ = [
    "NEVER", "STEPS", "Admission", "Columns", "EventLedger", "Flags", "Floats", "Ints",
    "LakeUnwritable", "LiveState", "Mask", "Millis", "Named", "Observations", "ObservationsTable",
    "Question", "Recorded", "Sorting", "UnreadableBatch", "decode", "joined", "values_at",
]  # fmt: skip
