"""The dashboard inside the monitored app: its own login, untraced, leaving the app alone."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, session
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

import otel_fmd
from otel_fmd.actions.tokens import add_token
from otel_fmd.dashboard_package import NEEDED
from otel_fmd.errors import ConfigurationError
from otel_fmd.instrumentation import Instrumentation
from otel_fmd.people.actor import OPERATOR
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.apps import counted, running_app
from tests.support.people import log_in as log_in_over_http
from tests.support.requirements import ROOT
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
    form = {"username": "admin", "password": PASSWORD}
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
        names = {e.name for e in snapshot.endpoints.values()}
        assert {"count", "GET (unmatched)"} <= names
        assert not [name for name in names if name.startswith(("fmd_", "/", "_dash"))]
    store.close()


def test_fmds_api_is_where_it_was_in_fmd(mounted: tuple[Flask, Instrumentation, str]) -> None:
    """A script logs in as with FMD; the rules are the app's."""
    app, found, _ = mounted
    app.test_client().get("/count")
    assert found.force_flush()
    script = app.test_client()
    assert script.get("/dashboard/api/endpoints").status_code == 401
    form = {"name": "admin", "password": PASSWORD}
    assert script.post("/dashboard/login", data=form).status_code == 302
    (count,) = [one for one in script.get("/dashboard/api/overview").json if one["name"] == "count"]
    assert count["hits-overall"] == 1
    info = script.get(f"/dashboard/api/endpoint_info/{count['id']}").json
    assert (info["rules"], info["url"]) == (["/count"], "/count")
    assert set(info["methods"]) == {"GET", "HEAD", "OPTIONS"}
    assert script.get("/dashboard/database_pruning/get_database_size").status_code == 200
    assert app.test_client().get("/api/overview").text == "mine"


def test_its_api_is_below_its_path(mounted: tuple[Flask, Instrumentation, str]) -> None:
    """With a token, and a reference whose addresses are right."""
    app, found, url = mounted
    app.test_client().get("/count")
    assert found.force_flush()
    store = Store(url)
    secret = add_token(OPERATOR, store, "reports", ["read"], None)
    store.close()
    headers = {"Authorization": f"Bearer {secret}"}
    client = app.test_client()
    answer = client.get("/dashboard/api/v1/endpoints", headers=headers)
    assert [one["endpoint"]["name"] for one in answer.json["items"]] == ["count"]
    assert client.get("/dashboard/api/v1/users", headers=headers).status_code == 403
    assert client.get("/dashboard/api/v1/services").status_code == 401
    made = client.get("/dashboard/api/v1/openapi.json", headers=headers).json
    assert made["servers"] == [{"url": "/dashboard/api/v1"}]
    assert client.get("/api/v1/services", headers=headers).text == "mine"


def test_its_cookie_is_for_its_path_only(mounted: tuple[Flask, Instrumentation, str]) -> None:
    """The app never gets it."""
    form = {"username": "admin", "password": PASSWORD}
    client = mounted[0].test_client()
    answer = client.post("/dashboard/login", data=form, headers=ORIGIN)
    cookies = answer.headers.getlist("Set-Cookie")
    assert {one.partition("=")[0] for one in cookies} == {"otel_fmd_session", "otel_fmd_browser"}
    for cookie in cookies:
        assert {"Path=/dashboard/", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))


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
        log_in_over_http(browser, f"{base}/dashboard", PASSWORD)
        for _ in range(8):
            with requests.Session() as other:
                other.cookies.update(browser.cookies)
                answer = other.get(f"{base}/dashboard/_dash-layout", timeout=30)
                assert answer.status_code == 200
            assert requests.get(f"{base}/item", timeout=5).ok
        store = Store(environment["OTEL_FMD_DATABASE_URL"])

        def counted() -> bool:
            from otel_fmd.queries.counts import total
            from otel_fmd.queries.selection import Selection

            with Reader(store).snapshot() as snapshot:
                names = {e.name for e in snapshot.endpoints.values()}
                # `static` is in the URL map, too; nothing of the dashboard is.
                return {"shop.item"} <= names <= {"shop.item", "static"} and (
                    total(snapshot, Selection()) >= 9
                )

        wait_for(counted)
        store.close()


def test_a_rule_of_the_app_is_not_taken_away(tmp_path: Path) -> None:
    """At the path itself or below it: the rule is named, whichever way it is written."""
    for rule in ("/dashboard", "/dashboard/", "/dashboard/<int:number>"):
        app = Flask("taken")
        app.add_url_rule(rule, "mine", lambda **_: "mine")
        with pytest.raises(ConfigurationError, match=re.escape(repr(rule))):
            otel_fmd.instrument(
                app,
                database_url=f"sqlite:///{tmp_path / 'fmd.db'}",
                dashboard="/dashboard",
                tracer_provider=TracerProvider(),
            )
        assert app.test_client().get(rule.replace("<int:number>", "1")).text == "mine"


@pytest.mark.parametrize("rule", ["/dashboard", "/<page>"])
def test_a_rule_that_comes_later_is_told_once(
    mounted: tuple[Flask, Instrumentation, str], caplog: pytest.LogCaptureFixture, rule: str
) -> None:
    """At the first request, by its name; one with a placeholder is hidden, too."""
    app = mounted[0]
    app.add_url_rule(rule, "later", lambda **_: "later")
    for _ in range(2):
        app.test_client().get("/count")
    said = [one.getMessage() for one in caplog.records if "hides the rule" in one.getMessage()]
    assert len(said) == 1
    assert repr(rule) in said[0]


