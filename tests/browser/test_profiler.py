"""The profiler's views, on profiles that the agent made of a real app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

import otel_fmd
from dash_app.figures.style import plain, shorten
from otel_fmd.queries.profiles import grouped_profile
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.serving import Served
from tests.support.shop import make_app
from tests.support.visitor import Visitor


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on a database with 25 profiled requests."""
    folder: Path = tmp_path_factory.mktemp("profiled")
    url = f"sqlite:///{folder / 'fmd.db'}"
    app = make_app()
    provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
    found = otel_fmd.instrument(app, database_url=url, tracer_provider=provider, monitor_level=3)
    for _ in range(25):
        app.test_client().get("/mixed")
    found.uninstrument()
    served = Served(url)
    yield served
    served.stop()


def test_profiles_are_trees_that_fold(visit: Callable[..., Visitor], profiled: Served) -> None:
    """The newest open, with ms, share and CPU; older ones on the next page."""
    one = visit(profiled)
    one.log_in()
    one.open("/endpoint/1/profiler")
    page = one.page
    first = page.locator("#content .card").first
    text = first.inner_text()
    assert "def mixed() -> str:" in text
    assert "busy(0.03)" in text
    assert "% CPU" in text
    first.get_by_text("def mixed() -> str:").click()
    assert not first.get_by_text("time.sleep(0.03)").is_visible()
    page.get_by_role("link", name="Older →").click()
    page.wait_for_url("**page=1**")
    page.get_by_role("link", name="← Newer").wait_for()


def test_the_flame_graph_has_the_numbers_of_the_lines(
    visit: Callable[..., Visitor], profiled: Served
) -> None:
    """Totals as in the table and in the rows."""
    one = visit(profiled)
    one.log_in()
    one.open("/endpoint/1/grouped-profiler")
    page = one.page
    page.wait_for_selector("[id*='profile-icicle'] .js-plotly-plot .slice")
    page.wait_for_selector("[id*='profile-sunburst'] .js-plotly-plot .slice")
    labels = page.evaluate(
        "Array.from(document.querySelector(\"[id*='profile-icicle'] .js-plotly-plot\")"
        "._fullData[0].labels)"
    )
    store = Store(profiled.database_url)
    with Reader(store).snapshot() as snapshot:
        merged = grouped_profile(snapshot, 1)
    store.close()
    assert labels == [plain(shorten(line.code, 60)) for line in merged.lines]
    assert "busy(0.03)" in labels
    page.wait_for_selector(".ag-row")
    assert "busy(0.03)" in page.locator(".ag-center-cols-container").inner_text()
