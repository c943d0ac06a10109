"""一张网 · `devices.yaml`: what senses the things of a pack, and by which gateway it comes in."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from zhiyin import pack
from zhiyin.kernel import PackFault, Words, factor, parse_duration
from zhiyin.network.model import Device
from zhiyin.network.secure import proof_of

Gateway = Literal[
    "mqtt", "http", "hj212", "sl651", "jt808", "gb26875", "gat1400", "sensorthings", "file",
    "itself",
]  # fmt: skip


class Read(Struct, frozen=True, forbid_unknown_fields=True):
    """Which property a value of the device is; `unit` where the device has not the standard's.

    `scale` is for what counts in something that is no unit (pulses, tips of a bucket).
    """

    property: pack.Key
    unit: str = ""
    scale: float = 1.0


class DeviceTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of device: the type of thing it stands at, its gateway and what it measures.

    `reads` says which property each value of a field protocol is: by its standard's name, or by
    `GROUP.NAME` where it matters which report brings it (`2061.a34004-Avg`). `settings` are the
    protocol's own. With `certificate: required` a device of this kind is heard over TLS only, with
    the certificate that the register has for it. A device that is there `by: itself` is registered
    by the process it stands for.
    """

    device: pack.Key
    for_: pack.Key = field(name="for")
    by: Gateway
    properties: Annotated[tuple[pack.Key, ...], Meta(min_length=1)]
    every: pack.DurationText
    title: pack.Title | None = None
    reads: dict[str, pack.Key | Read] = {}
    settings: dict[str, Any] = {}
    certificate: Literal["", "required"] = ""

    @property
    def every_ms(self) -> int:
        return parse_duration(self.every)


class Binding(Struct, frozen=True, forbid_unknown_fields=True):
    """One device whose id is not that of its thing; `address` is its protocol's name for it.

    `renames` turns the words of a device of MQTT or HTTP into properties.
    """

    device: pack.Identifier
    template: pack.Key
    thing: pack.Identifier
    renames: dict[str, pack.Key] = {}
    address: str = ""
    key: str = ""
    certificate: str = ""
    settings: dict[str, Any] = {}

    def __post_init__(self) -> None:
        try:
            proof_of(self.certificate)
        except ValueError as fault:
            raise ValueError(
                f"`certificate` has {str(fault)[:60]!r}; it is SHA-256 fingerprints or CN=name"
            ) from None


class DevicesFile(Struct, frozen=True, forbid_unknown_fields=True):
    """`devices.yaml`: templates, and the devices that do not report under their thing's id."""

    devices: tuple[DeviceTemplate, ...]
    bound: tuple[Binding, ...] = ()


class NoWayIn(PackFault):
    """A property that would stay empty for ever."""

    code = "network-001"
    what = Words(
        "属性 {name} 没有设备带来,也不是推算的(derived)。",
        "No device brings property {name}, and it is not derived.",
    )
    do = Words(
        "在一个 for: {type} 的设备模板的 properties 里写上它。",
        "Name it in the properties of a device template for: {type}.",
    )


class BringsDerived(PackFault):
    """Two sources for what only one may write."""

    code = "network-002"
    what = Words(
        "设备不能带来推算的属性 {name}。", "A device cannot bring {name}, which is derived."
    )
    do = Words("从 properties 里删去。", "Remove it from properties.")


class ReadsElse(PackFault):
    """A value read into a property that the template does not bring."""

    code = "network-004"
    what = Words(
        "{name} 读成 {property},而 properties 里没有它;有:{known}。",
        "{name} is read as {property}, which properties does not have; there are: {known}.",
    )
    do = Words("补进 properties,或改名。", "Add it to properties, or correct the name.")


class ReadsInOtherUnit(PackFault):
    """A value in a unit that cannot become its property's."""

    code = "network-005"
    what = Words(
        "{name} 的单位 {unit} 不能换算成 {property} 的单位 {wanted}。",
        "The unit {unit} of {name} cannot be turned into {wanted} of {property}.",
    )
    do = Words("写与它同量纲的单位。", "State a unit that measures the same.")


