"""The simulated district: devices that send over real MQTT and HTTP, from outside the brain.

Runs as a process of its own and knows only addresses, a clock and a description of its sensors.
Does not write into any store: whatever it says comes in by the front door.
"""

from zhiyin.server.district.describe import DayUnknown, describe, read_packs, start_of
from zhiyin.server.district.plan import Curve, Plan, Pulse, Sensor
from zhiyin.server.district.run import Tally, run
from zhiyin.server.district.values import value

__all__ = [
    "Curve", "DayUnknown", "Plan", "Pulse", "Sensor", "Tally", "describe", "read_packs", "run",
    "start_of", "value",
]  # fmt: skip
