"""What devices tell once, and what they answer to orders: kept before they are confirmed.

A happening is a candidate report: an alarm of a fire panel, a camera's event with its picture.
It has an id that follows from what it says, so that a repetition by the device is the same one.
"""

import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import Database, announce
from zhiyin.kernel import Clock, fixed_id, iso
from zhiyin.network.collector import Found
from zhiyin.network.frame import Answer
from zhiyin.network.orders import note_answers
from zhiyin.network.store import HappeningRow

PICTURES = "files/pictures"
# By content, whatever the sender calls it.
KINDS = {
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"GIF8": ("gif", "image/gif"),
    b"BM": ("bmp", "image/bmp"),
}


class Records:
    """Keeps happenings and answers of gateways; each may be told twice."""

    def __init__(self, database: Database, clock: Clock, folder: Path) -> None:
        self._database, self._clock, self._folder = database, clock, folder / PICTURES

    async def happenings(self, gateway: str, found: Sequence[Found]) -> None:
        now = self._clock.now()
        rows = {row.id: row for row in (self._row(gateway, one, now) for one in found)}
        async with self._database.write(f"system:gateway-{gateway}") as session:
            ids = list(rows)
            known = set(
                await session.scalars(select(HappeningRow.id).where(HappeningRow.id.in_(ids)))
            )
            for row in rows.values():
                if row.id not in known:
                    session.add(row)
                    announce(session, "network.happening.taken", row.id, shown(row))

    async def answers(self, answers: Sequence[Answer]) -> None:
        async with self._database.write("system:gateway") as session:
            await note_answers(session, answers, self._clock.now())

    def _row(self, gateway: str, found: Found, now: int) -> HappeningRow:
        device, one = found
        data = msgspec.to_builtins(one.data)
        key = fixed_id(
            "happening", gateway, device.id, one.part, one.kind, one.time,
            msgspec.json.encode(data, order="sorted"), blake2b(one.picture).hexdigest(),
        )  # fmt: skip
        lon, lat = one.place or (None, None)
        return HappeningRow(
            id=key, gateway=gateway, device=device.id, thing=device.thing, kind=one.kind,
            part=one.part, time=one.time, received=now, lon=lon, lat=lat, data=data,
            picture=self._store(one.picture) if one.picture else "",
        )  # fmt: skip

    def _store(self, picture: bytes) -> str:
        """Write a picture under a name that follows from its content; return the name."""
        ending = next(
            (kind for mark, (kind, _) in KINDS.items() if picture.startswith(mark)), "bin"
        )
        name = f"{blake2b(picture, digest_size=16).hexdigest()}.{ending}"
        path = self._folder / name[:2] / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            with draft.open("wb") as file:
                file.write(picture)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        return name


def picture_file(folder: Path, name: str) -> tuple[Path, str] | None:
    """Return the file of a picture and its MIME type, None when there is none."""
    stem, _, ending = name.partition(".")
    if not (stem.isalnum() and ending.isalnum()):
        return None
    path = folder / PICTURES / name[:2] / name
    kinds = dict(KINDS.values())
    return (path, kinds.get(ending, "application/octet-stream")) if path.is_file() else None


def shown(row: HappeningRow) -> dict[str, Any]:
    return {
        "id": row.id, "gateway": row.gateway, "device": row.device, "thing": row.thing,
        "kind": row.kind, "part": row.part, "time": iso(row.time), "received": iso(row.received),
        "place": None if row.lon is None else [row.lon, row.lat], "data": row.data,
        "picture": f"/api/v1/happenings/{row.id}/picture" if row.picture else None,
    }  # fmt: skip


async def page(
    session: AsyncSession, device: str | None, kind: str | None, limit: int, offset: int
) -> tuple[list[HappeningRow], int]:
    """Return happenings, the newest first, and how many there are."""
    question = select(HappeningRow)
    if device:
        question = question.where(HappeningRow.device == device)
    if kind:
        question = question.where(HappeningRow.kind == kind)
    total = await session.scalar(select(func.count()).select_from(question.subquery()))
    order = question.order_by(HappeningRow.received.desc(), HappeningRow.id)
    return list(await session.scalars(order.limit(limit).offset(offset))), total or 0
