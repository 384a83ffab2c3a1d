"""Metrics, runtime and logs in a browser: chosen by links, searched, shared by address."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.serving import Served
from tests.support.visitor import Visitor, wait_until

Visit = Callable[..., Visitor]


def test_a_metric_is_explored_by_links(visit: Visit, demo: Served) -> None:
    """Aggregation, a line for each route, one of them; the address has it all."""
    one = visit(demo)
    one.log_in()
    one.open("/explore-metrics?range=1h", "#content .ag-row")
    page = one.page
    page.get_by_role("link", name="http.server.request.duration").first.click()
    assert len(one.figure("metric")["data"]) == 1
    page.get_by_role("link", name="count", exact=True).click()
    page.wait_for_url("**aggregation=count**")
    page.get_by_role("link", name="http.route", exact=True).click()
    page.wait_for_url("**group_by=http.route**")
    three = "document.querySelector('#content .js-plotly-plot').data.length === 3"
    wait_until(page, three)
    page.locator("summary", has_text="process.pid").click()
    page.get_by_role("link", name="41", exact=True).click()
    page.wait_for_url("**labels=**")
    page.get_by_role("link", name="process.pid: 41 ✕").wait_for()
    address = page.url
    other = visit(demo)
    other.log_in()
    other.page.goto(address)
    other.page.get_by_role("link", name="process.pid: 41 ✕").wait_for()
    other.figure("metric")
    wait_until(other.page, three)


def test_log_records_are_searched_and_lead_to_their_request(visit: Visit, demo: Served) -> None:
    """By text and severity; a trace has its request, and that has its records."""
    one = visit(demo)
    one.log_in()
    one.open("/logs?range=7d", "#content .ag-row")
    page = one.page
    page.get_by_role("textbox", name="Only records that contain this").fill("SLOW search")
    page.wait_for_url("**text=SLOW**")
    page.get_by_role("link", name="text: SLOW search ✕").wait_for()
    page.locator(".ag-row a").first.click()
    page.wait_for_url("**trace=**")
    page.get_by_role("link", name="Its request →").click()
    page.wait_for_url("**/request/**")
    page.get_by_role("heading", name="Log records, in order of time").wait_for()
    texts = page.locator(".ag-row [col-id='text']").all_inner_texts()
    assert texts[0] == "erin searched"
    assert texts[1].startswith("slow search")


@pytest.mark.parametrize("width", [360, 1400])
def test_pages_fit_their_screen(visit: Visit, demo: Served, width: int) -> None:
    """Nothing is wider than the window; each worker has its line."""
    one = visit(demo, width=width)
    one.log_in()
    for path in ("/explore-metrics", "/explore-metrics/1", "/logs", "/runtime", "/measured"):
        one.open(f"{path}?range=1h", "#content .card")
        wide = one.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path
    one.open("/runtime?range=1h&service=shop", "#content .card")
    assert len(one.figure("runtime-memory")["data"]) == 2
