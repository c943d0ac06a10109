"""The register of devices as people work with it: added, imported, changed, calibrated, removed."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from zhiyin.cloud import Bus, Database
from zhiyin.kernel import DAY, CallerFault, Fault, Words, iso, new_id, parse_duration
from zhiyin.network import store
from zhiyin.network.model import Device
from zhiyin.network.section import DeviceTemplate
from zhiyin.network.secure import proof_of
from zhiyin.network.service import REGISTER_CHANGED, AddressTaken, UnknownType, enrol
from zhiyin.network.types import Types

TOLD = ("gateway", "state", "seen", "repair")  # exported besides; an import passes over them
_LENGTHS = {
    "address": 128,
    "key": 128,
    "certificate": 400,
    "model": 100,
    "firmware": 100,
}  # of the columns below
COLUMNS = (
    "id", "template", "type", "thing", "address", "key", "certificate", "every", "model",
    "firmware",
)  # fmt: skip
CHANGEABLE = (
    "address", "key", "certificate", "settings", "every", "repair", "model", "firmware", "template",
)  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class DeviceIn(msgspec.Struct, forbid_unknown_fields=True):
    """A device to register; its type is that of the template when it is not said."""

    id: str
    type: str = ""
    template: str = ""
    thing: str = ""
    address: str = ""
    key: str = ""
    certificate: str = ""
    settings: dict[str, Any] = {}
    every: str = ""
    model: str = ""
    firmware: str = ""


class DeviceChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change of a device; what is left out stays."""

    template: str | msgspec.UnsetType = msgspec.UNSET
    address: str | msgspec.UnsetType = msgspec.UNSET
    key: str | msgspec.UnsetType = msgspec.UNSET
    certificate: str | msgspec.UnsetType = msgspec.UNSET
    settings: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    every: str | msgspec.UnsetType = msgspec.UNSET
    repair: bool | msgspec.UnsetType = msgspec.UNSET
    model: str | msgspec.UnsetType = msgspec.UNSET
    firmware: str | msgspec.UnsetType = msgspec.UNSET


_Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]  # to the year 9999


class CalibrationIn(msgspec.Struct, forbid_unknown_fields=True):
    """One calibration or check to write down; `due` (UTC ms) is when the next one is."""

    at: _Moment
    by: Annotated[str, msgspec.Meta(max_length=120)]
    result: Annotated[str, msgspec.Meta(max_length=16)]
    certificate: Annotated[str, msgspec.Meta(max_length=120)] = ""
    due: _Moment | None = None
    note: Annotated[str, msgspec.Meta(max_length=400)] = ""


class WrongDevice(CallerFault):
    """Something about a device that cannot be."""

    code = "network-015"
    status = 422
    what = Words(
        "{name} 是 {value},应为{should_zh}。", "{name} is {value}; it should be {should_en}."
    )
    do = Words("改这一项再登记。", "Correct it and register again.")


class UnreadableSheet(CallerFault):
    """A file to import that is neither CSV nor Excel."""

    code = "network-016"
    status = 422
    what = Words("读不成表格:{reason}。", "This cannot be read as a table: {reason}.")
    do = Words(
        "用 UTF-8 的 CSV 或 xlsx,第一行是列名:{columns}。",
        "Send CSV in UTF-8, or xlsx, with the columns' names in the first row: {columns}.",
    )


def device_of(one: DeviceIn, templates: Mapping[str, DeviceTemplate]) -> Device:
    """Return the device to register; WrongDevice says which field cannot be."""
    if not _ID.fullmatch(one.id):
        raise _wrong(
            one.id, "id", one.id, "1 到 64 个字母、数字、_ 或 -", "1 to 64 of A-Z a-z 0-9 _ -"
        )
    thing = one.thing or one.id
    if not _ID.fullmatch(thing):
        raise _wrong(one.id, "thing", thing, "已有的物的编号", "the id of a thing")
    template = templates.get(one.template)
    if one.template and template is None:
        known = ", ".join(sorted(templates))
        raise _wrong(one.id, "template", one.template, f"其中之一:{known}", f"one of {known}")
    type_ = one.type or (template.for_ if template else "")
    if template is not None and type_ != template.for_:
        raise _wrong(one.id, "type", type_, template.for_, template.for_)
    if not type_:
        raise _wrong(one.id, "template", "", "模板或类型之一", "given, or else the type")
    for name in _LENGTHS:
        _check_length(one.id, name, getattr(one, name))
    return Device(
        id=one.id, type=type_, thing=thing, template=one.template,
        gateway=template.by if template else "", address=one.address, key=one.key,
        certificate=read_certificate(one.id, one.certificate, one.address),
        settings=one.settings, every=read_span(one.id, "every", one.every), model=one.model,
        firmware=one.firmware,
    )  # fmt: skip