def test_every_request_has_its_own_prefix(mounted: tuple[Flask, Instrumentation, str]) -> None:
    """Two prefixes side by side, and a forged one, which can neither stay nor break out."""
    app = mounted[0]
    forged = '/x";</script><script>alert(1)//'
    for script_name, cookie in (
        (forged, "Path=/x%22%3B%3C/script%3E%3Cscript%3Ealert%281%29/dashboard/"),
        ("//evil.example", "Path=/evil.example/dashboard/"),
        ("/one", "Path=/one/dashboard/"),
        ("/two", "Path=/two/dashboard/"),
        ("", "Path=/dashboard/"),
    ):
        base = {"SCRIPT_NAME": script_name}
        client = app.test_client(use_cookies=False)
        page = client.get("/dashboard/login", environ_overrides=base)
        assert "<script>alert" not in page.text
        client = app.test_client(use_cookies=False)
        form = {"username": "admin", "password": PASSWORD}
        headers = dict(ORIGIN)
        logged = client.post("/dashboard/login", data=form, headers=headers, environ_overrides=base)
        assert logged.status_code == 302
        assert cookie in logged.headers["Set-Cookie"], script_name
        prefix = cookie.removeprefix("Path=")
        assert logged.headers["Location"] == prefix
        headers["Cookie"] = logged.headers["Set-Cookie"].partition(";")[0]
        shown = client.get("/dashboard/", headers=headers, environ_overrides=base)
        assert prefix.replace("/", "\\u002f") in shown.text
        assert f"{prefix}_dash-component-suites/" in shown.text
        assert "<script>alert" not in shown.text
        assert "_otel_fmd_anywhere_" not in shown.text
        headers["Referer"] = f"http://localhost{prefix}hourly"
        layout = client.get("/dashboard/_dash-layout", headers=headers, environ_overrides=base)
        assert "Hourly API utilization" in layout.text


def test_fmds_default_password_is_said_on_the_page_and_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not that the database cannot be reached."""
    app = Flask("default")
    found = otel_fmd.instrument(
        app,
        database_url=f"sqlite:///{tmp_path / 'fmd.db'}",
        dashboard="/dashboard",
        tracer_provider=TracerProvider(),
        admin_password="admin",
    )
    answer = app.test_client().get("/dashboard/login")
    assert answer.status_code == 503
    assert "OTEL_FMD_ADMIN_PASSWORD" in answer.text
    assert str(tmp_path) not in answer.text
    assert "5 characters" in caplog.text
    found.uninstrument()


def test_its_libraries_wait_for_the_first_visit(tmp_path: Path) -> None:
    """A worker that nobody asks for the dashboard does not import Dash; a missing one is told."""
    script = f"""
import sys
from importlib.util import find_spec
from flask import Flask
import otel_fmd
from otel_fmd import mount
from otel_fmd.errors import ConfigurationError
from opentelemetry.sdk.trace import TracerProvider

app = Flask("late")
app.route("/")(lambda: "x")
options = dict(database_url="sqlite:///{tmp_path / "fmd.db"}", dashboard="/d")
found = otel_fmd.instrument(app, tracer_provider=TracerProvider(), **options)
assert app.test_client().get("/").text == "x"
heavy = {{"dash", "plotly", "numpy", "dash_app", "dash_ag_grid"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert app.test_client().get("/d/login").status_code == 200
assert heavy <= set(sys.modules)
found.uninstrument()
mount.find_spec = lambda name: None if name == "dash_ag_grid" else find_spec(name)
try:
    otel_fmd.instrument(Flask("missing"), tracer_provider=TracerProvider(), **options)
except ConfigurationError as error:
    assert "dash_ag_grid" in str(error), error
else:
    raise AssertionError("a missing package was not told")
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_every_package_of_the_dashboard_is_looked_for() -> None:
    """What its modules import is what the start asks for."""
    needed: set[str] = set()
    for file in [*ROOT.glob("dash_app/**/*.py"), *ROOT.glob("otel_fmd/queries/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                needed |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                needed.add(node.module.partition(".")[0])
    ours = {"otel_fmd", "flask", "werkzeug", "sqlalchemy", "opentelemetry"}
    assert needed - set(sys.stdlib_module_names) - ours <= set(NEEDED)


ZERO_CODE = """
import otel_fmd
from flask import Flask

app = Flask("zero")
app.route("/item", endpoint="item")(lambda: "x")
otel_fmd.instrument(app, dashboard="/dashboard")
"""


def test_under_zero_code_the_dashboard_does_not_watch_itself(tmp_path: Path) -> None:
    """Its Flask app is made after every Flask class was patched."""
    (tmp_path / "zero.py").write_text(ZERO_CODE)
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    environment = {
        "OTEL_FMD_DATABASE_URL": url,
        "OTEL_FMD_ADMIN_PASSWORD": PASSWORD,
        "OTEL_TRACES_EXPORTER": "fmd",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    flask = ["flask", "--app", "zero", "run", "--port", "{port}"]
    with running_app(["opentelemetry-instrument", *flask], "/item", tmp_path, **environment) as app:
        browser = requests.Session()
        log_in_over_http(browser, f"{app.base}/dashboard", PASSWORD)
        for path in ("", "_dash-layout", "_dash-dependencies", "hourly"):
            assert browser.get(f"{app.base}/dashboard/{path}", timeout=30).ok
        for _ in range(5):
            assert app.get("/item").ok
        wait_for(lambda: counted(url) >= 6, what="the app's own requests")
    assert counted(url) == 6
    store = Store(url)
    with Reader(store).snapshot() as snapshot:
        assert {e.name for e in snapshot.endpoints.values()} - {"static"} == {"item"}
    store.close()
