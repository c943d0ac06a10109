"""What tests of a running brain say to it again and again."""

import re
from typing import Any

from tests.brains import RunningBrain, until
from zhiyin.kernel import iso, new_id

_LINE = re.compile(r"^(\w+)(?:\{(.*)\})? ([0-9.e+-]+)$", re.MULTILINE)


def new_device(brain: RunningBrain, kind: str = "ponding_point") -> str:
    """Register a device that no other test knows, and return its id."""
    name = f"{kind[:8]}-{new_id()[-12:]}"
    brain.post("/devices", [{"id": name, "type": kind}]).raise_for_status()
    return name


def reading(thing: str, time: int | str | None, value: Any, prop: str = "depth") -> dict[str, Any]:
    said = iso(time) if isinstance(time, int) else time
    return {"thing": thing, "property": prop, "time": said, "value": value}


def stored(brain: RunningBrain, thing: str, count: int, prop: str = "depth", **query: Any) -> Any:
    """Return a thing's observations in the lake, once there are `count` of them."""

    def found() -> Any:
        rows = brain.get(f"/series/{thing}/{prop}/observations", **query)
        return rows if len(rows) >= count else None

    return until(found, 30, f"{count} rows of {thing}")


def kept(brain: RunningBrain, thing: str, count: int = 1, **query: Any) -> list[dict[str, Any]]:
    """Return what is kept apart of a thing, once there are `count` items."""

    def found() -> Any:
        page = brain.get("/quarantine", thing=thing, **query)
        return page["items"] if page["total"] >= count else None

    return list(until(found, 30, f"{count} kept items of {thing}"))


def figure(page: str, name: str, **labels: str) -> float:
    """Return the sum of a Prometheus figure over all lines that have these labels."""
    wanted = {f'{key}="{value}"' for key, value in labels.items()}
    return sum(
        float(value)
        for found, said, value in _LINE.findall(page)
        if found == name and wanted <= set((said or "").split(","))
    )
