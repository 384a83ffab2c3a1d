"""Endpoints, services, users, versions and addresses without bounds: pages stay as they are."""

from __future__ import annotations

import time

import pytest

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.names import NameLimits
from otel_fmd.ingest.write import BatchWriter
from otel_fmd.requests.request import NOTHING_MORE, Request
from otel_fmd.rollups.recount import check
from otel_fmd.store.store import Store
from otel_fmd.views import overview as module
from otel_fmd.views.overview import OVERVIEW
from tests.support.folding import fold_all
from tests.support.look import context_of, encoded, everything_of

REQUESTS, LIMITS = 3_000, NameLimits(endpoints=300, paths=50, services=20, versions=100)
PAGES = ("/", "/hourly", "/daily", "/versions", "/performance", "/reporting", "/requests")


def request(number: int, start_us: int) -> Request:
    """One whose every name nobody had before."""
    return Request(
        f"service{number}",
        f"endpoint{number}",
        f"version{number}",
        start_us,
        1_000_000,
        200,
        f"user{number}",
        f"10.0.{number >> 8 & 255}.{number & 255}",
        number.to_bytes(16, "big"),
        (number + 1).to_bytes(8, "big"),
        NOTHING_MORE,
        None,
    )


@pytest.fixture
def bombed(sqlite_store: Store) -> tuple[Store, int]:
    """Three thousand such requests; how many of them were above a limit."""
    writer = BatchWriter(sqlite_store, OutlierRule(), limits=LIMITS)
    now_us, above = time.time_ns() // 1000, 0
    for first in range(0, REQUESTS, 500):
        numbers = range(first, first + 500)
        written = writer.write(Batch([request(n, now_us - 60_000_000 + n) for n in numbers]))
        above += written.other_endpoints
    fold_all(sqlite_store)
    return sqlite_store, above


def test_nothing_is_lost_and_everything_is_bounded(bombed: tuple[Store, int]) -> None:
    """Each request is counted, under names as many as the limits allow."""
    store, above = bombed
    context = context_of(store, "/", "?range=1h")
    data = context.load([OVERVIEW])[OVERVIEW]
    assert sum(row.selected.requests for row in data.overview.rows) == REQUESTS
    # One more for each kind: what stands for the rest.
    assert len(data.overview.rows) <= LIMITS.services + LIMITS.endpoints + 1
    assert above == REQUESTS - LIMITS.services
    assert data.warnings == [
        "Some requests are counted as (other endpoints), because there are more than "
        "OTEL_FMD_MAX_ENDPOINTS allows.",
        "Some requests are counted as (other services), because there are more than "
        "OTEL_FMD_MAX_SERVICES allows.",
        "Some requests are counted as (other versions), because there are more than "
        "OTEL_FMD_MAX_VERSIONS allows.",
    ]
    with store.read() as connection:
        rows = {
            name: len(connection.execute(getattr(store.tables, name).select()).all())
            for name in ("service", "version", "endpoint", "caller_histogram", "request")
        }
    assert rows["request"] == REQUESTS
    assert rows["service"] == LIMITS.services + 1
    assert rows["version"] == LIMITS.versions + 1
    assert rows["endpoint"] == LIMITS.services + LIMITS.endpoints + 1
    assert check(store) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_page_can_be_shown(bombed: tuple[Store, int], page: str) -> None:
    """With no more than a megabyte or two to draw."""
    parts = list(everything_of(context_of(bombed[0], page, "?range=1h")))
    assert parts
    assert "could not be" not in "".join(parts)
    assert max(map(len, parts)) < 2_000_000


def test_the_overview_shows_the_busiest(
    bombed: tuple[Store, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says how many there are."""
    monkeypatch.setattr(module, "MOST_ROWS", 10)
    context = context_of(bombed[0], "/", "?range=1h")
    data = context.load([OVERVIEW])[OVERVIEW]
    assert len(data.overview.rows) == 10
    assert data.overview.rows[0].endpoint.name == "(other endpoints)"
    assert data.overview.selected.requests == REQUESTS
    assert "Only the 10 of 3" in data.warnings[-1]
    assert "Only the 10 of 3" in encoded(list(everything_of(context)))
