"""Builds the front end into the wheel with the Node that comes from the package index."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs `npm ci` and `vite build` before the wheel is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        root = Path(self.root)
        static = root / "src" / "zhiyin" / "static"
        if os.environ.get("ZHIYIN_WEB") == "skip" or not (root / "web" / "package.json").exists():
            return
        if version == "editable":  # `make setup` builds it, and only when it is stale
            return
        subprocess.run([sys.executable, str(root / "tools" / "web.py"), str(static)], check=True)
