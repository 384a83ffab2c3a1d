"""FMD's REST API: who may use which route, and what odd requests get."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dash_app.app import create_app
from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.people.actor import OPERATOR, Role
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from otel_fmd.web.fmd.api import GROUPS, LINK
from tests.support.people import PASSWORD, log_client_in, user_named

ORIGIN = {"Origin": "http://localhost"}


class Case(NamedTuple):
    """A route with one of its methods."""

    method: str
    rule: str
    role: Role

    def path(self, value: str = "1") -> str:
        """Its path, with a value in every place."""
        return LINK + re.sub(r"<[^>]*>", value, self.rule)


CASES = [
    Case(method, route.rule, route.role)
    for routes in GROUPS.values()
    for route in routes
    for method in route.methods
]
IDS = [f"{one.method} {one.rule}" for one in CASES]
REFUSED = (401, 403)


def bearer(secret: str) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {secret}"}


def client_of(app: Flask, store: Store, name: str) -> FlaskClient:
    """A client in which a user is logged in."""
    client = app.test_client()
    user = user_named(store, name)
    assert user is not None
    log_client_in(client, store, user)
    return client


def status_of(client: FlaskClient, case: Case, **options: Any) -> int:
    """What a route answers to an empty request; it is JSON if it is an error."""
    answer = client.open(case.path(), method=case.method, **options)
    assert answer.status_code != 500, answer.text
    if answer.status_code >= 400:
        assert answer.is_json, answer.text
    return int(answer.status_code)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_roles(dashboard: Flask, sqlite_store: Store, case: Case) -> None:
    """Nobody, a guest, an admin, and a token of each scope."""
    assert status_of(dashboard.test_client(), case) == 401
    for name, role in (("ben", Role.GUEST), ("ana", Role.ADMIN)):
        status = status_of(client_of(dashboard, sqlite_store, name), case)
        assert (status in REFUSED) == (role < case.role), name
    for scope, role in (
        ("ingest", Role.NOBODY),
        ("read", Role.GUEST),
        ("write", Role.WRITER),
        ("admin", Role.ADMIN),
    ):
        secret = add_token(OPERATOR, sqlite_store, scope, [scope], None)
        status = status_of(dashboard.test_client(), case, headers=bearer(secret))
        assert (status in REFUSED) == (role < case.role or role is Role.NOBODY), scope


def test_routes_that_change_are_not_for_guests() -> None:
    """Except those that read what a body asks for, and those that do nothing."""
    names = "overview|api_performance|multi_version|version_|endpoint_|reporting"
    reads = re.compile(rf"/api/({names})|/telemetry/")
    for case in CASES:
        if case.method != "GET" and not reads.match(case.rule):
            assert case.role >= Role.WRITER, case
        if case.rule.startswith("/database_pruning/"):
            assert case.role is Role.ADMIN


ODD = (
    "0",
    "-1",
    "99999999999999999999999999",
    "x",
    "%00",
    "%ED%A0%80",
    "9999-12-31",
    "0001-01-01",
    "2026-02-30",
    "1e9",
    "'%22;--",
    "\u0663",
)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_odd_values_in_paths(dashboard: Flask, sqlite_store: Store, case: Case) -> None:
    """Never 500; an error is JSON and says something."""
    client = client_of(dashboard, sqlite_store, "ana")
    for value in ODD:
        answer = client.open(case.path(value), method=case.method)
        assert answer.status_code in (200, 204, 400, 404, 405, 422), (value, answer.text)
        if answer.status_code >= 400:
            assert answer.is_json, (value, answer.text)
            assert "".join(answer.json.values()), value


NESTED = {"data": {"endpoints": [["x"]], "versions": 1, "users": None, "ip": "x"}}
LONG = {"data": dict.fromkeys(("endpoints", "versions", "users", "ip"), ["x"] * 201)}
NAMES = {
    "data": {key: ["\x00", "\ud800", "", None] for key in ("endpoints", "versions", "users", "ip")}
}
EDGE = {"from": 0, "to": 1e11}
BODIES: tuple[Any, ...] = (
    None,
    [],
    1,
    "x",
    {},
    {"data": []},
    NESTED,
    LONG,
    NAMES,
    {"interval": {"from": -1, "to": 1e300}, "baseline_interval": {"from": 0, "to": 1}},
    {"interval": EDGE, "baseline_interval": {"from": 1e11, "to": 0}},
    {"interval": {"from": True, "to": "x"}, "baseline_interval": []},
    {"commit_version": "\x00", "baseline_commit_version": "\ud800"},
    {"age_threshold_weeks": 10**30, "delete_custom_graph_data": "x"},
    {"age_threshold_weeks": True},
)


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.method == "POST"], ids=lambda one: one.rule
)
def test_odd_bodies(dashboard: Flask, sqlite_store: Store, case: Case) -> None:
    """The same."""
    client = client_of(dashboard, sqlite_store, "ana")
    for body in BODIES:
        answer = client.post(case.path(), json=body)
        assert answer.status_code in (200, 204, 400, 404, 422), (body, answer.text)
        assert answer.is_json or answer.status_code < 400
    for data in (b"\xff", b"{", b"[" * 100_000):
        answer = client.post(case.path(), data=data, content_type="application/json")
        assert answer.status_code in (200, 204, 400, 404, 422), (data[:5], answer.text)
    for value in ("", "\x00", "x" * 5_000, "-1", "99999999999999999999", "\u0663"):
        names = ("name", "value", "username", "password", "password2", "user_id", "is_admin")
        answer = client.post(case.path(), data=dict.fromkeys(names, value))
        assert answer.status_code in (200, 204, 400, 404, 422), (value, answer.text)


def test_a_wrong_token_is_401_and_nothing_else(dashboard: Flask, sqlite_store: Store) -> None:
    """One of ours even with a session; and it is no failed login."""
    client = client_of(dashboard, sqlite_store, "ana")
    for secret in ("", "x", "ofmd_wrong", "\u00fc"):
        is_ours = secret.startswith("ofmd_")
        for one in (dashboard.test_client(), *([client] if is_ours else [])):
            answer = one.get(f"{LINK}/api/overview", headers=bearer(secret))
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
            words = "this token is not valid" if is_ours else "log in, or send a token"
            assert answer.json == {"error": words}
    with sqlite_store.read() as connection:
        assert not connection.execute(sqlite_store.tables.login_failure.select()).all()
    assert client.get(f"{LINK}/api/overview").status_code == 200


def test_a_token_changes_as_itself(dashboard: Flask, sqlite_store: Store) -> None:
    """Without an origin, and the audit has its name."""
    secret = add_token(OPERATOR, sqlite_store, "deploy", ["write"], None)
    form = {"name": "GET /items", "value": "3"}
    with sqlite_store.read() as connection:
        endpoint = sqlite_store.tables.endpoint
        form["name"] = connection.execute(endpoint.select()).all()[0].name
    answer = dashboard.test_client().post(f"{LINK}/api/set_rule", data=form, headers=bearer(secret))
    assert (answer.status_code, answer.text) == (200, "OK")
    with sqlite_store.read() as connection:
        audit = connection.execute(sqlite_store.tables.audit.select()).all()
    assert ("endpoint.level", "token deploy") in [(one.action, one.actor) for one in audit]


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("a token of enough characters", 200),
        ("too short", 401),
        ("cc83733cb0af8b884ff6577086b87909", 401),
    ],
)
def test_the_security_token_reads(sqlite_store: Store, token: str, status: int) -> None:
    """If it guards anything: not a short one, not the one in FMD's documentation."""
    app = create_app(sqlite_store, Settings(security_token=token), NO_PROCESS)
    client = app.test_client()
    assert client.get(f"{LINK}/api/versions", headers=bearer(token)).status_code == status
    assert client.get(f"{LINK}/api/versions?security_token={token}").status_code == 401
    form = {"user_id": "1"}
    refused = client.post(f"{LINK}/api/user/delete", data=form, headers=bearer(token))
    assert refused.status_code == (403 if status == 200 else 401)