class TypeNotOfTemplate(PackFault):
    """A device bound to a thing it cannot sense."""

    code = "network-003"
    what = Words(
        "{thing} 的类型是 {is_},模板 {template} 用于 {should}。",
        "{thing} is a {is_}; template {template} is for {should}.",
    )
    do = Words("换一个模板或换一个物。", "Choose another template or another thing.")


def _check(file: DevicesFile, book: pack.Book) -> Iterator[pack.Remark]:
    templates = [one.device for one in file.devices]
    paths = [("devices", at, "device") for at in range(len(templates))]
    yield from pack.once("device", templates, paths)
    brought: set[str] = set()
    for at, one in enumerate(file.devices):
        yield from pack.known(book, "type", one.for_, ("devices", at, "for"))
        for place, name in enumerate(one.properties):
            full, path = f"{one.for_}.{name}", ("devices", at, "properties", place)
            brought.add(full)
            yield from pack.known(book, "property", full, path)
            found: Any = book.find("property", full)
            if found is not None and found.derived:
                yield pack.remark(path, BringsDerived(name=full))
        yield from _check_reads(one, book, ("devices", at, "reads"))
    yield from _ways_in(file, book, brought)
    yield from _check_bound(file, book)


def _check_reads(
    one: DeviceTemplate, book: pack.Book, path: tuple[str | int, ...]
) -> Iterator[pack.Remark]:
    known = ", ".join(one.properties)
    for name, read in one.reads.items():
        prop = read if isinstance(read, str) else read.property
        if prop not in one.properties:
            yield pack.remark((*path, name), ReadsElse(name=name, property=prop, known=known))
            continue
        declared: Any = book.find("property", f"{one.for_}.{prop}")
        unit = "" if isinstance(read, str) else read.unit
        if declared is None or not unit:
            continue
        try:
            factor(unit, declared.unit)
        except ValueError:
            fault = ReadsInOtherUnit(name=name, unit=unit, property=prop, wanted=declared.unit)
            yield pack.remark((*path, name), fault)


def _ways_in(file: DevicesFile, book: pack.Book, brought: set[str]) -> Iterator[pack.Remark]:
    """Remark every property of a type sensed here that neither a device nor a rule brings."""
    sensed = {one.for_ for one in file.devices}
    for name, one in book.all("property").items():
        type_ = name.partition(".")[0]
        if type_ in sensed and name not in brought and not one.derived:
            yield pack.remark(("devices",), NoWayIn(name=name, type=type_))


def _check_bound(file: DevicesFile, book: pack.Book) -> Iterator[pack.Remark]:
    templates = {one.device: one for one in file.devices}
    for at, bound in enumerate(file.bound):
        yield from pack.known(book, "device", bound.template, ("bound", at, "template"))
        yield from pack.known(book, "element", bound.thing, ("bound", at, "thing"))
        element: Any = book.find("element", bound.thing)
        template = templates.get(bound.template)
        if element and template and element.type != template.for_:
            fault = TypeNotOfTemplate(
                thing=bound.thing, is_=element.type, template=template.device, should=template.for_
            )
            yield pack.remark(("bound", at, "thing"), fault)


def _offers(file: DevicesFile) -> Iterator[tuple[str, str, object]]:
    for one in file.devices:
        yield "device", one.device, one


SECTION = pack.Section("devices.yaml", DevicesFile, _check, _offers)


def bound_devices(file: DevicesFile) -> list[Device]:
    """Return the devices that a pack brings under ids of their own."""
    templates = {one.device: one for one in file.devices}
    return [
        Device(
            id=one.device, type=templates[one.template].for_, thing=one.thing,
            template=one.template, gateway=templates[one.template].by, address=one.address,
            key=one.key, certificate=one.certificate, settings=one.settings,
        )
        for one in file.bound
    ]  # fmt: skip
