"""A fake HJ 212 station: sends real-time frames, waits for 9014, answers orders.

`python -m tests.fakes.hj212_device --port 9212 --mn 4201050000000000000000A1 --count 3`
"""

import argparse
import asyncio
import random
from typing import Any

from zhiyin.kernel import SystemClock
from zhiyin.network.frame import FrameFault
from zhiyin.network.hj212 import decode, encode
from zhiyin.network.hj212.clock import digits, long_digits


def report(mn: str, at: int, values: dict[str, float], password: str = "123456") -> bytes:
    """Return a 2011 frame of 2017 that asks for an answer."""
    fields: list[dict[str, Any]] = [{"name": "DataTime", "value": digits(at)}]
    for code, value in values.items():
        fields += [
            {"name": f"{code}-Rtd", "value": value},
            {"name": f"{code}-Flag", "value": "N"},
        ]
    head = {"QN": long_digits(at), "ST": "22", "CN": "2011", "PW": password, "MN": mn, "Flag": "5"}
    return encode({"header": head, "fields": fields})


def obeyed(frame: bytes) -> list[bytes]:
    """Return what a station says to a frame of the host: nothing to an answer, else 9011, 9012."""
    try:
        order = decode(frame)
    except FrameFault:
        return []
    if order.kind.startswith("90"):
        return []
    head = {key: order.header[key] for key in ("QN", "PW", "MN")} | {"ST": "91", "Flag": "4"}
    said = [("9011", "QnRtn=1"), ("9012", "ExeRtn=1")]
    if order.kind == "1011":
        said.insert(1, ("1011", f"SystemTime={digits(SystemClock().now())}"))
    return [encode({"header": head | {"CN": cn, "CP": cp}}) for cn, cp in said]


async def run(host: str, port: int, mn: str, count: int, every: float = 1.0) -> int:
    """Send `count` reports, each after the answer to the last; return how many were answered."""
    reader, writer = await asyncio.open_connection(host, port)
    clock, chance, answered = SystemClock(), random.Random(mn), 0
    try:
        for _ in range(count):
            values = {"a34004": chance.randrange(5, 90), "a01001": chance.randrange(50, 350) / 10}
            writer.write(report(mn, clock.now(), values))
            while frame := await asyncio.wait_for(reader.readline(), 10):
                writer.writelines(obeyed(frame))
                if b";CN=9014;" in frame:
                    answered += 1
                    break
            await asyncio.sleep(every)
    finally:
        writer.close()
    return answered


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=9212)
    words.add_argument("--mn", required=True)
    words.add_argument("--count", type=int, default=1)
    words.add_argument("--every", type=float, default=1.0, help="seconds between reports")
    told = words.parse_args()
    asyncio.run(run(told.host, told.port, told.mn, told.count, told.every))


if __name__ == "__main__":
    main()
