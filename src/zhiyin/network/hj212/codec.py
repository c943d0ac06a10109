"""One frame of HJ 212 to what it says, and back. Pure.

`understood` is the fast way that a session takes (readings, no fields); `decode` adds the fields
for the eyes of an engineer; `encode` turns what `decode` showed into the frame again.
"""

from collections.abc import Mapping
from typing import Any

from zhiyin.network.frame import Decoded, Facts, FrameFault
from zhiyin.network.hj212.content import (
    Meaning,
    Pair,
    cp_of,
    fields_of,
    happenings_of,
    junk,
    meaning_of,
    pairs_of,
    text_of,
    value_of,
)
from zhiyin.network.hj212.framing import whole
from zhiyin.network.hj212.names import name_of
from zhiyin.network.hj212.packet import Packet, compose, open_piece
from zhiyin.network.hj212.tables import Command, tables
from zhiyin.network.model import Reason

KEY = "hj212"


def command_of(packet: Packet) -> Command:
    """Return the table's row of its CN; raises UNSUPPORTED when there is none."""
    command = tables().by_cn.get(packet.cn)
    if command is None:
        detail = f"CN · {packet.cn} · no command of HJ 212-2017 or 2025"
        raise FrameFault(Reason.UNSUPPORTED, detail, packet.head)
    return command


def understood(packet: Packet, facts: Facts | None) -> tuple[Decoded, str]:
    """Return what a packet means, without its fields, and a complaint about single values.

    Raises FrameFault: UNSUPPORTED for a CN of no table, MALFORMED when nothing can be read.
    """
    decoded, meaning = _meant(packet, pairs_of(packet.cp), facts)
    return decoded, meaning.complaint


def _meant(packet: Packet, pairs: list[Pair], facts: Facts | None) -> tuple[Decoded, Meaning]:
    command = command_of(packet)
    meaning = Meaning()
    stray = junk(packet.cp, pairs) if packet.cp else ""
    if stray and not pairs:
        detail = f"CP · {stray!r} · items of `name=value` should be"
        raise FrameFault(Reason.MALFORMED, detail, packet.head)
    if command.data and pairs:
        meaning = meaning_of(packet.cn, pairs, facts)
    if meaning.fatal:
        raise FrameFault(Reason.MALFORMED, f"CP · {meaning.complaint}", packet.head)
    if stray and not meaning.complaint:
        meaning = meaning._replace(complaint=f"CP · {stray!r} · `name=value` should be")
    happenings = happenings_of(packet.cn, pairs, packet.head.get("QN", "")) if pairs else ()
    decoded = Decoded(KEY, packet.mn, packet.cn, packet.head, (), meaning.readings, happenings)
    return decoded, meaning


def decode(frame: bytes, facts: Facts | None = None) -> Decoded:
    """Return one frame understood, every item a field; raises FrameFault and nothing else.

    Beside the items as they came, the header has `length`, `crc`, `version`, `title` and `system`
    (what CN and ST stand for) and `CP` (the text, decrypted), and `complaint` when a single value
    could not be read.
    """
    piece = whole(frame)
    packet = open_piece(piece, lambda _: facts)
    pairs = pairs_of(packet.cp)
    decoded, meaning = _meant(packet, pairs, facts)
    header: dict[str, Any] = {
        **packet.head,
        "length": len(piece.segment),
        "crc": piece.crc.decode("ascii").upper(),
        "version": packet.version,
        "title": command_of(packet).title,
        "system": tables().systems.get(packet.head.get("ST", ""), ""),
        "CP": packet.cp,
    }
    if meaning.complaint:
        header["complaint"] = meaning.complaint
    fields = fields_of(pairs, facts.settings.get("units") if facts else None)
    return Decoded(KEY, packet.mn, packet.cn, header, fields, decoded.readings, decoded.happenings)


def encode(shown: Mapping[str, Any], key: str = "") -> bytes:
    """Return the frame of `{"header": {...}, "fields": [{"name", "value"}, …]}` with CR LF.

    The header's `CP` is sent as it is where it says the same as the fields (it keeps the digits of
    `7.50`); otherwise the text is made of the fields. `key` encrypts it (HJ 212-2025, 32 hex
    digits). Raises FrameFault.
    """
    header = shown.get("header")
    if not isinstance(header, Mapping):
        raise FrameFault(Reason.MALFORMED, "header · absent · an object should be")
    return compose(header, _cp(header, shown.get("fields")), key)


def _cp(header: Mapping[str, Any], fields: Any) -> str:
    given = header.get("CP")
    if given is not None and not isinstance(given, str):
        raise FrameFault(Reason.MALFORMED, "CP · text should be", header)
    if not fields:
        return given or ""
    try:
        items = [(str(item["name"]), item["value"]) for item in fields]
        texts = [(name, text_of(value)) for name, value in items]
    except (TypeError, KeyError, ValueError) as fault:
        raise FrameFault(Reason.MALFORMED, f"fields · {fault}", header) from None
    if given:
        same = [(name, value_of(name_of(name), text)) for name, text in pairs_of(given)]
        if same == items:
            return given
    for name, text in texts:
        if set(name) & set("=;,") or (set(text) & set(";,") and not text.startswith("//")):
            detail = f"fields · {name[:40]}={text[:40]!r} · no `;` or `,` outside of // //"
            raise FrameFault(Reason.MALFORMED, detail, header)
    return cp_of(texts)
