"""City events as camera clouds push them: one JSON object an event, no national standard.

`{eventId, eventType, deviceId, channel, time, score, box, imageUrl | imageBase64, extra}`.
"""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.frame import FrameFault, Happening
from zhiyin.network.gat1400.limits import Limits
from zhiyin.network.gat1400.objects import (
    FIELDS,
    TEXT,
    Where,
    picture_of,
    place_of,
    plain,
    text,
    time_of,
)
from zhiyin.network.model import Reason

_KNOWN = ("eventId", "eventType", "deviceId", "channel", "score", "box", "imageUrl")


def event_of(
    found: Mapping[str, Any], now: int, where: Where, limits: Limits, settings: Mapping[str, Any]
) -> Happening:
    """Return an event as a happening of kind `vision`; FrameFault when it has no type.

    Setting `events` gives the matter code of an event type: {"garbage": "0201"}. A picture's
    address is kept, never fetched.
    """
    kind = text(found, "eventType")
    if not kind:
        raise FrameFault(Reason.MALFORMED, "eventType is missing; it should name what was seen")
    data: dict[str, Any] = {}
    for name in _KNOWN:
        value = plain(found.get(name))
        if value is not None:
            data[name] = value[:TEXT] if isinstance(value, str) else value
    box = found.get("box")
    if isinstance(box, list) and len(box) == 4 and all(plain(n) is not None for n in box):
        data["box"] = box
    extra = found.get("extra")
    if isinstance(extra, dict):
        kept = [(k[:64], v) for k, v in extra.items() if plain(v) is not None]
        data["extra"] = {k: v[:TEXT] if isinstance(v, str) else v for k, v in kept[:FIELDS]}
    matter = dict(settings.get("events") or {}).get(kind)
    if matter is not None:
        data["matter"] = str(matter)
    time = time_of(found.get("time"))
    if time is None:
        data["time_assumed"] = True
    device, channel = text(found, "deviceId"), text(found, "channel")
    place = place_of(found) or where(f"{device}/{channel}") or where(device)
    picture, picture_type = b"", ""
    image = found.get("imageBase64")
    if isinstance(image, str) and image:
        picture, picture_type = picture_of(image, limits)
    return Happening(
        "vision", now if time is None else time, channel[:64], place, data, picture, picture_type
    )
