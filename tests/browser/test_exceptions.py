"""Exceptions in a browser: from the list to the line that raised, and what is decided."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

from otel_fmd.people.actor import Role
from otel_fmd.store.store import Store
from tests.support.people import PASSWORD, with_user
from tests.support.raising import place_an_order, raised, read_a_file, with_exception
from tests.support.serving import Served
from tests.support.spans import Spans, body, flask_attributes
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for

Visit = Callable[..., Visitor]
PROTOBUF = {"Content-Type": "application/x-protobuf"}
LONG_AGO_NS = 60_000_000_000


def fail(served: Served, seed: int, error: BaseException, version: str = "1") -> None:
    """Three requests that end with an exception."""
    made = Spans(seed, time.time_ns() - LONG_AGO_NS // 4)
    attributes = flask_attributes("/orders", **{"http.status_code": 500, "enduser.id": "Ana"})
    spans = [with_exception(made.span(attributes), error) for _ in range(3)]
    about = {"version": version, "telemetry.sdk.language": "python"}
    data = body(spans, **about)
    assert requests.post(served.traces, data, headers=PROTOBUF, timeout=30).status_code == 200


def test_from_the_list_to_a_decision(
    serve: Callable[..., Served], visit: Visit, new_url: Callable[[str], str]
) -> None:
    """A group is found, read, resolved, comes back, is merged, split and removed."""
    served = serve(new_url("sqlite"))
    fail(served, 1, raised(place_an_order, 7))
    fail(served, 2, raised(read_a_file, "<b>orders</b>"))
    one = visit(served)
    one.log_in()
    page = one.page
    one.open("/exceptions", ".ag-row")
    row = one.row("ValueError")
    assert "order <int> is empty" in row.inner_text()
    page.get_by_role("link", name="ValueError", exact=True).click()
    page.get_by_role("heading", name="Newest stack trace").wait_for()
    assert "raise ValueError" in page.locator(".stack").inner_text()
    one.figure("exception-occurrences")
    page.get_by_role("link", name="Request →").click()
    page.get_by_role("heading", name="Exception", exact=True).wait_for()
    page.get_by_role("link", name="All like this →").click()

    page.get_by_role("button", name="Resolve", exact=True).click()
    page.locator(".state-resolved").wait_for()
    page.get_by_label("Assigned to").fill("ben")
    page.get_by_label("Note").fill("see <i>invoices</i>")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("assigned to ben").wait_for()
    one.open("/exceptions", ".ag-row")
    assert page.get_by_role("link", name="ValueError", exact=True).count() == 0
    page.get_by_role("link", name="Resolved", exact=True).click()
    page.get_by_role("link", name="ValueError", exact=True).wait_for()

    made = Spans(3, time.time_ns())
    spans = [with_exception(made.span(), raised(place_an_order, 9))]
    data = body(spans, **{"telemetry.sdk.language": "python"})
    assert requests.post(served.traces, data, headers=PROTOBUF, timeout=30).status_code == 200
    one.open("/exceptions?state=regressed", ".ag-row")
    assert "regressed" in one.row("ValueError").inner_text()

    one.open("/exceptions", ".ag-row")
    page.get_by_role("link", name="RuntimeError", exact=True).click()
    page.get_by_role("heading", name="Newest stack trace").wait_for()
    assert "caused by" in page.locator(".stack").inner_text()
    assert page.locator(".stack b b").count() == 0
    page.locator("#exception-into").click()
    page.get_by_role("option").first.click()
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("heading", name="ValueError", exact=True).wait_for()
    page.get_by_role("button", name="Split off the chosen ones").click()
    page.get_by_text("expected some, but not all").wait_for()
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("a removed group cannot be brought back").wait_for()
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Remove").click()
    page.locator("#content .empty").wait_for()
    assert one.problems == []


def test_a_guest_reads_and_decides_nothing(
    serve: Callable[..., Served], visit: Visit, new_url: Callable[[str], str]
) -> None:
    """The forms are not there."""
    url = new_url("sqlite")
    served = serve(url)
    fail(served, 1, raised(place_an_order, 7))
    store = Store(url)
    with_user(store, "ben", Role.GUEST)
    store.close()
    one = visit(served)
    one.log_in("ben", PASSWORD)
    one.open("/exception/1")
    one.page.get_by_role("heading", name="Newest stack trace").wait_for()
    assert one.page.get_by_role("button", name="Resolve", exact=True).count() == 0
    assert one.page.get_by_role("button", name="Remove").count() == 0


def test_the_list_follows_what_comes(
    serve: Callable[..., Served], visit: Visit, new_url: Callable[[str], str]
) -> None:
    """An empty list says what to do; live, it fills by itself."""
    served = serve(new_url("sqlite"))
    one = visit(served)
    one.log_in()
    one.open("/exceptions", "#content .empty")
    assert "otel_fmd.capture()" in one.page.locator("#content .empty").inner_text()
    fail(served, 1, raised(place_an_order, 7))
    one.open("/exceptions", ".ag-row")
    one.page.get_by_label("Live").check()
    fail(served, 2, raised(place_an_order, 8))
    wait_for(lambda: "6" in one.row("ValueError").inner_text(), 30, "the count is refreshed")