def test_scripts_log_in_as_with_fmd(dashboard: Flask) -> None:
    """A form with `name`, then a session; nothing says where the requests come from."""
    client = dashboard.test_client()
    wrong = client.post(f"{LINK}/login", data={"name": "ana", "password": "wrong"})
    assert (wrong.status_code, wrong.is_json) == (401, True)
    form = {"name": "ana", "password": PASSWORD}
    assert client.post(f"{LINK}/login", data=form).status_code == 302
    assert client.get(f"{LINK}/api/users").json[0]["username"] == "ana"
    assert client.post(f"{LINK}/api/overview").status_code == 200
    assert client.get(f"{LINK}/login").headers["Location"] == "/login"


@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Referer": "http://evil.example/"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Accept": "text/html,*/*"},
    ],
)
def test_other_sites_change_nothing(
    dashboard: Flask, sqlite_store: Store, header: dict[str, str]
) -> None:
    """What a browser sends with a change has one of these."""
    client = client_of(dashboard, sqlite_store, "ana")
    for path in ("/api/user/delete", "/api/set_rule", "/login", "/api/overview"):
        answer = client.post(LINK + path, data={"user_id": "2"}, headers=header)
        assert answer.status_code == 403, path
    assert user_named(sqlite_store, "ben") is not None


