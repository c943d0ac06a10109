"""`python -m zhiyin.server.district.fleet --plan FILE.json` (`-` reads standard input)."""

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import sys
from pathlib import Path

import msgspec
import structlog
import uvloop

from zhiyin.server.district.fleet.plan import FleetPlan
from zhiyin.server.district.fleet.run import run_fleet
from zhiyin.server.district.fleet.tally import FleetTally

_POLITE = 5  # the brain goes before the devices that it is shown


async def _run(plan: FleetPlan) -> FleetTally:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    return await run_fleet(plan, stop)


def _room_for(connections: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 256
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main(arguments: list[str] | None = None) -> int:
    """Play one plan; the tally goes to standard output as one line of JSON.

    Returns 0 when everything reported was confirmed, 3 when some of it was not.
    """
    parser = argparse.ArgumentParser(
        prog="python -m zhiyin.server.district.fleet", description=__doc__
    )
    parser.add_argument("--plan", required=True, help="JSON file of a FleetPlan, or - for stdin")
    chosen = parser.parse_args(arguments)
    # Standard output belongs to the tally.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    text = sys.stdin.buffer.read() if chosen.plan == "-" else Path(chosen.plan).read_bytes()
    plan = msgspec.json.decode(text, type=FleetPlan)
    _room_for(plan.size())
    with contextlib.suppress(OSError):
        os.nice(_POLITE)
    tally = uvloop.run(_run(plan))
    sys.stdout.write(msgspec.json.encode(tally).decode() + "\n")
    return 3 if tally.unconfirmed else 0


if __name__ == "__main__":
    sys.exit(main())
