"""XML of platforms: read as the tree that mappings walk, and refused wherever it could do harm."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import xml as fuzz
from tests.shared_data import shared
from zhiyin.network.frame import FrameFault
from zhiyin.network.model import Reason
from zhiyin.network.payload import Context, PayloadMapping, PayloadRow, decode
from zhiyin.network.payload.load import load_payload
from zhiyin.network.payload.rows import kept_message, read_again
from zhiyin.network.payload.strict_xml import XmlLimits, read_xml

LIMIT = 16 * 1024 * 1024
SEEDS = sorted((Path(fuzz.__file__).parent / "corpus" / "xml").iterdir())
SOAP = """<?xml version="1.0" encoding="{encoding}"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="urn:water">
  <soap:Body><w:report>
    <w:station w:id="{thing}">
      <w:name>鹦鹉大道<!-- underpass --></w:name><w:at>2026-11-23 10:00:00</w:at>
      <w:depth uom="cm">12.5</w:depth><w:raining>true</w:raining>
    </w:station>
    <w:station w:id="B"><w:at>2026-11-23 10:00:05</w:at><w:depth>3</w:depth></w:station>
  </w:report></soap:Body>
</soap:Envelope>"""
MAPPING = """
payload: water_office
title: {zh-CN: 水务局, en: Water office}
format: xml
forms:
  - each: Envelope.Body.report.station.[]
    device: "@id"
    time: {at: at, format: "%Y-%m-%d %H:%M:%S"}
    values: {as: object}
names: {depth: {property: depth, unit: cm}, raining: raining}
others: ignore
"""


def mapping(text: str) -> PayloadMapping:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.yaml"
        file.write_text(text, "utf-8")
        return load_payload(file)


WATER = mapping(MAPPING)


def fault(body: bytes, limit: int = LIMIT) -> tuple[Reason, str]:
    with pytest.raises(FrameFault) as refused:
        read_xml(body, limit, XmlLimits())
    return refused.value.reason, refused.value.detail


@pytest.mark.parametrize("encoding", ["utf-8", "GBK", "gb2312", "GB18030", "utf-16", "UTF-16LE"])
def test_a_soap_like_document_by_its_mapping(encoding: str) -> None:
    body = SOAP.format(thing="A", encoding=encoding).encode(encoding)
    found = decode(WATER, body, Context(), LIMIT)
    t = 1_795_399_200_000
    assert (found.troubles, found.rows) == ([], [
        PayloadRow("A", "depth", t, 12.5, "cm"), PayloadRow("A", "raining", t, value=True),
        PayloadRow("B", "depth", t + 5000, 3.0, "cm"),
    ])  # fmt: skip


def test_the_tree() -> None:
    body = (
        b'<a xmlns="u" xmlns:p="v"><p:b p:c="1"> x<!-- no --> y </p:b><b/>'
        b"<d>&lt;&#65;&amp;</d><e k='v'/><f><![CDATA[<g>]]></f></a>"
    )
    assert read_xml(body, LIMIT, XmlLimits()) == {
        "a": {"b": [{"@c": "1", "#text": "x y"}, ""], "d": "<A&", "e": {"@k": "v"}, "f": "<g>"}
    }


def test_a_list_of_named_values_and_xml_inside_xml() -> None:
    text = """
payload: wrapped
title: {zh-CN: 包, en: wrapped}
format: xml
open: [{at: return, as: xml}]
skip: {return.alert.status: [Test]}
forms:
  - when: {return.alert.code: [7]}
    each: return.alert.info.[]
    device: $.return.alert.sender.#text
    time: {at: onset, format: iso}
    values: {as: list, at: parameter, name: valueName, value: value}
