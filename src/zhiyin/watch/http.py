"""Routes of the watch room: warnings, acknowledged and cleared."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Router, get, post
from litestar.params import HeaderParameter, Parameter
from litestar.response import Response

from zhiyin.cloud import Database
from zhiyin.kernel import Clock, WarningLevel, iso
from zhiyin.watch import service, store

User = Annotated[str, HeaderParameter(name="X-Zhiyin-User")]
LevelKey = Literal["blue", "yellow", "orange", "red"]


class NoteIn(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody says while acknowledging or clearing."""

    note: str = ""


def router(database: Database, clock: Clock) -> Router:
    """Return the room's routes."""

    @get("/warnings")
    async def list_warnings(
        is_open: bool | None = Parameter(query="open", default=None),  # noqa: FBT001
        level: LevelKey | None = None,
        area: str | None = None,
        thing: str | None = None,
        q: str | None = None,
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
        offset: Annotated[int, Parameter(ge=0)] = 0,
    ) -> Response[list[dict[str, Any]]]:
        wanted = store.Wanted(is_open, WarningLevel.of(level) if level else None, area, thing, q)
        async with database.read() as session:
            rows, total = await store.page(session, wanted, limit, offset)
        body = [store.shown(row) for row in rows]
        return Response(body, headers={"X-Total-Count": str(total)})

    @get("/warnings/{warning:str}")
    async def one_warning(warning: str) -> dict[str, Any]:
        async with database.read() as session:
            row = await service.require(session, warning)
            changes = await store.changes_of(session, warning)
        history = [
            {
                "time": iso(c.time),
                "kind": c.kind,
                "level": WarningLevel(c.level).key,
                "value": c.value,
            }
            for c in changes
        ]
        return {**store.shown(row), "changes": history}

    @post("/warnings/{warning:str}/acknowledge", status_code=200)
    async def acknowledge(
        warning: str, data: NoteIn | None = None, user: User = "user:duty"
    ) -> dict[str, Any]:
        async with database.write(user) as session:
            note = data.note if data else ""
            return await service.acknowledge(session, warning, user, note, clock)

    @post("/warnings/{warning:str}/clear", status_code=200)
    async def clear(warning: str, data: NoteIn, user: User = "user:duty") -> dict[str, Any]:
        async with database.write(user) as session:
            return await service.clear(session, warning, user, data.note, clock)

    return Router(
        "", route_handlers=[list_warnings, one_warning, acknowledge, clear], tags=["watch 监测预警"]
    )
