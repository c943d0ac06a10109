"""The bad day, seen and handled: a gauge rises, the wall shows it, the bench settles it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.brains import RunningBrain, until
from zhiyin.kernel import ScaledClock, clock_of, parse_time

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
ORANGE = '[data-testid="warning-row"][data-level="orange"]'
# Notes in the page the machine's time at which each warning's row first stood there.
WATCHER = """
window.__seen = {};
new MutationObserver(() => {
  for (const row of document.querySelectorAll('[data-testid="warning-row"]')) {
    const key = row.dataset.thing + '/' + row.dataset.level;
    window.__seen[key] ??= Date.now();
  }
}).observe(document, {subtree: true, childList: true, attributes: true});
"""


def machine_time(brain: RunningBrain, told: str) -> float:
    """Return the machine's time (ms) at which the demonstration's clock read `told`."""
    settings = json.loads((brain.folder / "var" / "run" / "settings.json").read_text("utf-8"))
    clock = clock_of(settings["clock"])
    assert isinstance(clock, ScaledClock)
    return clock.since + (parse_time(told) - clock.start) / clock.speed


def step(page: Page, who: str, name: str, note: str = "") -> None:
    page.get_by_test_id("who").select_option(who)
    detail = page.get_by_test_id("case-detail")
    expect(detail).to_be_visible(timeout=30_000)
    if note:
        detail.locator("textarea").fill(note)
    button = detail.get_by_test_id(f"step-{name}")
    button.click(timeout=30_000)
    expect(button).to_have_count(0, timeout=30_000)


def test_the_wall_shows_it_and_the_bench_settles_it(
    browser: Browser, cloudburst: RunningBrain
) -> None:
    wall = browser.new_page(viewport={"width": 1920, "height": 1080})
    troubles: list[str] = []
    wall.on("pageerror", lambda fault: troubles.append(str(fault)))
    wall.on("requestfailed", lambda request: troubles.append(request.url))
    wall.add_init_script(WATCHER)
    wall.goto(f"{cloudburst.url}/wall")

    # A depth gauge rises: the orange warning stands on the wall with its place and a clock.
    row = wall.locator(f"{ORANGE}:has-text('积水')").first
    expect(row).to_be_visible(timeout=120_000)
    expect(row).to_contain_text("街道")
    thing = str(row.get_attribute("data-thing"))
    warning = until(
        lambda: [w for w in cloudburst.get("/warnings", thing=thing) if w["case_id"]],
        what="a case for the warning",
    )[0]
    raised = next(
        change for change in cloudburst.get(f"/warnings/{warning['id']}")["changes"]
        if change["level"] == "orange"
    )  # fmt: skip
    seen = wall.evaluate("window.__seen")[f"{thing}/orange"]
    assert seen - machine_time(cloudburst, raised["time"]) <= 2000

    expect(wall.get_by_test_id("case-row").first).to_be_visible(timeout=30_000)
    PICTURES.mkdir(exist_ok=True)
    # Not wait_for_function: it evaluates text, which the pages' own policy forbids.
    until(lambda: wall.evaluate("window.__ready === true"), 60, "the map has drawn")
    wall.screenshot(path=PICTURES / "wall.png")
    wall.set_viewport_size({"width": 640, "height": 360})  # software drawing of two maps is slow

    # Its case is taken through every step by the people whose step it is.
    bench = browser.new_page(viewport={"width": 1680, "height": 1000})
    bench.goto(f"{cloudburst.url}/bench#/cases?id={warning['case_id']}")
    step(bench, "user:duty", "accept")
    step(bench, "user:dispatcher", "dispatch")
    step(bench, "user:handler", "dispose", "抽排完毕,路面已干")
    bench.screenshot(path=PICTURES / "bench.png")
    step(bench, "user:inspector", "check", "到场核实,可通行")
    step(bench, "user:duty", "close")
    case = until(
        lambda: (
            (found := cloudburst.get(f"/cases/{warning['case_id']}"))["state"] == "closed" and found
        ),
        what="the case is closed",
    )
    taken = [line["step"] for line in case["steps"] if line["step"] != "note"]  # of the warning
    assert taken[-5:] == [
        "accept", "dispatch", "dispose", "check", "close",
    ]  # fmt: skip
    assert cloudburst.get(f"/cases/{warning['case_id']}/verify")["holds"]

    # The water falls: the warning clears, and its row leaves the wall by itself.
    until(
        lambda: cloudburst.get(f"/warnings/{warning['id']}")["state"] == "cleared",
        120, "the warning clears",
    )  # fmt: skip
    row = wall.locator(f'{ORANGE}[data-thing="{thing}"]')
    expect(row).to_have_count(0, timeout=10_000)
    assert troubles == []
