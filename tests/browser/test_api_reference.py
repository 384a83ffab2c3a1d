"""The reference of the API: Swagger UI under our policy, with nothing from outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.serving import Served
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for

Visit = Callable[..., Visitor]


@pytest.mark.parametrize("width", [1400, 390])
def test_a_route_is_tried(
    serve: Callable[..., Served], visit: Visit, new_url: Callable[[str], str], width: int
) -> None:
    """From the page of tokens, with the session of the browser."""
    one = visit(serve(new_url("sqlite")), width=width)
    one.log_in()
    one.open("/admin/configuration")
    with one.page.context.expect_page() as opened:
        one.page.get_by_role("link", name="REST API: reference").click()
    page = opened.value
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.wait_for_selector(".opblock")
    page.locator("#operations-endpoints-get_services button.opblock-summary-control").click()
    page.locator(".try-out__btn").click()
    page.locator(".execute").click()
    shown = page.locator(".live-responses-table .microlight").first
    wait_for(lambda: '"items"' in shown.inner_text(), what="the answer")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert problems == []
