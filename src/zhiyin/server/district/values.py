"""Values of the simulated day: a pure function of sensor, seed and time.

No running generator: the noise of a sample comes from a hash of (seed, thing, property, index),
so neither speed, nor restarts, nor the order of sampling change a value.
"""

import math
from functools import lru_cache
from hashlib import blake2b

from zhiyin.kernel import DAY, HOUR
from zhiyin.server.district.plan import Curve, Pulse, Sensor

_ZONE = 8 * HOUR  # the district keeps UTC+8 the year round


def chance(*parts: object) -> float:
    """Return a number in [0, 1), always the same for the same parts."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") / 2**64


def gauss(*parts: object) -> float:
    """Return a standard normal number, always the same for the same parts (Box-Muller)."""
    one, two = chance(*parts, "radius"), chance(*parts, "angle")
    return math.sqrt(-2 * math.log(1 - one)) * math.cos(2 * math.pi * two)


def value(sensor: Sensor, seed: int, time_ms: int) -> float:
    """Return what the sensor reads at `time_ms` (UTC), in its property's unit."""
    shape = sensor.shape
    clock = (time_ms + _ZONE) % DAY
    reading = _base(sensor, seed)
    if shape.amplitude:
        reading += shape.amplitude * math.cos(2 * math.pi * (clock - shape.peak_ms) / DAY)
    for number, pulse in enumerate(shape.pulses):
        reading += _pulse(pulse, _turn(sensor, seed, number), clock)
    if shape.noise:
        index = time_ms // sensor.every_ms
        reading += shape.noise * gauss(seed, sensor.thing, sensor.property, index)
    return _settled(shape, reading)


@lru_cache(maxsize=65_536)
def _base(sensor: Sensor, seed: int) -> float:
    low, high = sensor.shape.low, sensor.shape.high
    return low + (high - low) * chance(seed, sensor.thing, sensor.property, "base")


@lru_cache(maxsize=65_536)
def _turn(sensor: Sensor, seed: int, number: int) -> tuple[float, float]:
    """Return (start, height) of this thing's own turn of a pulse; the start in ms of the day."""
    pulse = sensor.shape.pulses[number]
    # One start per thing, not per property: a gauge's depth and flow rise together.
    early = 2 * chance(seed, sensor.thing, number, "start") - 1
    high = chance(seed, sensor.thing, sensor.property, number, "height")
    return pulse.at_ms + early * pulse.spread_ms, pulse.low + (pulse.high - pulse.low) * high


def _pulse(pulse: Pulse, turn: tuple[float, float], clock: int) -> float:
    start, height = turn
    gone = (clock - start) % DAY
    if gone < pulse.rise_ms:
        return height * _smooth(gone / pulse.rise_ms)
    gone -= pulse.rise_ms
    if gone <= pulse.hold_ms:
        return height
    gone -= pulse.hold_ms
    return height * _smooth(1 - gone / pulse.fall_ms) if gone < pulse.fall_ms else 0.0


def _smooth(share: float) -> float:
    return (1 - math.cos(math.pi * share)) / 2


def _settled(shape: Curve, reading: float) -> float:
    if shape.floor is not None:
        reading = max(shape.floor, reading)
    if shape.ceiling is not None:
        reading = min(shape.ceiling, reading)
    return round(reading, shape.decimals) + 0.0  # no minus zero on the wire
