"""Somebody with a real browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

from tests.support.serving import PASSWORD, Served
from tests.support.waiting import wait_for


def wait_until(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own function evaluates it in the page, which the dashboard's policy forbids.
    """
    wait_for(lambda: page.evaluate(expression), what=expression)


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
