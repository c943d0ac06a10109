"""A Chromium and a demonstration district at speed, shared by the tests of one module.

Not by the whole session: as long as Playwright runs, no other event loop can in this thread.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.brains import RunningBrain

FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-gl=angle",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
]  # fmt: skip
STATIC = Path(__file__).parents[2] / "src" / "zhiyin" / "static"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome")
         if (found := shutil.which(name))), None,
    )  # fmt: skip
    if program is None:
        pytest.skip("no Chromium on this machine; `apt-get install chromium` brings it")
    if not (STATIC / "wall.html").exists():
        pytest.skip("the front end is not built; `make web` builds it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def cloudburst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBrain]:
    """The bad day at sixty times speed: the underpasses fill about 45 s after the start."""
    brain = RunningBrain(tmp_path_factory.mktemp("cloudburst"))
    data = str(brain.folder / "var")
    brain.start(
        (
            "demo",
            "--day",
            "cloudburst",
            "--speed",
            "60",
            "--seed",
            "1",
            "--fleet",
            "500",
            "--data",
            data,
        )
    )
    yield brain
    brain.stop()
