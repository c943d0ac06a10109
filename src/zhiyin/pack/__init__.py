"""场景包:what a scenario pack is, and how it is loaded, checked and played. Reads no room."""

from zhiyin.pack.book import Book, Pack, Section, known, once, remark
from zhiyin.pack.demo import Daily, Day, DemoFile, Pulse, Shape
from zhiyin.pack.loading import Loader
from zhiyin.pack.model import (
    DurationText,
    Finding,
    Identifier,
    Key,
    LevelKey,
    Manifest,
    PlanRow,
    PropertyName,
    Remark,
    TimeText,
    Title,
)
from zhiyin.pack.schemas import schema_of, write_schemas
from zhiyin.pack.stories import Played, Stage, StoriesFile, Story, play

__all__ = [
    "Book", "Daily", "Day", "DemoFile", "DurationText", "Finding", "Identifier", "Key",
    "LevelKey", "Loader", "Manifest", "Pack", "PlanRow", "Played", "PropertyName", "Pulse",
    "Remark", "Section", "Shape", "Stage", "StoriesFile", "Story", "TimeText", "Title", "known",
    "once", "play", "remark", "schema_of", "write_schemas",
]  # fmt: skip
