"""Sensors of a small district for the tests."""

from typing import Any

from zhiyin.kernel import HOUR, MINUTE, parse_time
from zhiyin.server.district import Curve, Plan, Pulse, Sensor

START = parse_time("2026-11-23 14:00")
STORY = Pulse(
    at_ms=14 * HOUR + 35 * MINUTE,
    rise_ms=15 * MINUTE,
    hold_ms=20 * MINUTE,
    fall_ms=30 * MINUTE,
    low=0.28,
    high=0.34,
)
DEPTH = Curve(noise=0.005, floor=0, ceiling=5, decimals=3)
AIR = Curve(low=40, high=50, amplitude=15, peak_ms=8 * HOUR, noise=3, floor=0, ceiling=1000)


def district(by: str = "http", things: int = 20) -> tuple[Sensor, ...]:
    """Return one ponding point with a story, and `things` air stations of two properties."""
    depth = Curve(noise=0.005, floor=0, ceiling=5, decimals=3, pulses=(STORY,))
    story = Sensor("underpass", "ponding_point", "depth", MINUTE, by, depth, steady=True)
    air = (
        Sensor(f"air_{number}", "air_station", name, 5 * MINUTE, by, AIR)
        for number in range(things)
        for name in ("pm25", "pm10")
    )
    return (story, *air)


def plan_of(sensors: tuple[Sensor, ...], **changes: Any) -> Plan:
    """Return a plan whose two hours are all due already, so that no test waits for a clock."""
    told: dict[str, Any] = {
        "day": "cloudburst",
        "seed": 7,
        "clock": f"{START + 3 * HOUR}@0*0.000001",
        "http": "http://127.0.0.1:9",
        "sensors": sensors,
        "start": START,
        "until": START + 2 * HOUR,
        "retry_ms": 2,
    }
    return Plan(**{**told, **changes})
