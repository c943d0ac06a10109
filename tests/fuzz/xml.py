"""Any bytes as an XML message of a platform, by a mapping of each way in which values lie."""

import contextlib

from zhiyin.network.frame import FrameFault
from zhiyin.network.payload.decode import Context, decode
from zhiyin.network.payload.model import Form, Open, PayloadMapping, TimeAt, Values
from zhiyin.network.payload.strict_xml import XmlLimits, read_xml
from zhiyin.pack import Title

_FORMS = (
    Form("@id", Values("object"), each="a.b.[]", time=TimeAt("t", "iso")),
    Form("$.a.#text", Values("list", at="c", name="@n", value="#text"), each="a"),
    Form("key", Values("nested", value="#text"), each="{}.{}"),
    Form("header:x", Values("bare"), each="{}.[]"),
)
_MAPPINGS = [
    PayloadMapping(
        payload="fuzz", title=Title(zh="试", en="fuzz"), format="xml", forms=(form,),
        open=(Open("a.p", "xml"), Open("a.j", "json")), skip={"a.@skip": (1, "x")},
    )
    for form in _FORMS
]  # fmt: skip
_ENCODINGS = ("", "utf-8", "gbk", "utf-16", "big5", "iso-8859-1")
_LIMITS = XmlLimits(8, 200)


def one(data: bytes) -> None:
    """Raise on anything but rows and FrameFaults; no tree is deeper or larger than it may be."""
    how = data[0] if data else 0
    encoding = _ENCODINGS[how // 8 % len(_ENCODINGS)]
    body = data[1:]
    if encoding:
        body = f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + body
    with contextlib.suppress(FrameFault):
        assert len(read_xml(body, 65_536, _LIMITS)) == 1
    try:
        mapping = _MAPPINGS[how % len(_MAPPINGS)]
        read = decode(mapping, body, Context("", {"x": "d"}, {}), 65_536, _LIMITS)
    except FrameFault:
        return
    for row in read.rows:
        assert isinstance(row.device, str)
        assert row.time is None or isinstance(row.time, int)