def _check_length(where: str, name: str, value: str) -> None:
    most = _LENGTHS[name]
    if len(value) > most or "\0" in value:
        short = value if len(value) <= 40 else f"{value[:40]}…"
        raise _wrong(where, name, short, f"至多 {most} 个字", f"at most {most} characters")


def read_certificate(where: str, text: str, address: str) -> str:
    """Return what a device has to show as it is kept; WrongDevice when it is no certificate."""
    try:
        proof = proof_of(text)
    except ValueError as fault:
        raise _wrong(
            where,
            "certificate",
            str(fault)[:80],
            "SHA-256 指纹(64 位十六进制)或 CN=名称",
            "a SHA-256 fingerprint (64 hex digits) or CN=name",
        ) from None
    if text and "/" in address:
        raise _wrong(
            where, "certificate", text[:80], "空:部件用发送者的证书",
            "empty: a part comes with its sender's",
        )  # fmt: skip
    return ", ".join([*sorted(proof.fingerprints), *(f"CN={one}" for one in sorted(proof.names))])


def read_span(where: str, name: str, text: str) -> int:
    """Return a span of time in ms, 0 for none said; WrongDevice when it is none above 0."""
    if not text:
        return 0
    try:
        millis = parse_duration(text)
    except (ValueError, OverflowError):
        millis = 0
    if not 0 < millis <= 366 * DAY:
        raise _wrong(where, name, text, "时长,例如 5min", "a duration such as 5min")
    return millis


def _wrong(where: str, name: str, value: str, should_zh: str, should_en: str) -> WrongDevice:
    return WrongDevice(
        where, name=name, value=repr(value), should_zh=should_zh, should_en=should_en
    )


class Sheet(NamedTuple):
    """A sheet as it was read: rows by column name with their lines, and columns nobody reads."""

    rows: list[tuple[int, dict[str, str]]]
    unknown: list[str]


def read_sheet(body: bytes) -> Sheet:
    """Return what a CSV or Excel file holds; UnreadableSheet.

    Lines are counted from 1 with the header and empty ones, as a spreadsheet numbers them. A row
    that is longer than the header has what is left over under the key "".
    """
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415

    try:
        if body[:2] == b"PK" or body[:4] == b"\xd0\xcf\x11\xe0":
            table = CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0)
            found = [
                [_cell(cell) for cell in row] for row in table.to_python(skip_empty_area=False)
            ]
            lines = list(enumerate(found, start=1))
        else:
            reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
            lines, line = [], 1
            for cells in reader:
                lines.append((line, cells))
                line = reader.line_num + 1  # a quoted cell may go over several lines
    except (CalamineError, UnicodeDecodeError, csv.Error, ValueError, OSError) as fault:
        raise UnreadableSheet("body", reason=str(fault), columns=", ".join(COLUMNS)) from fault
    lines = [(line, cells) for line, cells in lines if any(cell.strip() for cell in cells)]
    header = [name.strip() for name in lines[0][1]] if lines else []
    if "id" not in header:
        reason = f"first row: {', '.join(header)[:100]!r}"
        raise UnreadableSheet("body", reason=reason, columns=", ".join(COLUMNS))
    rows = []
    for line, cells in lines[1:]:
        said = [cell.strip() for cell in cells]
        over = ",".join(said[len(header) :]).strip(",")
        rows.append((line, {**dict(zip(header, said, strict=False)), "": over}))
    unknown = [name for name in header if name and name not in {*COLUMNS, *TOLD}]
    return Sheet(rows, unknown)


