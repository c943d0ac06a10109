"""一张网:gateways and devices: bytes come in, checked observations go on. Does not keep them."""

from zhiyin.network.declared import Declared, declared_by
from zhiyin.network.gateway import run_gateway
from zhiyin.network.health import Health
from zhiyin.network.intake import Message
from zhiyin.network.model import Device, Reason, Register, Rejected, Series
from zhiyin.network.pulls import run_pulls
from zhiyin.network.section import DeviceTemplate, bound_devices
from zhiyin.network.service import (
    Door,
    complete_series,
    enrol,
    keep_items,
    register_devices,
    replay,
)
from zhiyin.network.stations import Stations
from zhiyin.network.store import all_devices, load_devices, load_series
from zhiyin.network.types import PropertyType, Types

__all__ = [
    "Declared", "Device", "DeviceTemplate", "Door", "Health", "Message", "PropertyType", "Reason",
    "Register", "Rejected", "Series", "Stations", "Types", "all_devices", "bound_devices",
    "complete_series", "declared_by", "enrol", "keep_items", "load_devices", "load_series",
    "register_devices", "replay", "run_gateway", "run_pulls",
]  # fmt: skip
