"""Bodies that are iterated after their request."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_fmd.database.queries.profiles import profiles
from otel_fmd.database.queries.rows import requests
from otel_fmd.database.queries.selection import Selection
from otel_fmd.database.queries.snapshot import Reader


@pytest.mark.parametrize("path", ["/stream", "/stream?context=1"])
def test_a_streamed_body_is_a_span_of_its_own_with_its_profile(
    instrumented: Any, kept: InMemorySpanExporter, path: str
) -> None:
    """A child of the request's span, as long as the body took; stored as an endpoint's request."""
    app, found, store = instrumented(monitor_level=3)
    assert app.test_client().get(path).text == "0123"
    assert found.force_flush()
    outer, body = kept.get_finished_spans()
    assert body.parent is not None
    assert outer.context is not None
    assert body.parent.span_id == outer.context.span_id
    with Reader(store).snapshot() as snapshot:
        ids = {e.name: e.id for e in snapshot.endpoints.values()}
        assert set(ids) == {"shop.stream", "shop.stream (body)"}
        (one,) = profiles(snapshot, ids["shop.stream (body)"])
    assert one.request.duration >= 80
    lines = {line.code: line.duration_ms for line in one.lines}
    assert lines["time.sleep(0.02)"] > 50


def test_a_body_that_fails_fails_as_before(instrumented: Any) -> None:
    """Its error reaches the server, and is noted on the span; closing it early ends the span."""
    app, found, store = instrumented()
    with pytest.raises(ValueError, match="in the body"):
        app.test_client().get("/stream?fail=1").get_data()
    answer = app.test_client().get("/stream", buffered=False)
    next(iter(answer.response))
    answer.close()
    assert found.force_flush()
    with Reader(store).snapshot() as snapshot:
        ids = {e.name: e.id for e in snapshot.endpoints.values()}
        bodies = requests(snapshot, Selection(endpoint_ids=[ids["shop.stream (body)"]])).requests
    assert [one.status_code for one in bodies] == [None, 500]
    assert found.processor.errors == 0
