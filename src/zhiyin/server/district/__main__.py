"""`python -m zhiyin.server.district --plan FILE.json` (`-` reads standard input)."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import structlog

from zhiyin.server.district.plan import Plan
from zhiyin.server.district.run import Tally, run


async def _run(plan: Plan) -> Tally:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop.set)
    return await run(plan, stop)


def main(arguments: list[str] | None = None) -> int:
    """Play one plan; the tally goes to standard output as one line of JSON.

    Returns 0 when everything said was answered for, 3 when some of it was not.
    """
    parser = argparse.ArgumentParser(prog="python -m zhiyin.server.district", description=__doc__)
    parser.add_argument("--plan", required=True, help="JSON file of a Plan, or - for stdin")
    chosen = parser.parse_args(arguments)
    # Standard output belongs to the tally.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    text = sys.stdin.buffer.read() if chosen.plan == "-" else Path(chosen.plan).read_bytes()
    tally = asyncio.run(_run(msgspec.json.decode(text, type=Plan)))
    sys.stdout.write(msgspec.json.encode(tally).decode() + "\n")
    return 3 if tally.unacknowledged else 0


if __name__ == "__main__":
    sys.exit(main())
