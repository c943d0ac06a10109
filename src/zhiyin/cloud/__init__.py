"""一朵云:the ground: settings, database, bus, supervision, telemetry. Knows nothing of a city."""

from zhiyin.cloud.broker import binary, broker_log, free_port, prepare_streams, taken, write_config
from zhiyin.cloud.bus import (
    EVENTS,
    MQTT_ALL,
    MQTT_STREAM,
    MQTT_SUBJECT,
    OBSERVATIONS,
    QUARANTINE,
    Bus,
    BusDown,
    BusFull,
    Message,
    prepare,
)
from zhiyin.cloud.database import Database, OutboxRow, Row, announce
from zhiyin.cloud.identity.model import (
    ANONYMOUS,
    Actor,
    Grant,
    LoginNeeded,
    NotAllowed,
    Scope,
)
from zhiyin.cloud.reading import PositionRow, position_of, take_in
from zhiyin.cloud.relay import RELAYED, poke_after_writes, prune, relay_once, run_relay
from zhiyin.cloud.settings import (
    GatewaySettings,
    HealthSettings,
    PullSettings,
    PushSettings,
    Settings,
    VisionSettings,
)
from zhiyin.cloud.settings_file import known_settings, load
from zhiyin.cloud.supervise import Child, PortTaken, Supervisor, claim, dies_with, hold
from zhiyin.cloud.telemetry import METRICS, log_to_file, metrics_page

__all__ = [
    "ANONYMOUS",
    "EVENTS",
    "METRICS",
    "MQTT_ALL",
    "MQTT_STREAM",
    "MQTT_SUBJECT",
    "OBSERVATIONS",
    "QUARANTINE",
    "RELAYED",
    "Actor",
    "Bus",
    "BusDown",
    "BusFull",
    "Child",
    "Database",
    "GatewaySettings",
    "Grant",
    "HealthSettings",
    "LoginNeeded",
    "Message",
    "NotAllowed",
    "OutboxRow",
    "PortTaken",
    "PositionRow",
    "PullSettings",
    "PushSettings",
    "Row",
    "Scope",
    "Settings",
    "Supervisor",
    "VisionSettings",
    "announce",
    "binary",
    "broker_log",
    "claim",
    "dies_with",
    "free_port",
    "hold",
    "known_settings",
    "load",
    "log_to_file",
    "metrics_page",
    "poke_after_writes",
    "position_of",
    "prepare",
    "prepare_streams",
    "prune",
    "relay_once",
    "run_relay",
    "take_in",
    "taken",
    "write_config",
]  # fmt: skip