"""
    inner = (
        '<?xml version="1.0" encoding="GBK"?><alert><sender>S</sender><code>7</code><info>'
        "<onset>2026-11-23T10:00:00+08:00</onset><parameter><valueName>深</valueName>"
        '<value u="m">0.4</value></parameter></info></alert>'
    )
    packed = inner.replace("<", "&lt;")
    found = decode(mapping(text), f"<return>{packed}</return>".encode(), Context(), LIMIT)
    assert found.rows == [PayloadRow("S", "深", 1_795_399_200_000, 0.4)]
    test = packed.replace("&lt;code>7", "&lt;status>Test&lt;/status>&lt;code>7")
    assert decode(mapping(text), f"<return>{test}</return>".encode(), Context(), LIMIT).rows == []


LAUGHS = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
)
REFUSED = {
    "billion laughs": (f"{LAUGHS}]><l>&a9;</l>".encode(), "DTD"),
    "quadratic blow-up": (
        b'<!DOCTYPE q [<!ENTITY a "' + b"a" * 100_000 + b'">]><q>' + b"&a;" * 10_000 + b"</q>",
        "DTD",
    ),
    "entity of a file": (
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "DTD"),
    "entity of an address": (
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/x">]><x>&e;</x>', "DTD"),
    "parameter entity": (
        b'<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:1/x">%e;]><x/>', "DTD"),
    "external DTD": (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>', "DTD"),
    "plain DTD": (b"<!DOCTYPE x><x/>", "DTD"),
    "laughs in UTF-16": (f"{LAUGHS}]><l>&a9;</l>".encode("utf-16"), "DTD"),
    "unknown entity": (b"<x>&nbsp;</x>", "undefined entity"),
    "10,000 deep": (b"<x>" * 10_000 + b"</x>" * 10_000, "deeper than 32"),
    "33 deep": (b"<x>" * 33 + b"</x>" * 33, "deeper than 32"),
    "UTF-8 that is GBK": ('<?xml version="1.0"?><x>鹦鹉大道</x>'.encode("gbk"), "is not utf-8"),
    "GBK that is UTF-8": (
        '<?xml version="1.0" encoding="GBK"?><x>鹦鹉大道水位</x>'.encode(), "and is UTF-8"),
    "GBK that is neither": (b'<?xml version="1.0" encoding="GBK"?><x>\xff\xff</x>', "is not gbk"),
    "an encoding of nobody": (b'<?xml version="1.0" encoding="utf-7"?><x/>', "'utf-7'"),
    "truncated": (SOAP.encode()[:400], "no XML"),
    "truncated in a character": ("<x>水".encode()[:-1], "is not utf-8"),
    "unknown prefix": (b"<w:x/>", "unbound prefix"),
    "two roots": (b"<x/><x/>", "junk"),
    "JSON": (b'{"a": 1}', "no XML"),
    "nothing": (b"", "no XML"),
    "NUL": (b"<x>\0</x>", "no XML"),
    "an attribute twice": (b"<x a='1' a='2'/>", "duplicate attribute"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_do_harm_or_mean_two_things_is_refused(name: str) -> None:
    body, word = REFUSED[name]
    reason, detail = fault(body)
    assert (reason, word in detail, len(detail) <= 300) == (Reason.MALFORMED, True, True), detail


def test_33_is_too_deep_and_32_is_not() -> None:
    assert read_xml(b"<x>" * 32 + b"</x>" * 32, LIMIT, XmlLimits())
    assert read_xml(b"<x>" * 33 + b"</x>" * 33, LIMIT, XmlLimits(depth=33))


BOUNDED = """
import resource, sys, time
from zhiyin.network.frame import FrameFault
from zhiyin.network.payload.strict_xml import XmlLimits, read_xml
bodies = {
    "bytes": lambda: b"<x>" + b"y" * 50_000_000 + b"</x>",
    "elements": lambda: b"<x>" + b"<y/>" * 4_000_000 + b"</x>",
    "attributes": lambda: b"<x " + b"".join(b"a%d='' " % n for n in range(1_000_000)) + b"/>",
    "amp": lambda: b"<x>" + b"&amp;" * 3_000_000 + b"</x>",
    "tag": lambda: b"<x a='" + b"y" * 15_000_000 + b"'/>",
}
body = bodies[sys.argv[1]]()
before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    read_xml(body, 16 << 20, XmlLimits())
    said = ""
except FrameFault as fault:
    said = fault.reason.value
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(said, (after - before) // 1024, time.process_time() - begun)
"""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("bytes", "oversize"), ("elements", "oversize"), ("attributes", "oversize"), ("amp", ""),
     ("tag", "")],
)  # fmt: skip
def test_large_documents_cost_a_bounded_amount(kind: str, reason: str) -> None:
    """At most eight times the document's 16 MiB; the peak is that of a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", BOUNDED, kind], capture_output=True, text=True, check=True
    ).stdout
    *said, grown, seconds = told.split()
    assert "".join(said) == reason
    assert int(grown) < 128, told
    assert float(seconds) < 10, told


@pytest.mark.parametrize("file", ["earthquake.cap", "canada.cap", "weather.cap"])
def test_real_alerts_of_cap_1_2(file: str) -> None:
    """CAP 1.2 (OASIS), as its own examples write it."""
    text = """
payload: cap
title: {zh-CN: 预警, en: alerts}
format: xml
forms:
  - each: alert.info.[]
    device: $.alert.sender
    time: {at: effective, format: iso}
    values: {as: list, at: parameter, name: valueName, value: value}
"""
    body = (shared("cap12") / "examples" / file).read_bytes()
    found = decode(mapping(text), body, Context(), LIMIT)
    tree = read_xml(body, LIMIT, XmlLimits())["alert"]
    infos = tree["info"] if isinstance(tree["info"], list) else [tree["info"]]
    count = sum(len(one["parameter"]) if isinstance(one["parameter"], list) else 1 for one in infos)
    assert len(found.rows) + found.trouble_count == count > 0
    assert {row.device for row in found.rows} == {tree["sender"]}


def test_a_real_attack_on_readers_of_alerts_is_refused() -> None:
    body = (shared("cap12") / "examples" / "xee.cap").read_bytes()
    assert fault(body) == (Reason.MALFORMED, "it has a document type (DTD) or entities; neither"
                           " is taken")  # fmt: skip


def test_what_is_kept_in_gbk_can_be_read_again() -> None:
    body = SOAP.format(thing="A", encoding="GBK").encode("gbk")
    item = kept_message(WATER, body, Context(), Reason.MALFORMED, "x", "push:w", 0, "1")
    raw = json.loads(json.dumps(item.raw))
    rows = read_again({"water_office": WATER}, raw, XmlLimits())
    assert len(rows) == 3
    assert read_again({"water_office": WATER}, raw, XmlLimits(elements=2)) == ()


@pytest.mark.parametrize("file", SEEDS, ids=lambda file: file.name)
def test_every_seed_goes_through(file: Path) -> None:
    fuzz.one(file.read_bytes())


@given(st.text(alphabet="<>/ab='\"&;!?[]- \n水", max_size=60), st.integers(0, 255))
def test_any_markup_is_read_or_refused(text: str, first: int) -> None:
    fuzz.one(bytes([first]) + text.encode())
