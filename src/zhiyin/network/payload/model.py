"""What a mapping of payloads may say: where device, time and values lie in a platform's message.

A path is keys and list positions joined by dots (`notify_data.header.device_id`), from the record
on, or from the top of the body with a leading `$.`; a key with a dot in it stands in quotes.
"""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from zhiyin import pack
from zhiyin.kernel import known_unit, parse_duration

Scalar = str | int | bool
SEGMENT = re.compile(r"^\{(device|property|any)\}$")
PLACE = re.compile(r"^(header|query|json):.+$")
TIMES = ("ms", "s", "iso")


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a mapping."""


class Open(Part, frozen=True):
    """Something packed inside the message that is opened first: JSON or XML as text, or base64."""

    at: str
    as_: Literal["json", "base64_json", "xml"] = field(name="as")


class TimeAt(Part, frozen=True):
    """Where a record's time is and how it is written: `ms`, `s`, `iso` or a strptime pattern.

    Without `at` only its values have times (nested, list, columns).
    A time without an offset of its own is that of `zone`. A record that has nothing there came
    when it was received.
    """

    at: str = ""
    format: str = "ms"
    zone: Annotated[str, Meta(pattern=r"^[+-]\d\d:\d\d$")] = "+08:00"

    def __post_init__(self) -> None:
        if self.format not in TIMES and "%" not in self.format:
            raise ValueError("`format` is ms, s, iso or a strptime pattern such as %Y%m%d%H%M%S")


class Slot(Part, frozen=True):
    """A number at a fixed place of a binary payload: value = raw × scale + offset."""

    name: str
    at: Annotated[int, Meta(ge=0, le=65_535)]
    as_: Literal["u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64"] = field(name="as")
    order: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0


class Values(Part, frozen=True):
    """How the values of a record lie.

    object: `{name: value}` · nested: `{name: {value, time}}` · list: `[{name, value, time}]` ·
    columns: `[[…], …]` or one such row, named by `columns` · bytes: text in `encoding`, read by
    `layout` · bare: the value itself, the topic names the property. `name`, `value` and `time`
    are the keys of nested and list. `or_itself`: without `at` the record itself is the object.
    """

    as_: Literal["object", "nested", "list", "columns", "bytes", "bare"] = field(
        name="as", default="object"
    )
    at: str = ""
    or_itself: bool = False
    name: str = "name"
    value: str = "value"
    time: str = "time"
    columns: tuple[str, ...] = ()
    encoding: Literal["base64", "hex"] = "base64"
    layout: tuple[Slot, ...] = ()

    def __post_init__(self) -> None:
        if (self.as_ == "columns") != bool(self.columns):
            raise ValueError("`columns` names the columns where `as` is columns, and only there")
        if (self.as_ == "bytes") != bool(self.layout):
            raise ValueError("`layout` names the numbers where `as` is bytes, and only there")


class Form(Part, frozen=True):
    """One form of a platform's messages: where it is expected and how it is read.

    `topics` are MQTT topics with `{device}`, `{property}` and `{any}` for one level each; `when`
    names what a path has to hold. A form fits when all this does and something stands at `each`,
    which leads to the records: `[]` every item of a list (or the one object in its place), `[@id]`
    the same with what each has at `id` as the `key`, `{}` every value of an object under its key.
    `device` is `topic`, `key`, `header:NAME`, `query:NAME` or a path.
    """

    device: str
    values: Values
    topics: tuple[str, ...] = ()
    when: dict[str, tuple[Scalar, ...]] = {}
    each: str = ""
    time: TimeAt | None = None

    def __post_init__(self) -> None:
        for topic in self.topics:
            for level in topic.split("/"):
                if not level or re.search(r"[+#. ]", level):
                    raise ValueError(f"topic {topic!r}: a level is a word without + # . or blank")
                if "{" in level and not SEGMENT.match(level):
                    raise ValueError(f"topic {topic!r}: only {{device}}, {{property}}, {{any}}")
        marked = all("/{device}" in f"/{topic}" for topic in self.topics)
        if self.device == "topic" and not (self.topics and marked):
            raise ValueError("`device: topic` needs {device} in every one of `topics`")


class Named(Part, frozen=True):
    """What a name of the platform is here: a property, and the unit in which they send it."""

    property: pack.Key
    unit: str = ""

    def __post_init__(self) -> None:
        if not known_unit(self.unit):
            raise ValueError(f"{self.unit!r} is no known unit")


class Sign(Part, frozen=True):
    """How a sender proves who it is.

    `bearer` and `token`: the secret itself at `at`. `hmac` and `digest`: `over` with `{secret}`
    (digest only), `{body}`, `{timestamp}`, `{header:NAME}`, `{query:NAME}`, `{json:PATH}` filled
    in, hashed. With `timestamp` a message older or newer than `within` is refused.
    """

    kind: Literal["bearer", "token", "hmac", "digest"]
    at: str = "header:Authorization"
    hash: Literal["sha256", "sha1", "md5", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    over: str = "{body}"
    timestamp: str = ""
    timestamp_format: Literal["ms", "s", "iso"] = "ms"
    within: pack.DurationText = "5min"

    def __post_init__(self) -> None:
        for place in (self.at, self.timestamp):
            if place and not PLACE.match(place):
                raise ValueError(f"{place!r} should be header:NAME, query:NAME or json:PATH")
        parse_duration(self.within)


class Answer(Part, frozen=True):
    """What the platform expects to hear: once all of a message is in, and once it is kept apart.

    `kept` is the status for a message nobody can read; it is in quarantine, and many platforms
    repeat for ever what is not answered 200.
    """

    status: Annotated[int, Meta(ge=200, le=299)] = 200
    body: dict[str, Scalar] = {}
    kept: Annotated[int, Meta(ge=200, le=499)] = 400


class PayloadMapping(Part, frozen=True):
    """One platform's messages: its forms, names, signature and answer.

    Of XML (`format: xml`) an attribute is `@name`, text beside attributes `#text`, and what is
    repeated a list; numbers, true and false are read out of text. What is packed inside (`open`) is
    opened first. A message is read by the first form that fits; one that fits `skip` (path → what
    it holds) brings no values by its nature and is answered like any other. Names that `names` does
    not have are taken as they are, or left out with `others: ignore`. `text_numbers` reads "12.5"
    as a number. `hello` names the query parameter that a GET is answered with, as some platforms
    ask before they send.
    """

    payload: pack.Key
    title: pack.Title
    forms: Annotated[tuple[Form, ...], Meta(min_length=1)]
    format: Literal["json", "xml"] = "json"
    open: tuple[Open, ...] = ()
    skip: dict[str, tuple[Scalar, ...]] = {}
    names: dict[str, Named | str] = {}
    others: Literal["take", "ignore"] = "take"
    text_numbers: bool = False
    sign: Sign | None = None
    answer: Answer = Answer()
    hello: str = ""

    def named(self, name: str) -> Named | None:
        """Return what a name of the platform is here, None when it is left out."""
        found = self.names.get(name)
        if found is None:
            return Named(name) if self.others == "take" else None
        return Named(found) if isinstance(found, str) else found


OWN = Sign("hmac", "header:X-Zhiyin-Signature", over="{timestamp}.{body}",
           timestamp="header:X-Zhiyin-Timestamp")  # fmt: skip
# The schemes a source may name in the settings, over that of its mapping.
SCHEMES = {
    "bearer": Sign("bearer", prefix="Bearer "),
    "token": Sign("token", "query:token"),
    "hmac": OWN,
    # As the platform signs its own API: names and values a line each, then the body.
    "ctwing": Sign(
        "hmac", "header:signature", "sha1", "base64", timestamp="header:timestamp",
        over="application:{header:application}\ntimestamp:{timestamp}\n{body}\n",
    ),
    "onenet": Sign(
        "digest", "json:signature", "md5", "base64", over="{secret}{json:nonce}{json:msg}"
    ),
}  # fmt: skip
