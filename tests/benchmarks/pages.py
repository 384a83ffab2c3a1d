"""How long a person waits: the overview with an empty cache and reloaded, changes of view.

In headless Chromium on loopback, at ten million requests, medians of seven, with the bytes that
went over the wire. "Drawn" is when the first row, or the graph, is painted.

`python -m tests.benchmarks.pages [--quick]`
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.load import prepared
from tests.benchmarks.report import Report
from tests.browser.conftest import CHROMIUM_OPTIONS
from tests.support.requirements import BUILD, program
from tests.support.serving import PASSWORD, Served

_RUNS = 7
_ROW = ".ag-center-cols-container .ag-row"
_PLOT = ".js-plotly-plot .trace, .js-plotly-plot .heatmaplayer image, .js-plotly-plot .slice"
# When an element was first painted with something in it, by the page's own clock.
_WATCH = """
window.fmdSeen = {};
const look = () => {
    for (const selector of SELECTORS) {
        if (!(selector in window.fmdSeen) && document.querySelector(selector)) {
            window.fmdSeen[selector] = performance.now();
        }
    }
    requestAnimationFrame(look);
};
requestAnimationFrame(look);
""".replace("SELECTORS", json.dumps([_ROW, _PLOT]))
CHANGES = {
    "hourly": ("/hourly", "Hourly utilization"),
    "daily": ("/daily", "Daily utilization"),
    "multi-version": ("/versions", "Multi-version utilization"),
    "API performance": ("/performance", "API performance"),
}


class Wire:
    """Bytes that a page received."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self._session.on("Network.loadingFinished", self._finished)
        self.received = 0

    def _finished(self, event: dict[str, Any]) -> None:
        self.received += int(event["encodedDataLength"])


def log_in(page: Page, base: str) -> None:
    """Through the login page."""
    page.goto(f"{base}/login")
    page.fill("#username", "admin")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(_ROW)


def seen(page: Page, selector: str) -> float:
    """Milliseconds from the navigation's start until it was drawn."""
    page.wait_for_function("s => s in window.fmdSeen", arg=selector)
    return float(page.evaluate("s => window.fmdSeen[s]", selector))


def overview(browser: Browser, base: str, query: str) -> tuple[float, float, int, int]:
    """Milliseconds with an empty cache and reloaded, and the bytes of each."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, bypass_csp=True)
    page = context.new_page()
    log_in(page, base)
    state = context.storage_state()
    context.close()
    fresh = browser.new_context(
        viewport={"width": 1400, "height": 900}, storage_state=state, bypass_csp=True
    )
    fresh.add_init_script(_WATCH)
    page = fresh.new_page()
    wire = Wire(page)
    page.goto(f"{base}/{query}")
    cold = seen(page, _ROW)
    page.wait_for_load_state("networkidle")
    cold_bytes, wire.received = wire.received, 0
    page.reload()
    warm = seen(page, _ROW)
    page.wait_for_load_state("networkidle")
    fresh.close()
    return cold, warm, cold_bytes, wire.received


def change(page: Page, title: str, path: str) -> float:
    """Milliseconds from a click in the navigation until the other graph is drawn."""
    page.get_by_role("link", name="Overview", exact=True).click()
    page.wait_for_selector(_ROW)
    page.wait_for_function("s => !document.querySelector(s)", arg=_PLOT)
    page.evaluate("s => { delete window.fmdSeen[s]; }", _PLOT)
    page.evaluate(
        "name => { for (const link of document.querySelectorAll('#navigation a')) "
        "if (link.innerText.trim() === name) { window.fmdClicked = performance.now(); "
        "link.click(); return; } }",
        title,
    )
    page.wait_for_function("s => s in window.fmdSeen", arg=_PLOT)
    assert path in page.url
    return float(page.evaluate("s => window.fmdSeen[s] - window.fmdClicked", _PLOT))


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rows = 100_000 if options.quick else 10_000_000
    report = Report("pages")
    chromium = program("chromium", "chromium-browser", "google-chrome")
    with tempfile.TemporaryDirectory(dir=BUILD) as folder, sync_playwright() as playwright:
        path = Path(folder) / "fmd.db"
        shutil.copy(prepared(rows), path)
        served = Served(f"sqlite:///{path}")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        try:
            measure(report, browser, served.dashboard, rows)
        finally:
            browser.close()
            served.stop()
    report.write()


def measure(report: Report, browser: Browser, base: str, rows: int) -> None:
    """Everything against one server."""
    found = [overview(browser, base, "?range=90d") for _ in range(_RUNS)]
    cold, warm = (statistics.median(one[place] for one in found) for place in (0, 1))
    sizes = [int(statistics.median(one[place] for one in found)) for place in (2, 3)]
    report.row(what="overview, empty cache", rows=rows, ms=cold, kib=sizes[0] / 1024)
    report.row(what="overview, reloaded", rows=rows, ms=warm, kib=sizes[1] / 1024)
    report.at_most("overview with an empty cache, seconds", cold / 1e3, 1.5)
    report.at_most("overview reloaded, seconds", warm / 1e3, 0.7)
    context = browser.new_context(viewport={"width": 1400, "height": 900}, bypass_csp=True)
    context.add_init_script(_WATCH)
    page = context.new_page()
    log_in(page, base)
    page.goto(f"{base}/?range=90d")
    page.wait_for_selector(_ROW)
    for name, (path, title) in CHANGES.items():
        change(page, title, path)  # Plotly is loaded once.
        wire = Wire(page)
        times = [change(page, title, path) for _ in range(_RUNS)]
        middle = statistics.median(times)
        report.row(what=f"to {name}", rows=rows, ms=middle, kib=wire.received / 1024 / _RUNS)
        report.at_most(f"change of view to {name}, seconds", middle / 1e3, 0.4)
    context.close()


if __name__ == "__main__":
    main()
