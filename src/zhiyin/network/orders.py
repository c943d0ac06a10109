"""Commands to devices: asked over HTTP, carried by the gateway the device is connected to.

Off unless `gateways.orders` is set. An order is asked → sent → (running) → done, failed, refused
or timed_out; every change is a row of the store with who and when, and so an event.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import Bus, Database
from zhiyin.kernel import CallerFault, Words, iso, new_id
from zhiyin.network.frame import Answer, Order, Wire
from zhiyin.network.model import Device
from zhiyin.network.store import DeviceRow, OrderRow, device_of

SUBJECT = "network.orders."  # and the gateway
OPEN = ("asked", "sent", "running")


class OrdersOff(CallerFault):
    """Commands are not switched on."""

    code = "network-030"
    status = 403
    what = Words("没有开启向设备下发命令。", "Commands to devices are not switched on.")
    do = Words(
        "由管理员设置 gateways.orders = true。", "An administrator sets gateways.orders = true."
    )


class NoSuchDevice(CallerFault):
    """A device that is not in the register."""

    code = "network-031"
    status = 404
    what = Words("没有设备 {device}。", "There is no device {device}.")
    do = Words("在设备名录里查它的编号。", "Look up its id in the register of devices.")


class NoSuchVerb(CallerFault):
    """A command that the device's protocol does not have."""

    code = "network-032"
    what = Words(
        "{gateway} 的设备没有命令 {verb};有:{known}。",
        "Devices of {gateway} have no command {verb}; there are: {known}.",
    )
    do = Words("换一个命令。", "Choose one of these.")


class ParameterUnknown(CallerFault):
    """A parameter that the command does not have."""

    code = "network-033"
    what = Words(
        "命令 {verb} 没有参数 {name};有:{known}。",
        "Command {verb} has no parameter {name}; there are: {known}.",
    )
    do = Words("改名或删去。", "Correct or remove it.")


def check(device: Device, wire: Wire | None, verb: str, parameters: dict[str, Any]) -> None:
    """Raise NoSuchVerb or ParameterUnknown for what the protocol cannot say."""
    verbs = wire.orders if wire else {}
    if verb not in verbs:
        known = ", ".join(sorted(verbs)) or "-"
        raise NoSuchVerb(device.id, gateway=device.gateway or "-", verb=verb, known=known)
    for name in parameters:
        if name not in verbs[verb]:
            raise ParameterUnknown(device.id, verb=verb, name=name, known=", ".join(verbs[verb]))


async def ask(
    database: Database, bus: Bus, device: Device, order: tuple[str, dict[str, Any]],
    actor: str, now: int, within: int,
) -> OrderRow:  # fmt: skip
    """Write an order down and tell the gateways of its protocol."""
    verb, parameters = order
    row = OrderRow(
        id=new_id(), device=device.id, gateway=device.gateway, verb=verb, parameters=parameters,
        state="asked", by=actor, asked_at=now, deadline=now + within, detail="", answer={},
    )  # fmt: skip
    async with database.write(actor) as session:
        session.add(row)
    told = Order(row.id, device.address.partition("/")[0], verb, parameters)
    await bus.notify(SUBJECT + device.gateway, msgspec.json.encode(told))
    return row


async def note_sent(session: AsyncSession, order: str, now: int) -> None:
    row = await session.get(OrderRow, order)
    if row is not None and row.state == "asked":
        row.state, row.sent_at = "sent", now


async def note_answers(session: AsyncSession, answers: Sequence[Answer], now: int) -> None:
    """Take what devices said to orders; what comes after the end changes nothing."""
    for answer in answers:
        row = await session.get(OrderRow, answer.order)
        if row is None or row.state not in OPEN:
            continue
        row.state = {None: "running", True: "done", False: "failed"}[answer.done]
        row.sent_at = row.sent_at or now
        row.answered_at, row.detail = now, answer.detail[:400]
        row.answer = {**(row.answer or {}), **msgspec.to_builtins(answer.data)}


async def time_out(session: AsyncSession, gateway: str, now: int) -> int:
    """End orders whose time is over; return how many."""
    late = await session.scalars(
        select(OrderRow).where(
            OrderRow.gateway == gateway, OrderRow.state.in_(OPEN), OrderRow.deadline < now
        )
    )
    count = 0
    for row in late:
        row.detail = {
            "asked": "the device was not connected",
            "sent": "the device did not answer",
        }.get(row.state, "the device did not say how it ended")
        row.state = "timed_out"
        count += 1
    return count


async def open_late(session: AsyncSession, gateway: str, now: int) -> bool:
    question = select(func.count()).where(
        OrderRow.gateway == gateway, OrderRow.state.in_(OPEN), OrderRow.deadline < now
    )
    return bool(await session.scalar(question))


async def device(session: AsyncSession, key: str) -> Device:
    """Return a device; NoSuchDevice."""
    row = await session.get(DeviceRow, key)
    if row is None:
        raise NoSuchDevice(key, device=key)
    return device_of(row)


async def of_device(session: AsyncSession, key: str, limit: int) -> list[dict[str, Any]]:
    """Return a device's orders, the newest first."""
    rows = await session.scalars(
        select(OrderRow)
        .where(OrderRow.device == key)
        .order_by(OrderRow.asked_at.desc())
        .limit(limit)
    )
    return [shown(row) for row in rows]


def shown(row: OrderRow) -> dict[str, Any]:
    return {
        "id": row.id, "device": row.device, "verb": row.verb, "parameters": row.parameters,
        "state": row.state, "by": row.by, "asked_at": iso(row.asked_at),
        "deadline": iso(row.deadline), "sent_at": iso(row.sent_at) if row.sent_at else None,
        "answered_at": iso(row.answered_at) if row.answered_at else None,
        "detail": row.detail, "answer": row.answer,
    }  # fmt: skip
