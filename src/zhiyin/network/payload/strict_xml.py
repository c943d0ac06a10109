"""XML as strangers send it, to the tree that mappings of JSON walk.

An element is the object of its attributes (`@name`) and children; children of one name are a list
once there are two; an element with neither is its text, one with them has it at `#text`. Names are
without their namespace: prefixes are the sender's choice.

No DTD, hence no entities but the five of XML, nothing from outside, no deeper nesting and no more
elements than allowed. The encoding is the document's own word for it, and has to hold.
"""

import codecs
import re
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason

TEXT = "#text"
_DECLARED = re.compile(
    rb"""\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z][\w.:-]{0,40})["']"""
)
# Of what platforms declare; a GB 2312 document may hold what only GB 18030 has.
_CODECS = {
    "utf-8": "utf-8-sig", "utf8": "utf-8-sig", "us-ascii": "ascii", "ascii": "ascii",
    "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030", "gb_2312-80": "gb18030",
    "big5": "big5", "iso-8859-1": "latin-1", "windows-1252": "cp1252",
}  # fmt: skip
_HAN = re.compile(rb"[\xe4-\xe9][\x80-\xbf]{2}")  # a Chinese character in UTF-8
_MARKUP = 4  # `=` for each element that may be there: attributes are bounded before any is made
_CHUNK = 65_536


class XmlLimits(NamedTuple):
    """How deep elements may nest, and how many there may be in one document."""

    depth: int = 32
    elements: int = 100_000


def read_xml(body: bytes, limit: int, limits: XmlLimits) -> dict[str, Any]:
    """Return the tree of a document, its root under its name; FrameFault says why there is none."""
    if len(body) > limit:
        raise FrameFault(Reason.OVERSIZE, f"{len(body)} bytes; it should be at most {limit}")
    return read_xml_text(_text(body), limits)


def read_xml_text(text: str, limits: XmlLimits) -> dict[str, Any]:
    """Return the tree of a document that is text already; what it declares of bytes is passed over.

    Raises FrameFault.
    """
    if text.count("=") > _MARKUP * limits.elements:
        raise _many(f"{_MARKUP * limits.elements} attributes")
    tree = _Tree(limits)
    parser = DefusedXMLParser(target=tree, encoding="utf-8", forbid_dtd=True)
    try:
        # At once: in parts, a tag that goes over many of them is looked through again for each.
        parser.feed(text.encode())
        parser.close()
    except DefusedXmlException:
        raise _malformed("it has a document type (DTD) or entities; neither is taken") from None
    except ParseError as fault:
        raise _malformed(f"no XML: {fault}") from None
    except UnicodeEncodeError as fault:
        raise _malformed(f"half a character at {fault.start}") from None
    return tree.root


def _malformed(detail: str) -> FrameFault:
    return FrameFault(Reason.MALFORMED, detail[:300])


def _many(what: str) -> FrameFault:
    return FrameFault(Reason.OVERSIZE, f"more than {what} in one document")


def _text(body: bytes) -> str:
    """Return the document as text by the encoding it declares; UTF-8 when it declares none."""
    declared = _DECLARED.match(body.removeprefix(codecs.BOM_UTF8))
    name = declared[1].decode().lower() if declared else "utf-8"
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    elif body.startswith((b"<\0", b"\0<")):
        codec = "utf-16-le" if body[:1] == b"<" else "utf-16-be"
    else:
        codec = _CODECS.get(name, "")
        if not codec:
            raise _malformed(f"encoding {name!r} is none that is read")
    try:
        text = body.decode(codec)
    except (UnicodeDecodeError, UnicodeError) as fault:
        at = f"byte {fault.start}" if isinstance(fault, UnicodeDecodeError) else "what is there"
        raise _malformed(f"{at} is not {name}, which the document declares") from None
    if codec in {"gb18030", "big5", "latin-1", "cp1252"} and _is_utf8(body):
        raise _malformed(f"the document declares {name}, and is UTF-8")
    return text


def _is_utf8(body: bytes) -> bool:
    """Whether Chinese characters stand there in UTF-8 and nothing else does."""
    if len(_HAN.findall(body[:_CHUNK])) < 2:
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Tree:
    """What the parser calls for each piece of markup."""

    def __init__(self, limits: XmlLimits) -> None:
        self._limits = limits
        self._count = 0
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self.root: dict[str, Any] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > self._limits.elements:
            raise _many(f"{self._limits.elements} elements")
        if len(self._open) >= self._limits.depth:
            raise _malformed(f"nested deeper than {self._limits.depth} levels")
        holds: dict[str, Any] = {f"@{_local(name)}": text for name, text in attributes.items()}
        self._open.append((_local(tag), holds, []))

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][2].append(text)

    def end(self, _tag: str) -> None:
        name, holds, texts = self._open.pop()
        text = "".join(texts).strip()
        value: Any = holds or text
        if holds and text:
            holds[TEXT] = text
        parent = self._open[-1][1] if self._open else self.root
        if name not in parent:
            parent[name] = value
        elif isinstance(parent[name], list):
            parent[name].append(value)
        else:
            parent[name] = [parent[name], value]

    def close(self) -> None:
        """Nothing is left to be done."""


def _local(name: str) -> str:
    return name.rpartition("}")[2]
