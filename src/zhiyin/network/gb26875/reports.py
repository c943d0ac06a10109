"""What a data unit of GB/T 26875.3-2011 means: its fields, readings and happenings."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from zhiyin.network.frame import Field, FrameFault, Happening, Reading
from zhiyin.network.gb26875 import tables, times, units
from zhiyin.network.gb26875.units import LAYOUTS, Unit
from zhiyin.network.model import Reason

STATES = {1: "system_state", 2: "component_state", 21: "transmitter_state"}
OPERATIONS = {4: "operation", 24: "transmitter_operation"}
FAULTS = frozenset(
    {"fault", "main_power_fault", "backup_power_fault", "bus_fault", "power_fault",
     "channel_fault", "line_fault"}
)  # fmt: skip


class Said(NamedTuple):
    """What a data unit says."""

    readings: list[Reading]
    happenings: list[Happening]


def said(unit: Unit, sent: int) -> Said:
    """Return what a data unit says; an object without a time of its own has that of sending."""
    found = Said([], [])
    read = _READ.get(unit.kind)
    if read:
        for one in unit.objects:
            read(found, unit.kind, one, sent)
    return found


def place(system: int, address: int, component: bytes | None = None) -> str:
    """Return the part: `1.3` a system, `1.3/000600D9` a component of it (address as a number)."""
    if component is None:
        return f"{system}.{address}"
    return f"{system}.{address}/{int.from_bytes(component, 'little'):08X}"


def _state(found: Said, kind: int, one: tuple[Any, ...], sent: int) -> None:
    time = times.millis(one[-1]) or sent
    part, data = "", dict[str, Any]()
    if kind == 1:
        system, address, state, _ = one
        part, data = place(system, address), {"system": tables.told("system", system)}
    elif kind == 2:
        system, address, component, where, state, text, _ = one
        part = place(system, address, where)
        data = {
            "system": tables.told("system", system),
            "component": tables.told("component", component),
            "text": units.text_shown(text).strip(),
        }
    else:
        state = one[0]
    group, table = str(kind), STATES[kind]
    for mask, name in tables.bits(table):
        found.readings.append(Reading(group, name, time, state & mask != 0, "", part))
    names = tables.words(table, state)
    data["states"] = list(names)
    if "fire" in names:
        found.happenings.append(Happening("fire", time, part, data=data))
    if not FAULTS.isdisjoint(names):
        found.happenings.append(Happening("fault", time, part, data=data))


def _analogue(found: Said, kind: int, one: tuple[Any, ...], sent: int) -> None:
    system, address, _, where, sort, count, label = one
    known = tables.codes("analogue").get(sort)
    name, unit, counts = (
        (known.name, known.unit, known.counts) if known else (f"analogue_{sort}", "", 1)
    )
    time = times.millis(label) or sent
    part = place(system, address, where)
    found.readings.append(Reading(str(kind), name, time, count / counts, unit, part))


def _operation(found: Said, kind: int, one: tuple[Any, ...], sent: int) -> None:
    *where, bits, operator, label = one
    time = times.millis(label) or sent
    part = place(*where) if where else ""
    data = {"operations": list(tables.words(OPERATIONS[kind], bits)), "operator": operator}
    if "duty_answer" in data["operations"]:
        found.happenings.append(Happening("duty_answer", time, part, data={"operator": operator}))
        data["operations"].remove("duty_answer")
        if not data["operations"]:
            return
    found.happenings.append(Happening("operation", time, part, data=data))


_READ: Mapping[int, Callable[[Said, int, tuple[Any, ...], int], None]] = {
    1: _state,
    2: _state,
    3: _analogue,
    4: _operation,
    21: _state,
    24: _operation,
}
_TITLES = {
    "system_type": "系统类型", "system_address": "系统地址", "component_type": "部件类型",
    "component_address": "部件地址", "state": "状态", "text": "部件说明", "time": "时间",
    "analogue_type": "模拟量类型", "value": "模拟量值(原始计数)", "operation": "操作标志",
    "operator": "操作员编号", "main_version": "主版本号", "sub_version": "次版本号",
    "description": "配置说明", "count": "操作信息记录数目", "minutes": "应答超时时间(分钟)",
    "reserved": "预留",
}  # fmt: skip
_EXPLAINED = {
    "system_type": "system", "component_type": "component", "analogue_type": "analogue",
}  # fmt: skip


def fields_of(unit: Unit) -> list[Field]:
    """Return the fields of all objects; `part` is the object's number.

    A field whose part is a number and a word explains the field of that name.
    """
    told = [Field("type", unit.kind, title=tables.told("type", unit.kind))]
    for n, one in enumerate(unit.objects):
        for (name, kind), value in zip(LAYOUTS[unit.kind].fields, one, strict=True):
            table = _EXPLAINED.get(name)
            title = _TITLES.get(name, "")
            if table:
                title = f"{title}:{tables.told(table, value)}"
            told.append(Field(name, units.shown(kind, value), title=title, part=str(n + 1)))
            told.extend(_explained(unit.kind, name, value, one, f"{n + 1} {name}"))
    return told


def _explained(
    kind: int, name: str, value: Any, one: tuple[Any, ...], part: str
) -> Iterator[Field]:
    if name in {"state", "operation"}:
        table = STATES.get(kind) or OPERATIONS[kind]
        for code in tables.codes(table).values():
            yield Field(code.name, bool(value >> code.code & 1), title=code.zh, part=part)
    elif name == "value":
        known = tables.codes("analogue").get(one[4])
        if known:
            yield Field(known.name, value / known.counts, known.unit, known.zh, part)


def objects_of(fields: Iterable[Mapping[str, Any]]) -> tuple[int, list[list[Any]]]:
    """Return type and raw objects of what `fields_of` gave; FrameFault."""
    kind, values = 0, []
    for field in fields:
        if field.get("name") == "type":
            kind = int(field.get("value", 0))
        elif " " not in str(field.get("part", "")):
            values.append(field)
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise FrameFault(Reason.UNSUPPORTED, f"data unit of type {kind}, which is not defined")
    width = len(layout.fields)
    if len(values) % width:
        raise FrameFault(
            Reason.MALFORMED, f"{len(values)} fields of type {kind}; each object has {width}"
        )
    objects = []
    for n in range(0, len(values), width):
        one = []
        for (name, sort), field in zip(layout.fields, values[n : n + width], strict=True):
            try:
                if field.get("name") != name:
                    raise FrameFault(
                        Reason.MALFORMED, f"field {field.get('name')}; {name} should stand here"
                    )
                one.append(units.read(sort, field.get("value")))
            except (ValueError, TypeError, OverflowError) as fault:
                raise FrameFault(Reason.MALFORMED, f"field {name}: {fault}") from fault
        objects.append(one)
    return kind, objects
