"""Login, logout and set-up over HTTP: cookies, limits, and what the audit says of them."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dash_app.app import create_app
from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.people.actor import OPERATOR
from otel_fmd.people.setup import new_setup_link
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from otel_fmd.web.proxy import BehindProxy
from tests.support.people import PASSWORD, users_of

ORIGIN = {"Origin": "http://localhost"}
HTTPS = {"base_url": "https://localhost", "headers": {"Origin": "https://localhost"}}


def log_in(client: FlaskClient, name: str = "ana", password: str = PASSWORD, **extra: Any) -> Any:
    """What a browser gets for the form."""
    form = {"username": name, "password": password}
    return client.post("/login", data=form, **{"headers": ORIGIN, **extra})


def is_in(client: FlaskClient, **extra: Any) -> bool:
    """Whether somebody is logged in."""
    return bool(client.get("/_dash-layout", **extra).status_code == 200)


def audit_of(store: Store) -> list[tuple[str, str, str]]:
    """Action, actor and target of each entry but the first users."""
    with store.read() as connection:
        rows = connection.execute(store.tables.audit.select()).all()
    return [(row.action, row.actor, row.target) for row in rows if row.action != "user.add"]


def test_a_session_lasts_until_logout(dashboard: Flask, sqlite_store: Store) -> None:
    """And a copied cookie no longer."""
    client, thief = dashboard.test_client(), dashboard.test_client()
    assert not is_in(client)
    assert log_in(client).status_code == 302
    assert is_in(client)
    cookie = client.get_cookie("otel_fmd_session")
    assert cookie is not None
    thief.set_cookie("otel_fmd_session", cookie.value)
    assert is_in(thief)
    assert client.post("/logout", headers=ORIGIN).headers["Location"] == "/login"
    assert client.get_cookie("otel_fmd_session") is None
    assert not is_in(client)
    assert not is_in(thief)
    assert audit_of(sqlite_store) == [("login", "ana", "ana"), ("logout", "ana", "ana")]


def test_cookies_over_http(dashboard: Flask) -> None:
    """No script reads them, no other site sends them."""
    cookies = log_in(dashboard.test_client()).headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Secure" not in cookie


def test_cookies_over_https(dashboard: Flask) -> None:
    """Only over TLS, only from this host; one that was set without TLS is not read."""
    client = dashboard.test_client()
    answer = log_in(client, **HTTPS)
    cookies = answer.headers.getlist("Set-Cookie")
    assert {one.partition("=")[0] for one in cookies} == {
        "__Host-otel_fmd_session",
        "__Host-otel_fmd_browser",
    }
    assert all({"Secure", "Path=/"} <= set(one.split("; ")) for one in cookies)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert is_in(client, base_url="https://localhost")
    plain = dashboard.test_client()
    log_in(plain)
    assert is_in(plain)
    assert not is_in(plain, base_url="https://localhost")


def test_below_a_public_url(sqlite_store: Store, dashboard: Flask) -> None:
    """Its scheme, host and path hold, whatever the request says."""
    settings = Settings(public_url="https://fmd.example.com/team")
    app = create_app(sqlite_store, settings, NO_PROCESS)
    app.wsgi_app = BehindProxy(app.wsgi_app, settings)  # type: ignore[method-assign]
    client = app.test_client(use_cookies=False)
    form = {"username": "ana", "password": PASSWORD}
    refused = client.post("/login", data=form, headers=ORIGIN)
    assert refused.status_code == 403
    headers = {
        "Origin": "https://fmd.example.com",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
    }
    answer = client.post("/team/login", data=form, headers=headers)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/team/"
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert cookie.startswith("__Secure-otel_fmd_")
        assert "; Path=/team/" in cookie


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:81", ""])
def test_a_form_of_another_site_is_refused(dashboard: Flask, origin: str) -> None:
    """Login, logout and changes alike; over https not even from the same host without TLS."""
    client = dashboard.test_client()
    headers = {"Origin": origin} if origin else {}
    assert log_in(client, headers=headers).status_code == 403
    log_in(client)
    for path in ("/logout", "/_dash-update-component", "/setup/x"):
        assert client.post(path, headers=headers, json={}).status_code == 403
    assert is_in(client)
    assert log_in(client, headers=ORIGIN, base_url="https://localhost").status_code == 403


def test_failed_logins_are_limited(dashboard: Flask, sqlite_store: Store) -> None:
    """With the time to wait; the same user elsewhere is not concerned; the audit has all of it."""
    client, known = dashboard.test_client(), dashboard.test_client()
    assert log_in(known).status_code == 302
    for _ in range(5):
        assert log_in(client, password="wrong").status_code == 401
    answer = log_in(client)
    assert answer.status_code == 429
    assert 290 <= int(answer.headers["Retry-After"]) <= 300
    assert "Try again in 5 minutes" in answer.text
    assert log_in(known).status_code == 302
    assert audit_of(sqlite_store) == [
        ("login", "ana", "ana"),
        *[("login.failed", "(nobody)", "ana")] * 5,
        ("login.lockout", "(nobody)", "ana"),
        ("login", "ana", "ana"),
    ]


def test_what_was_typed_as_a_name_is_not_kept(dashboard: Flask, sqlite_store: Store) -> None:
    """It may be a password."""
    log_in(dashboard.test_client(), name="hunter2 is my secret")
    assert audit_of(sqlite_store) == [("login.failed", "(nobody)", "(unknown user)")]
    with sqlite_store.read() as connection:
        for table in sqlite_store.tables.metadata.sorted_tables:
            assert "hunter2" not in str(connection.execute(table.select()).all())


def test_the_set_up_link_creates_the_first_admin(sqlite_store: Store) -> None:
    """Who is logged in at once; afterwards it is gone."""
    link = f"/{new_setup_link(sqlite_store)}"
    app = create_app(sqlite_store, Settings(), NO_PROCESS)
    client = app.test_client()
    assert 'value="admin"' in client.get(link).text
    form = {"username": "ana", "password": "short", "again": "short"}
    answer = client.post(link, data=form, headers=ORIGIN)
    assert answer.status_code == 400
    assert "The password has 5 characters: expected 12 to 1000." in answer.text
    answer = client.post(link, data={**form, "again": "other"}, headers=ORIGIN)
    assert "The two passwords differ." in answer.text
    assert users_of(sqlite_store) == []
    form |= {"password": PASSWORD, "again": PASSWORD}
    assert client.post(link, data=form, headers=ORIGIN).status_code == 302
    assert is_in(client)
    assert [(one.username, one.is_admin) for one in users_of(sqlite_store)] == [("ana", True)]
    other = app.test_client()
    assert other.get(link).status_code == 410
    assert "otel-fmd user setup-link" in other.get(link).text
    form["username"] = "eve"
    assert other.post(link, data=form, headers=ORIGIN).status_code == 410
    assert len(users_of(sqlite_store)) == 1


@pytest.mark.parametrize(
    "next_", ["//evil.example", "/%0d%0aSet-Cookie:x", "https://evil", "/\\e", "//["]
)
def test_the_way_on_leads_nowhere_else(dashboard: Flask, next_: str) -> None:
    """To the dashboard's first page instead."""
    client = dashboard.test_client()
    form = {"username": "ana", "password": PASSWORD}
    answer = client.post(f"/login?next={next_}", data=form, headers=ORIGIN)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/")
    assert "evil" not in answer.headers["Location"]
    assert "\n" not in answer.headers["Location"]