def _cell(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


async def import_devices(
    database: Database, bus: Bus, types: Types, templates: Mapping[str, DeviceTemplate],
    table: Sheet, *, actor: str, now: int, dry: bool,
) -> dict[str, Any]:  # fmt: skip
    """Register the rows of a sheet; those that cannot be are told by line, the others go in.

    Returns {"added", "known", "refused": [{"line", "id", "problem"}…], "unknown_columns": […]}.
    """
    refused: list[dict[str, Any]] = []
    good: dict[str, Device] = {}
    async with database.read() as session:
        taken = await store.addresses(session)
        known = set(await store.load_devices(session))
    for line, row in table.rows:
        try:
            if row[""]:
                over = row[""][:40]
                raise _wrong(f"{line}", "row", over, "不多于表头的列", "no longer than the header")
            given: dict[str, Any] = {name: row.get(name) or "" for name in COLUMNS}
            entry = DeviceIn(**given)
            device = device_of(entry, templates)
            _fits(device, types, taken, good)
        except Fault as fault:
            problem = {"zh": fault.text("zh"), "en": fault.text("en"), "code": fault.code}
            refused.append({"line": line, "id": row.get("id", ""), "problem": problem})
            continue
        good[device.id] = device
    fresh = [one for one in good.values() if one.id not in known]
    if not dry and fresh:
        await enrol(database, bus, types, fresh, source="import", actor=actor, now=now)
    return {
        "added": len(fresh), "known": len(good) - len(fresh), "refused": refused, "dry": dry,
        "unknown_columns": table.unknown,
    }  # fmt: skip


def _fits(
    device: Device, types: Types, taken: dict[tuple[str, str], str], good: Mapping[str, Device]
) -> None:
    if device.type not in types:
        raise UnknownType(device.id, type=repr(device.type), known=", ".join(sorted(types)))
    if device.id in good:
        raise _wrong(device.id, "id", device.id, "不重复", "there once")
    if not device.address:
        return
    other = taken.setdefault((device.gateway, device.address), device.id)
    if other != device.id:
        raise AddressTaken(device.id, gateway=device.gateway, address=device.address, other=other)


async def change(
    database: Database, bus: Bus, templates: Mapping[str, DeviceTemplate], key: str,
    wanted: DeviceChange, actor: str,
) -> Device | None:  # fmt: skip
    """Change a device; None when there is none. Raises WrongDevice or AddressTaken."""
    async with database.write(actor) as session:
        row = await session.get(store.DeviceRow, key)
        if row is None:
            return None
        for name in CHANGEABLE:
            value = getattr(wanted, name)
            if value is msgspec.UNSET:
                continue
            if name == "every":
                value = read_span(key, name, value)
            if name in _LENGTHS:
                _check_length(key, name, value)
            if name == "certificate":
                value = read_certificate(key, value, row.address)
            if name == "template":
                value = _template_for(row, value, templates)
            setattr(row, name, value)
        if row.address:
            other = await session.scalar(
                select(store.DeviceRow.id).where(
                    store.DeviceRow.gateway == row.gateway,
                    store.DeviceRow.address == row.address,
                    store.DeviceRow.id != key,
                )
            )
            if other:
                raise AddressTaken(key, gateway=row.gateway, address=row.address, other=other)
        device = store.device_of(row)
    await bus.notify(REGISTER_CHANGED)
    return device


def _template_for(row: store.DeviceRow, key: str, templates: Mapping[str, DeviceTemplate]) -> str:
    fitting = {name: one for name, one in templates.items() if one.for_ == row.type}
    if key not in fitting:
        known = ", ".join(sorted(fitting)) or "-"
        raise _wrong(row.id, "template", key, f"其中之一:{known}", f"one of {known}")
    row.gateway = fitting[key].by
    return key


async def remove(database: Database, bus: Bus, key: str, actor: str) -> bool:
    """Take a device out of the register; its series and their observations stay."""
    async with database.write(actor) as session:
        row = await session.get(store.DeviceRow, key)
        if row is None:
            return False
        await session.delete(row)
    await bus.notify(REGISTER_CHANGED)
    return True


async def calibrate(session: AsyncSession, device: str, one: CalibrationIn) -> store.CalibrationRow:
    row = store.CalibrationRow(id=new_id(), device=device, **msgspec.structs.asdict(one))
    session.add(row)
    return row


async def calibrations(session: AsyncSession, device: str) -> list[dict[str, Any]]:
    """Return a device's calibrations, the newest first."""
    found = await session.scalars(
        select(store.CalibrationRow)
        .where(store.CalibrationRow.device == device)
        .order_by(store.CalibrationRow.at.desc())
    )
    return [
        {
            "id": row.id, "at": iso(row.at), "by": row.by, "result": row.result,
            "certificate": row.certificate, "due": iso(row.due) if row.due else None,
            "note": row.note,
        }
        for row in found
    ]  # fmt: skip


def sheet(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as CSV that a spreadsheet opens with its Chinese whole.

    A text that a spreadsheet would take for a formula is given a quote in front.
    """
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_safe(row.get(name)) for name in columns])
    return out.getvalue()


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value
