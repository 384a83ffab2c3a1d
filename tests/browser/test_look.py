"""How the dashboard looks: dark and light, from a telephone to 4K."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.serving import Served
from tests.support.visitor import Visitor

Visit = Callable[..., Visitor]


def test_dark_mode_is_kept(visitor: Visitor) -> None:
    """It changes at once, graphs too, and stays after a reload."""
    page = visitor.page
    visitor.open("/performance")
    visitor.figure("api-performance")
    page.get_by_role("button", name="Switch between dark and light").click()
    page.wait_for_selector("[data-mantine-color-scheme=dark]")
    page.reload()
    page.wait_for_selector("[data-mantine-color-scheme=dark]")
    visitor.figure("api-performance")
    colour = page.evaluate("document.querySelector('.js-plotly-plot').layout.font.color")
    assert colour == "#dbe4ee"


def test_a_dark_system_starts_dark(visit: Visit, demo: Served) -> None:
    """From the first page on, until somebody presses the button."""
    one = visit(demo, color_scheme="dark")
    one.log_in()
    page = one.page
    page.wait_for_selector("[data-mantine-color-scheme=dark]")
    one.open("/performance")
    one.figure("api-performance")
    colour = page.evaluate("document.querySelector('.js-plotly-plot').layout.font.color")
    assert colour == "#dbe4ee"
    page.get_by_role("button", name="Switch between dark and light").click()
    page.wait_for_selector("[data-mantine-color-scheme=light]")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login**")
    one.log_in()
    page.wait_for_selector("[data-mantine-color-scheme=light]")


@pytest.mark.parametrize("width", [360, 1400, 3840])
def test_pages_fit_their_screen(visit: Visit, demo: Served, width: int) -> None:
    """Nothing is wider than the window, from a telephone to 4K."""
    one = visit(demo, width=width)
    one.log_in()
    for path in ("/", "/performance", "/admin/configuration"):
        one.open(path)
        wide = one.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path