def test_no_page_runs_a_script_that_is_not_ours(dashboard: Flask) -> None:
    """Neither inline, except the line that starts Dash, nor evaluated, nor of another host."""
    client = dashboard.test_client()
    log_in(client)
    for path in ("/", "/login", "/setup/x"):
        answer = client.get(path)
        policy = dict(
            part.strip().split(" ", 1)
            for part in answer.headers["Content-Security-Policy"].split(";")
        )
        assert policy["script-src"].startswith("'self' 'sha256-")
        assert "unsafe" not in policy["script-src"]
        hashes = policy["script-src"].split()[1:]
        inline = re.findall(r"<script(?![^>]*src=)(?![^>]*json)[^>]*>(.*?)</script>", answer.text)
        for script in inline:
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in hashes
        assert len(inline) == (1 if path == "/" else 0)


def test_the_token_of_a_proxy_in_front_is_not_ours(dashboard: Flask, sqlite_store: Store) -> None:
    """Next to a session, the session decides; without one it opens nothing."""
    client = dashboard.test_client()
    log_in(client)
    for token, expected in (("eyJhbGciOi.J9.x", 200), ("ofmd_revoked", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/_dash-layout", headers=headers).status_code == expected
        stranger = dashboard.test_client()
        assert stranger.get("/_dash-layout", headers=headers).status_code == 401
    secret = add_token(OPERATOR, sqlite_store, "ci", ["read"], None)
    headers = {"Authorization": f"Bearer {secret}"}
    assert dashboard.test_client().get("/_dash-layout", headers=headers).status_code == 200
