"""The dashboard inside the monitored app: its own login, untraced, leaving the app alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, session
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

import otel_fmd
from otel_fmd.database.queries.snapshot import Reader
from otel_fmd.database.store import Store
from otel_fmd.errors import ConfigurationError
from otel_fmd.instrumentation import Instrumentation
from tests.support.apps import running_app
from tests.support.serving import PASSWORD
from tests.support.waiting import wait_for

ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[Flask, Instrumentation, str]]:
    """An app with sessions and an error handler of its own."""
    app = Flask("mounted")
    app.secret_key = "mine"

    @app.route("/count")
    def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    @app.errorhandler(404)
    def lost(_error: Any) -> tuple[str, int]:
        return "mine", 404

    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    provider = TracerProvider(resource=Resource.create({"service.name": "mounted"}))
    found = otel_fmd.instrument(
        app,
        database_url=url,
        dashboard="/dashboard",
        tracer_provider=provider,
        admin_password=PASSWORD,
    )
    yield app, found, url
    found.uninstrument()


def log_in(client: Any) -> None:
    """Through the login page."""
    page = client.get("/dashboard/login").text
    token = re.search('name="token" value="([^"]+)"', page)[1]  # type: ignore[index]
    form = {"username": "admin", "password": PASSWORD, "token": token}
    assert client.post("/dashboard/login", data=form, headers=ORIGIN).status_code == 302


def test_it_has_its_own_login_and_leaves_the_app_alone(
    mounted: tuple[Flask, Instrumentation, str],
) -> None:
    """Sessions, error handlers and URL map are the app's; the dashboard's requests are not seen."""
    app, found, url = mounted
    client = app.test_client()
    assert [client.get("/count").text for _ in range(2)] == ["1", "2"]
    answer = client.get("/dashboard/hourly", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/dashboard/login?next=/dashboard/hourly")
    assert client.get("/dashboard").headers["Location"] == "/dashboard/"
    log_in(client)
    page = client.get("/dashboard/")
    assert page.status_code == 200
    assert "/dashboard/_dash-component-suites/" in page.text
    layout = client.get("/dashboard/_dash-layout")
    assert layout.status_code == 200
    assert client.get("/count").text == "3"
    assert client.get("/nowhere").text == "mine"
    assert client.get("/dashboards").text == "mine"
    assert all("dashboard" not in str(rule) for rule in app.url_map.iter_rules())
    assert found.force_flush()
    store = Store(url)
    with Reader(store).snapshot() as snapshot:
        assert {e.name for e in snapshot.endpoints.values()} == {"count", "GET (unmatched)"}
    store.close()


def test_its_cookie_is_for_its_path_only(mounted: tuple[Flask, Instrumentation, str]) -> None:
    """The app never gets it."""
    answer = mounted[0].test_client().get("/dashboard/login")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("otel_fmd_session=")
    assert "Path=/dashboard/" in cookie
    assert "HttpOnly" in cookie


def test_uninstrument_takes_it_away_and_leaves_what_others_put_around(
    mounted: tuple[Flask, Instrumentation, str],
) -> None:
    """Middleware of others stays, whenever it was added."""
    app, found, _ = mounted
    inner = app.wsgi_app

    def middleware(environ: Any, start: Any) -> Any:
        seen.append(environ["PATH_INFO"])
        return inner(environ, start)

    seen: list[str] = []
    app.wsgi_app = middleware  # type: ignore[method-assign]
    found.uninstrument()
    assert app.test_client().get("/count").text == "1"
    assert seen == ["/count"]


def test_a_database_that_is_away_is_503_and_the_app_goes_on(tmp_path: Path) -> None:
    """And the dashboard comes when the database does."""
    app = Flask("away")
    app.route("/")(lambda: "x")
    folder = tmp_path / "later"
    found = otel_fmd.instrument(
        app,
        database_url=f"sqlite:///{folder / 'fmd.db'}",
        dashboard="/dashboard",
        tracer_provider=TracerProvider(),
    )
    client = app.test_client()
    assert client.get("/dashboard/login").status_code == 503
    assert client.get("/").text == "x"
    folder.mkdir()
    assert client.get("/dashboard/login").status_code == 200
    found.uninstrument()


def test_without_a_database_in_the_app_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans go elsewhere, and the dashboard is there."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    with pytest.raises(ConfigurationError, match="dashboard_path"):
        otel_fmd.instrument(Flask("x"), dashboard="/d", tracer_provider=TracerProvider())


FACTORY = """
import otel_fmd
from flask import Blueprint, Flask

def create_app():
    app = Flask("factory")
    shop = Blueprint("shop", __name__)
    shop.route("/item", endpoint="item")(lambda: "x")
    app.register_blueprint(shop)
    otel_fmd.instrument(app, dashboard="/dashboard")
    return app
"""


def test_several_gunicorn_workers_share_it(tmp_path: Path) -> None:
    """An app factory under two workers: one login holds in both, and all requests are counted."""
    (tmp_path / "factory.py").write_text(FACTORY)
    environment = {
        "OTEL_FMD_DATABASE_URL": f"sqlite:///{tmp_path / 'fmd.db'}",
        "OTEL_FMD_ADMIN_PASSWORD": PASSWORD,
        "OTEL_SERVICE_NAME": "factory",
    }
    command = ["gunicorn", "factory:create_app()", "--bind", "127.0.0.1:{port}", "--workers", "2"]
    with running_app(command, "/item", tmp_path, **environment) as app:
        base = app.base
        browser = requests.Session()
        page = browser.get(f"{base}/dashboard/login", timeout=30).text
        token = re.search('name="token" value="([^"]+)"', page)[1]  # type: ignore[index]
        form = {"username": "admin", "password": PASSWORD, "token": token}
        browser.post(f"{base}/dashboard/login", form, headers={"Origin": base}, timeout=30)
        for _ in range(8):
            with requests.Session() as other:
                other.cookies.update(browser.cookies)
                answer = other.get(f"{base}/dashboard/_dash-layout", timeout=30)
                assert answer.status_code == 200
            assert requests.get(f"{base}/item", timeout=5).ok
        store = Store(environment["OTEL_FMD_DATABASE_URL"])

        def counted() -> bool:
            from otel_fmd.database.queries.counts import total
            from otel_fmd.database.queries.selection import Selection

            with Reader(store).snapshot() as snapshot:
                names = {e.name for e in snapshot.endpoints.values()}
                return names == {"shop.item"} and total(snapshot, Selection()) >= 9

        wait_for(counted)
        store.close()
