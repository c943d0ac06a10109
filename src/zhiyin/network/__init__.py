"""一张网:gateways and devices: bytes come in, checked observations go on. Does not keep them."""

from zhiyin.network.declared import Declared, declared_by
from zhiyin.network.gateway import run_gateway
from zhiyin.network.intake import Message
from zhiyin.network.model import Reason, Register, Rejected, Series
from zhiyin.network.pull.run import run_pulls
from zhiyin.network.service import (
    Door,
    complete_series,
    keep_items,
    register_devices,
    replay,
)
from zhiyin.network.store import load_devices, load_series
from zhiyin.network.types import PropertyType, Types

__all__ = [
    "Declared", "Door", "Message", "PropertyType", "Reason", "Register", "Rejected", "Series",
    "Types", "complete_series", "declared_by", "keep_items", "load_devices", "load_series",
    "register_devices", "replay", "run_gateway", "run_pulls",
]  # fmt: skip
