"""The dashboard's WSGI application, with two users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from dash_app.app import create_app
from otel_fmd.config import Settings
from otel_fmd.ingest.batch import Batch
from otel_fmd.people.actor import Role
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from tests.support.oidc_provider import SmallProvider, small_provider
from tests.support.oidc_site import OidcSite
from tests.support.people import with_user
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of, writer


@pytest.fixture
def dashboard(sqlite_store: Store) -> Flask:
    """Of a database with three requests, an admin `ana` and a guest `ben`."""
    writer(sqlite_store).write(Batch(requests_of(Spans(1, time.time_ns()).many(3))))
    with_user(sqlite_store, "ana")
    with_user(sqlite_store, "ben", Role.GUEST)
    app = create_app(sqlite_store, Settings(), NO_PROCESS)
    app.testing = False
    return app


@pytest.fixture
def provider() -> Iterator[SmallProvider]:
    """An OpenID Connect provider that knows the admin `ana` and the guest `ben`."""
    with small_provider() as one:
        one.people["1"] = {"preferred_username": "ana", "roles": ["staff", "fmd-admin"]}
        one.people["2"] = {"preferred_username": "ben", "roles": ["fmd-guest"]}
        yield one


@pytest.fixture
def oidc(sqlite_store: Store, provider: SmallProvider, tmp_path: Path) -> OidcSite:
    """A dashboard with that provider, by the name `acme`, and no users."""
    return OidcSite(sqlite_store, provider, tmp_path / "oidc.toml")
