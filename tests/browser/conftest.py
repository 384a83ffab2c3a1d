"""A real browser, and a server with the history of the demo."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.support.requirements import program
from tests.support.serving import PASSWORD, Served

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield one
        one.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that received the history of the demo."""
    folder: Path = tmp_path_factory.mktemp("demo")
    served = Served(f"sqlite:///{folder / 'fmd.db'}")
    subprocess.run(
        [sys.executable, "-m", "otel_fmd.demo.history", served.http],
        check=True,
        timeout=240,
        env=dict(os.environ),
        capture_output=True,
    )
    yield served
    served.stop()


class Visitor:
    """Somebody with a browser; errors of the console are collected."""

    served: Served

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.problems: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.problems.append(f"fetched from outside: {request.url}")

    def log_in(self, username: str = "admin", password: str = PASSWORD) -> None:
        """Through the login page."""
        self.page.goto(f"{self.base}/login")
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_selector("#content .card, #content .empty")

    def open(self, path: str, selector: str = "#content .card") -> None:
        """Go to an address and wait for it to be drawn."""
        self.page.goto(self.base + path)
        self.page.wait_for_selector(selector)

    def row(self, name: str) -> Locator:
        """The row of a table whose first, pinned column is `name`."""
        link = self.page.get_by_role("link", name=name, exact=True)
        index = link.locator("xpath=ancestor::*[@row-index]").get_attribute("row-index")
        return self.page.locator(f".ag-center-cols-container .ag-row[row-index='{index}']")

    def figure(self, name: str) -> dict[str, Any]:
        """The data and layout of a drawn graph."""
        self.page.wait_for_selector(f"[id*='\"{name}\"'] .js-plotly-plot .main-svg")
        found: dict[str, Any] = self.page.evaluate(
            """name => {
                const plot = document.querySelector(`[id*='"${name}"'] .js-plotly-plot`);
                const plain = (value) => JSON.parse(JSON.stringify(value, (k, v) =>
                    ArrayBuffer.isView(v) ? Array.from(v) : v));
                return {
                    data: plot.data.map((trace) => {
                        const full = plot._fullData.find((one) => one.index === trace.index) || {};
                        return plain({
                            type: trace.type, name: trace.name, x: trace.x, y: trace.y, z: trace.z,
                            median: trace.median, customdata: trace.customdata,
                            text: trace.text, size: trace.marker && trace.marker.size,
                        });
                    }),
                    decoded: plot.calcdata.length,
                    titles: [plot.layout.xaxis, plot.layout.yaxis].map(
                        (axis) => axis && axis.title && axis.title.text),
                };
            }""",
            name,
        )
        return found


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors, and checks that no console error was left."""
    contexts = []
    visitors: list[Visitor] = []

    def make(served: Served, *, width: int = 1400, height: int = 900) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        visitor = Visitor(context.new_page(), served.dashboard)
        visitor.served = served
        visitors.append(visitor)
        return visitor

    yield make
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for context in contexts:
        context.close()
    assert problems == []
