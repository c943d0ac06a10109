"""GA/T 1400.3: objects of the video image library as JSON, to happenings. Pure: no HTTP, no clock.

Lenient in (numbers as text, one bare object for a list, names in any case), and silent about
people: what describes a face or a person is dropped before anything is kept.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from zhiyin.kernel import DISTRICT_ZONE, millis_of
from zhiyin.network.frame import FrameFault, Happening
from zhiyin.network.gat1400.limits import Limits
from zhiyin.network.model import Reason

Object = dict[str, Any]
Where = Callable[[str], tuple[float, float] | None]  # place of a camera or tollgate, by id


class Kind(NamedTuple):
    """One kind of object: its names on the wire, and what it is here."""

    name: str  # object `nameObject`, list `nameListObject`
    happening: str
    times: tuple[str, ...]
    people: bool = False


_SHOTS = ("ShotTime", "EventTime", "TriggerTime", "MarkTime")
KINDS = {
    "MotorVehicles": Kind("MotorVehicle", "vehicle", ("PassTime", "AppearTime", *_SHOTS)),
    "NonMotorVehicles": Kind(
        "NonMotorVehicle", "non_motor_vehicle", ("PassTime", "AppearTime", *_SHOTS)
    ),
    "Persons": Kind("Person", "person", ("PersonAppearTime", "LocationMarkTime"), people=True),
    "Faces": Kind("Face", "face", ("FaceAppearTime", "ShotTime", "LocationMarkTime"), people=True),
    "Images": Kind("Image", "image", _SHOTS),
    "VideoSlices": Kind("VideoSlice", "video", ("BeginTime", *_SHOTS)),
    "Files": Kind("File", "file", ("UploadTime", *_SHOTS)),
    "Things": Kind("Thing", "thing", ("AppearTime", "LocationMarkTime", *_SHOTS)),
    "Scenes": Kind("Scene", "scene", ("BeginTime", "AppearTime", *_SHOTS)),
}

FIELDS, TEXT = 80, 512  # fields of an object and characters of one that are kept
_FACE, _PERSON = "11", "10"  # types of pictures that show somebody
_BEST = ("14", "01", "100", "09", "02")  # types of pictures, the most telling first
_MARKS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"BM": "image/bmp"}
_INNER = ("ImageInfo", "VideoSliceInfo", "FileInfo", "ThingInfo", "SceneInfo")
# All that is kept of a face or person where people are allowed: where and when, not who.
_OF_PEOPLE = {
    "FaceID", "PersonID", "InfoKind", "SourceID", "DeviceID", "LeftTopX", "LeftTopY",
    "RightBtmX", "RightBtmY", "LocationMarkTime", "FaceAppearTime", "FaceDisAppearTime",
    "PersonAppearTime", "PersonDisAppearTime", "ShotTime",
}  # fmt: skip
_SECRETS = {"password", "userid"}


def parse(body: bytes, limits: Limits) -> Object:
    """Return the body's JSON object; FrameFault for what is none, or is nested too deep."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise FrameFault(Reason.MALFORMED, f"the body is no JSON: {fault}") from fault
    if not isinstance(found, dict):
        raise FrameFault(Reason.MALFORMED, "the body should be a JSON object")
    layer: list[Any] = [found]
    for _ in range(limits.depth):
        layer = [
            inner
            for one in layer
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return found
    raise FrameFault(Reason.MALFORMED, f"the JSON is nested deeper than {limits.depth}")


def get(found: Mapping[str, Any], name: str) -> Any:
    """Return a field by its name, in any case of letters."""
    if name in found:
        return found[name]
    return next((value for key, value in found.items() if key.lower() == name.lower()), None)


def plain(value: Any) -> str | int | float | None:
    """Return a value that is text or a number one can keep, None for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and -1e18 < value < 1e18:
        return value
    return None


def text(found: Mapping[str, Any], name: str) -> str:
    """Return a field as text; empty when there is none."""
    value = plain(get(found, name))
    return "" if value is None else str(value).strip()


def listed(found: Any, *names: str) -> list[Any]:
    """Return the objects below `names`, one after another; a bare object counts as a list of it."""
    for name in names:
        if isinstance(found, dict):
            found = get(found, name)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def objects_of(body: Object, kind: Kind, limits: Limits) -> list[Object]:
    """Return the objects of a push; FrameFault when there is none or there are too many."""
    name = kind.name
    found = listed(body, f"{name}ListObject", f"{name}Object") or listed(body, f"{name}Object")
    if not found:
        raise FrameFault(
            Reason.MALFORMED, f"{name}ListObject.{name}Object is missing; it should be a list"
        )
    if len(found) > limits.objects:
        raise FrameFault(
            Reason.OVERSIZE, f"there are {len(found)} objects; at most {limits.objects} are taken"
        )
    for at, one in enumerate(found):
        if not isinstance(one, dict):
            raise FrameFault(Reason.MALFORMED, f"{name}Object[{at}] should be an object")
    return found


def id_of(found: Object, kind: Kind) -> str:
    """Return the object's own id; empty when it has none."""
    inner = next((one for name in _INNER if isinstance(one := get(found, name), dict)), {})
    return text(found, f"{kind.name}ID") or text(inner, f"{kind.name}ID")


def time_of(value: Any) -> int | None:
    """Return UTC ms of `yyyyMMddHHmmss[SSS]`, of ISO text or of epoch seconds or ms, else None."""
    value = plain(value)
    said = "" if value is None else str(value).strip()
    try:
        if said.isdecimal() and len(said) in {14, 17}:
            moment = datetime.strptime(said[:14], "%Y%m%d%H%M%S").replace(tzinfo=DISTRICT_ZONE)
            return millis_of(moment) + int(said[14:] or 0)
        if said.isdecimal() and len(said) in {10, 13}:
            return int(said) * (1000 if len(said) == 10 else 1)
        return millis_of(datetime.fromisoformat(said)) if len(said) >= 16 else None
    except (ValueError, OverflowError):
        return None


def place_of(found: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return lon, lat of an object that says them, None otherwise."""
    try:
        lon, lat = float(text(found, "Longitude")), float(text(found, "Latitude"))
    except ValueError:
        return None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90) or lon == lat == 0:
        return None
    return lon, lat


def picture_of(data: str, limits: Limits) -> tuple[bytes, str]:
    """Return the bytes of a picture in base64 and what they are; FrameFault when they are none."""
    if len(data) > limits.picture * 4 // 3 + 1024:
        raise FrameFault(
            Reason.OVERSIZE, f"a picture has more than {limits.picture} bytes"
        )  # fmt: skip
    try:
        found = base64.b64decode("".join(data.rpartition(",")[2].split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise FrameFault(Reason.MALFORMED, f"the picture is no base64: {fault}") from fault
    for mark, kind in _MARKS.items():
        if found.startswith(mark):
            return found, kind
    raise FrameFault(
        Reason.MALFORMED,
        f"the picture begins with {found[:4].hex()}; it should be JPEG, PNG or BMP",
    )


def _pictures(found: Object) -> list[Object]:
    inner = listed(found, "SubImageList", "SubImageInfoObject")
    return [one for one in inner if isinstance(one, dict)]


def _shows_somebody(one: Object) -> bool:
    return text(one, "Type").zfill(2) in {_FACE, _PERSON}


def _best_picture(found: Object, kind: Kind, limits: Limits) -> tuple[bytes, str]:
    own = get(found, "Data")
    if kind.people:
        return b"", ""
    if isinstance(own, str) and own and kind.name == "Image" and not _shows_somebody(found):
        return picture_of(own, limits)
    given = [
        one for one in _pictures(found) if isinstance(get(one, "Data"), str) and get(one, "Data")
    ]
    given = [one for one in given if not _shows_somebody(one)]
    rank = {name: at for at, name in enumerate(_BEST)}
    given.sort(key=lambda one: rank.get(text(one, "Type").zfill(2), len(rank)))
    return picture_of(get(given[0], "Data"), limits) if given else (b"", "")


def _kept(found: Object, kind: Kind) -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        low = key.lower()
        if low == "data" or plain(value) in {None, ""}:
            continue
        if "feature" in low or low in _SECRETS or (kind.people and key not in _OF_PEOPLE):
            continue
        yield key[:64], value[:TEXT] if isinstance(value, str) else value


def data_of(found: Object, kind: Kind) -> Object:
    """Return what is kept of an object: its plain fields, and which pictures it names.

    No features, no nested faces or persons, no pictures; of people only where and when.
    """
    inner = next((one for name in _INNER if isinstance(one := get(found, name), dict)), {})
    data = dict(list(_kept({**inner, **found}, kind))[:FIELDS])
    images = [
        dict(_kept(one, KINDS["Images"])) for one in _pictures(found) if not _shows_somebody(one)
    ]
    if images and not kind.people:
        data["images"] = images[:16]
    return data


def happening_of(found: Object, kind: Kind, now: int, where: Where, limits: Limits) -> Happening:
    """Return an object as a happening; FrameFault when it cannot be or is not taken.

    An object without a time has the time at which it came, and says so.
    """
    if kind.people and not limits.people:
        raise FrameFault(
            Reason.UNSUPPORTED, f"{kind.name}: faces and persons are not taken here"
        )  # fmt: skip
    inner = next((one for name in _INNER if isinstance(one := get(found, name), dict)), {})
    flat = {**inner, **found}
    device = text(flat, "DeviceID") or next(
        (name for one in _pictures(found) if (name := text(one, "DeviceID"))), ""
    )
    times = [get(flat, name) for name in kind.times]
    times += [get(one, "ShotTime") for one in _pictures(found)]
    time = next((one for value in times if (one := time_of(value)) is not None), None)
    data = data_of(found, kind)
    if time is None:
        data["time_assumed"] = True
    place = place_of(flat) or where(device) or where(text(flat, "TollgateID"))
    picture, picture_type = _best_picture(flat, kind, limits)
    return Happening(
        kind.happening, now if time is None else time, device[:64], place, data, picture,
        picture_type,
    )  # fmt: skip
