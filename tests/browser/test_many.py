"""Five hundred endpoints, a hundred versions, 300 exceptions: every page still works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from dash_app.page import Page
from dash_app.pages import PAGES
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.store.schema import ensure_schema
from otel_fmd.store.store import Store
from tests.support.folding import fold_all
from tests.support.look import plain_charts
from tests.support.raising import batch_of, raised, with_exception
from tests.support.serving import Served
from tests.support.spans import Spans
from tests.support.visitor import Visitor, wait_until

ENDPOINTS, VERSIONS, DAYS, GROUPS = 500, 100, 25, 300
PLAIN = {key for _, key in plain_charts()}


def fill(url: str) -> None:
    """One request of each endpoint in each version, over some weeks."""
    store = Store(url)
    ensure_schema(store)
    writer = BatchWriter(store, OutlierRule(constant=1_000))
    now_us = time.time_ns() // 1000
    step = DAYS * 86_400_000_000 // VERSIONS
    for version in range(VERSIONS):
        start = now_us - (VERSIONS - version) * step
        writer.write(
            Batch(
                [
                    Request(
                        "many",
                        f"blueprint{n % 20}.a_rather_long_name_of_an_endpoint_{n}",
                        f"2026.{version}",
                        start + n * 1_000,
                        (n % 50 + 1) * 1_000_000,
                        200,
                        f"user{n % 80}",
                        f"10.0.0.{n % 60}",
                        version.to_bytes(16, "big"),
                        (n + 1).to_bytes(8, "big"),
                        NOTHING_MORE,
                        None,
                    )
                    for n in range(ENDPOINTS)
                ]
            )
        )
    made = Spans(1)
    for number in range(GROUPS):
        span = made.span({"flask.endpoint": f"a_rather_long_name_of_an_endpoint_{number % 9}"})
        with_exception(span, raised(open, f"/there/is/no/such/file/of/group/{number}"))
        words = {"exception.type": f"shop.errors.ARatherLongNameOfAnError{number}"}
        for attribute in span.events[0].attributes:
            if attribute.key in words:
                attribute.value.string_value = words[attribute.key]
        writer.write(batch_of([span], service="many"))
    fold_all(store)
    store.close()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on such a database."""
    folder: Path = tmp_path_factory.mktemp("many")
    url = f"sqlite:///{folder / 'fmd.db'}"
    fill(url)
    served = Served(url)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def admin(browser: Browser, many: Served) -> Any:
    """The cookies of an admin: to log in takes seconds."""
    context = browser.new_context()
    Visitor(context.new_page(), many.dashboard).log_in()
    state = context.storage_state()
    context.close()
    return state


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if not {"<request>", "<metric>"} & set(page.path.split("/"))],
    ids=lambda page: page.path,
)
def test_every_page_is_drawn(
    visit: Callable[..., Visitor], many: Served, admin: Any, page: Page
) -> None:
    """Each chart has a figure unless it is of details, and nothing is wider than the window."""
    one = visit(many, storage_state=admin)
    path = page.address({"endpoint": "7", "group": "1"})
    one.open(f"{path}?range=30d", "#content .card, #content .empty, #content .ag-row")
    for chart in page.charts:
        if chart.key in PLAIN:
            assert one.figure(chart.key)["decoded"] >= 1
        else:
            one.page.locator("#content .empty").first.wait_for()
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 1400


def test_charts_of_these_requests_are_many() -> None:
    """Else the test above would look at empty pages only."""
    assert len(PLAIN) >= 11


def test_the_overview_shows_all_and_finds_one(visit: Callable[..., Visitor], many: Served) -> None:
    """By search; blueprints put them together."""
    one = visit(many)
    one.log_in()
    one.open("/?range=30d")
    page = one.page
    page.wait_for_selector(".ag-row")
    page.get_by_label("Search in Endpoints").fill("endpoint_499")
    wait_until(page, "document.querySelectorAll('.ag-center-cols-container .ag-row').length === 1")
    hits = page.locator(".ag-row [col-id=hits_overall]").inner_text()
    assert int(hits) == VERSIONS
    one.open("/?range=30d&group=blueprint")
    page.wait_for_selector(".ag-row")
    hits = one.row("blueprint3").locator("[col-id=hits_overall]").inner_text()
    assert int(hits.replace(",", "")) == VERSIONS * ENDPOINTS // 20


@pytest.mark.parametrize("path", ["/performance", "/reporting"])
def test_a_telephone_has_room_for_the_chart(
    visit: Callable[..., Visitor], many: Served, path: str
) -> None:
    """More than half of the screen's width, whatever the names; every row has its name."""
    one = visit(many, width=390)
    one.log_in()
    one.open(f"{path}?range=30d")
    one.page.wait_for_selector(".js-plotly-plot .annotation")
    width, names = one.page.evaluate(
        """() => {
            const plot = document.querySelector(".js-plotly-plot");
            return [plot._fullLayout._size.w, plot._fullLayout.annotations.length];
        }"""
    )
    assert width > 195
    assert names == 100
