"""One process of a brain: `python -m zhiyin.server.run ROLE SETTINGS`."""

import asyncio
import sys
from pathlib import Path

from zhiyin.kernel import Fault
from zhiyin.server.up import read_settings


def main() -> int:
    """Run the role named; 2 when a fault ends it."""
    role, file = sys.argv[1], Path(sys.argv[2])
    settings = read_settings(file)
    try:
        if role == "setup":
            from zhiyin.server.brain import load_brain  # noqa: PLC0415
            from zhiyin.server.setup import migrate, seed  # noqa: PLC0415

            migrate(settings)
            asyncio.run(seed(load_brain(settings)))
        else:
            from zhiyin.server.roles import run_role  # noqa: PLC0415

            run_role(role, settings)
    except Fault as fault:
        print(f"zhiyin: {fault.code}  {fault.text('zh')}\n{fault.text('en')}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
