"""场景包 · one JSON Schema for each file of a pack, so that editors complete and mark it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from zhiyin.pack.book import Section

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(section: Section) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a room's file."""
    schema = msgspec.json.schema(section.shape)
    title = f"知音场景包 · {section.file} / Zhiyin scenario pack: {section.file}"
    return {"$schema": _DRAFT, "title": title, **schema}


def schema_text(section: Section) -> str:
    return json.dumps(schema_of(section), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_schemas(sections: Iterable[Section], folder: Path) -> list[Path]:
    """Write `<stem>.json` for every section; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for section in sections:
        file = folder / f"{section.stem}.json"
        file.write_text(schema_text(section), "utf-8")
        files.append(file)
    return files