def test_pages_of_the_dashboard_need_an_origin_as_before(
    dashboard: Flask, sqlite_store: Store
) -> None:
    """Programs are only let off at FMD's routes."""
    client = client_of(dashboard, sqlite_store, "ana")
    assert client.post("/logout").status_code == 403
    assert client.post("/_dash-update-component", json={}).status_code == 403


def test_unknown_routes_are_no_pages(dashboard: Flask, sqlite_store: Store) -> None:
    """404 as JSON, where Dash would answer with its page."""
    client = client_of(dashboard, sqlite_store, "ana")
    for path in ("/api/nope", "/api/users/x", "/telemetry/x", "/database_pruning/x"):
        answer = client.get(LINK + path)
        assert (answer.status_code, answer.is_json) == (404, True)


def test_the_link_is_respected(sqlite_store: Store, dashboard: Flask) -> None:
    """FMD's CUSTOM_LINK, or none where the application is mounted there."""
    for link in ("/monitor", ""):
        app = create_app(sqlite_store, Settings(dashboard_path=link), NO_PROCESS, link)
        client = client_of(app, sqlite_store, "ana")
        found = client.get(f"{link}/api/deploy_details")
        assert found.json["link"] == (link.strip("/") or "dashboard")
        assert client.get("/dashboard/api/deploy_details").status_code in (200, 404)
        assert not client.get("/dashboard/api/deploy_details").is_json


def test_guests_see_no_users(dashboard: Flask, sqlite_store: Store) -> None:
    """As in FMD: an empty list."""
    assert client_of(dashboard, sqlite_store, "ben").get(f"{LINK}/api/users").json == []
    assert len(client_of(dashboard, sqlite_store, "ana").get(f"{LINK}/api/users").json) == 2


def test_telemetry_is_declined(
    dashboard: Flask, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent, whatever is said."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a connection"))
    client, path = client_of(dashboard, sqlite_store, "ana"), f"{LINK}/telemetry"
    consent = client.post(f"{path}/accept_telemetry_consent", json={"consent": True})
    assert consent.status_code == 204
    assert "declined" in client.post(f"{path}/submit_follow_up", json={"feedback": ["x"]}).text
    assert client.get(f"{path}/get_is_telemetry_accepted").json == {"is_telemetry_accepted": False}
    assert client.get(f"{path}/get_is_telemetry_answered").json == {"is_telemetry_answered": True}
