"""`/metrics` on the port of a dashboard: who sees it."""

from __future__ import annotations

import pytest
from flask import Flask

from dash_app.app import create_app
from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.metrics.exposition import Exposition
from otel_fmd.people.actor import OPERATOR
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from tests.support.people import log_client_in, user_named


@pytest.fixture
def measured(dashboard: Flask, sqlite_store: Store) -> Flask:
    """The dashboard of a process with metrics, and its users."""
    return create_app(sqlite_store, Settings(), NO_PROCESS, metrics=Exposition())


def test_nobody_sees_it_without_login_or_token(measured: Flask) -> None:
    """A scraper is asked for a token, a browser for a login."""
    client = measured.test_client()
    answer = client.get("/metrics")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert b"process_" not in answer.data
    page = client.get("/metrics", headers={"Accept": "text/html"})
    assert page.headers["Location"] == "/login?next=/metrics"


@pytest.mark.parametrize(
    ("scope", "status"), [("read", 200), ("write", 200), ("admin", 200), ("ingest", 403)]
)
def test_a_token_that_reads(measured: Flask, sqlite_store: Store, scope: str, status: int) -> None:
    """Sees it, whatever else it may do; one that only sends does not."""
    secret = add_token(OPERATOR, sqlite_store, "scraper", [scope], 1)
    headers = {"Authorization": f"Bearer {secret}"}
    answer = measured.test_client().get("/metrics", headers=headers)
    assert answer.status_code == status
    assert (b"\nprocess_start_time_seconds " in answer.data) == (status == 200)


def test_a_guest_who_is_logged_in(measured: Flask, sqlite_store: Store) -> None:
    """In the format that is asked for, and kept nowhere."""
    client = measured.test_client()
    ben = user_named(sqlite_store, "ben")
    assert ben is not None
    log_client_in(client, sqlite_store, ben)
    plain = client.get("/metrics")
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert plain.headers["Cache-Control"] == "no-store"
    headers = {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"}
    packed = client.get("/metrics", headers=headers)
    assert packed.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0;")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.data[:2] == b"\x1f\x8b"


def test_a_dashboard_in_an_app_has_none(dashboard: Flask, sqlite_store: Store) -> None:
    """Each worker would count its own share: no number would be that of the app."""
    secret = add_token(OPERATOR, sqlite_store, "scraper", ["read"], 1)
    headers = {"Authorization": f"Bearer {secret}"}
    answer = dashboard.test_client().get("/metrics", headers=headers)
    assert b"process_" not in answer.data
    assert not [rule for rule in dashboard.url_map.iter_rules() if rule.rule == "/metrics"]
