"""Messages of device clouds by declared mapping: bytes and what came with them → rows."""

from zhiyin.network.payload.decode import Context, PayloadRow, Read, decode
from zhiyin.network.payload.load import builtin_payloads, pack_payloads
from zhiyin.network.payload.model import PayloadMapping

__all__ = [
    "Context", "PayloadMapping", "PayloadRow", "Read", "builtin_payloads", "decode",
    "pack_payloads",
]  # fmt: skip
