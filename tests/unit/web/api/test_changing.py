"""Routes that change something: what they do, who may, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dash_app.app import create_app
from otel_fmd.actions.tokens import add_token
from otel_fmd.config import Settings
from otel_fmd.people.actor import OPERATOR
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from tests.support.people import PASSWORD, log_client_in, user_named, with_user
from tests.unit.web.test_doors import PROVIDER


def test_a_monitor_level(call: Any, get: Any) -> None:
    """For the scope write, and above."""
    number = get("/services") and get("/endpoints")["items"][0]["endpoint"]["id"]
    path = f"/endpoints/{number}/monitor-level"
    assert call("PUT", path, "read", json={"monitor_level": 1}).status_code == 403
    assert call("PUT", path, "write", json={"monitor_level": 1}).status_code == 204
    assert get(f"/endpoints/{number}")["monitor_level"] == 1
    missing = call("PUT", "/endpoints/999/monitor-level", "write", json={"monitor_level": 1})
    assert missing.status_code == 404
    newest = get("/audit")["items"][0]
    assert (newest["action"], newest["after"], newest["actor"]) == (
        "endpoint.level",
        "1",
        "token write token",
    )


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"monitor_level": 4}, "monitor_level"),
        ({"monitor_level": "1"}, "monitor_level"),
        ({"monitor_level": True}, "monitor_level"),
        ({}, "monitor_level"),
        ({"monitor_level": 1, "x": 2}, "x"),
        ([], "body"),
    ],
)
def test_bodies(call: Any, body: Any, where: str) -> None:
    """A problem names the field."""
    answer = call("PUT", "/endpoints/1/monitor-level", json=body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert [one["where"] for one in answer.json["errors"]] == [where]


def test_bodies_that_are_no_json(call: Any) -> None:
    """Another content type, broken JSON, too much of it."""
    path = "/endpoints/1/monitor-level"
    assert call("PUT", path, data={"monitor_level": 1}).status_code == 415
    kind = "application/json"
    for data in (b"{", b"\xff", b'{"monitor_level": 1', b"[" * 50_000):
        assert call("PUT", path, data=data, content_type=kind).status_code == 400, data[:20]
    assert call("PUT", path, data=b" " * 100_000, content_type=kind).status_code == 413


def test_users(call: Any, get: Any) -> None:
    """Added, changed, removed."""
    new = {"username": "a/b", "password": PASSWORD, "role": "guest"}
    answer = call("POST", "/users", json=new)
    assert (answer.status_code, answer.json) == (201, {"username": "a/b", "role": "guest"})
    assert call("POST", "/users", json=new).status_code == 409
    assert call("PATCH", "/users/a%2Fb", json={"role": "admin"}).status_code == 204
    assert {one["username"]: one["role"] for one in get("/users")["items"]}["a/b"] == "admin"
    assert call("PATCH", "/users/a%2Fb", json={"password": "short"}).status_code == 422
    assert call("PATCH", "/users/a%2Fb", json={}).status_code == 422
    assert call("PATCH", "/users/nobody", json={"role": "admin"}).status_code == 404
    assert call("DELETE", "/users/a%2Fb").status_code == 204
    assert call("DELETE", "/users/a%2Fb").status_code == 404
    assert call("POST", "/users", json={**new, "role": "root"}).status_code == 422
    assert call("POST", "/users", json={**new, "username": "a\x00b"}).status_code == 422


def test_tokens(call: Any, get: Any) -> None:
    """A new one works, and its secret is shown once."""
    new = {"name": "ci/cd", "scopes": ["read", "ingest"], "days": 30}
    answer = call("POST", "/tokens", json=new)
    assert answer.status_code == 201
    secret = answer.json["token"]
    shown = call("GET", "/services", headers={"Authorization": f"Bearer {secret}"})
    assert shown.status_code == 200
    assert secret not in call("GET", "/tokens").text
    assert call("POST", "/tokens", json=new).status_code == 409
    assert call("POST", "/tokens", json={**new, "name": "\n"}).status_code == 422
    assert call("POST", "/tokens", json={**new, "scopes": []}).status_code == 422
    assert call("POST", "/tokens", json={**new, "scopes": ["root"]}).status_code == 422
    assert call("DELETE", "/tokens/ci/cd").status_code == 204
    refused = call("GET", "/services", headers={"Authorization": f"Bearer {secret}"})
    assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_sessions(app: Any, filled: Store) -> None:
    """A browser's own; not those of others."""
    ana, ben = (app.test_client() for _ in range(2))
    log_client_in(ana, filled, user_named(filled, "ana"))
    log_client_in(ben, filled, user_named(filled, "ben"))
    (own,) = ana.get("/api/v1/sessions").json["items"]
    assert own["is_this"]
    path = f"/api/v1/sessions/{own['id']}"
    origin = {"Origin": "http://localhost"}
    assert ben.delete(path, headers=origin).status_code == 404
    assert ana.delete(path, headers={"Origin": "http://evil.example"}).status_code == 403
    assert ana.delete(path, headers=origin).status_code == 204
    assert ana.get("/api/v1/sessions").status_code == 401


def test_a_token_has_no_sessions(call: Any) -> None:
    """And is told so."""
    answer = call("DELETE", "/sessions/abc", "read")
    assert answer.status_code == 403
    assert "is no user" in answer.json["detail"]


def test_without_passwords(filled: Store, tmp_path: Path) -> None:
    """Nobody gets one here, either; roles can be changed."""
    file = tmp_path / "oidc.toml"
    file.write_text(PROVIDER)
    with_user(filled, "ana")
    settings = Settings(oidc_file=str(file), password_login=False)
    client = create_app(filled, settings, NO_PROCESS).test_client()
    secret = add_token(OPERATOR, filled, "admin", ["admin"], None)
    headers = {"Authorization": f"Bearer {secret}"}
    new = {"username": "ben", "password": PASSWORD}
    for answer in (
        client.post("/api/v1/users", json=new, headers=headers),
        client.patch("/api/v1/users/ana", json={"password": PASSWORD}, headers=headers),
        client.patch(
            "/api/v1/users/ana", json={"password": PASSWORD, "role": "guest"}, headers=headers
        ),
    ):
        assert answer.status_code == 422
        assert "OTEL_FMD_PASSWORD_LOGIN" in answer.json["detail"]
    answer = client.patch("/api/v1/users/ana", json={"role": "guest"}, headers=headers)
    assert (answer.status_code, answer.json["detail"][:5]) == (409, "'ana'")


def test_the_database(call: Any, get: Any) -> None:
    """Schedule, pruning, maintenance, recount."""
    schedule = {"cron": "0 3 * * *", "weeks_to_keep": 4}
    assert call("PUT", "/pruning-schedule", json=schedule).status_code == 204
    found = get("/database")["pruning_schedule"]
    assert (found["cron"], found["weeks_to_keep"]) == ("0 3 * * *", 4)
    assert found["next_run"].endswith("T03:00:00Z")
    bad = {"cron": "x", "weeks_to_keep": 4}
    assert call("PUT", "/pruning-schedule", json=bad).status_code == 422
    assert call("DELETE", "/pruning-schedule").status_code == 204
    assert get("/database")["pruning_schedule"] is None
    assert call("POST", "/database/recounts").status_code == 204
    assert call("POST", "/database/maintenance").status_code == 200
    before = get("/installation")["rows"]
    answer = call("POST", "/database/prunings", json={"requests_days": 0.01})
    assert answer.json["rows"]["requests"] == before["requests"] - 2
    assert call("POST", "/database/prunings", json={}).status_code == 422
    assert len(get("/requests")["items"]) == 2


def test_exceptions(call: Any, get: Any) -> None:
    """What is decided about a group, and that it is removed."""

    def state() -> str:
        (group,) = get("/exceptions", state="all")["items"]
        return str(group["state"])

    path = "/exceptions/1/state"
    assert call("PUT", path, json={"state": "resolved"}).status_code == 204
    assert state() == "resolved"
    assert get("/exceptions")["items"] == []
    assert call("PUT", path, json={"state": "ignored", "times": 3}).status_code == 204
    assert state() == "ignored"
    assert call("PUT", path, json={"state": "unresolved"}).status_code == 204
    assert state() == "unresolved"
    body = {"state": "resolved", "resolved_in": "version", "version": "none such"}
    assert call("PUT", path, json=body).status_code == 422
    assert call("PUT", path, json={"state": "gone"}).status_code == 422
    change = {"assignee": "ana", "note": "see invoices"}
    assert call("PATCH", "/exceptions/1", json=change).status_code == 204
    group = get("/exceptions/1")["group"]
    assert (group["assignee"], group["note"]) == ("ana", "see invoices")
    assert call("PATCH", "/exceptions/1", json={}).status_code == 422
    assert call("POST", "/exceptions/1/merges", json={"group_ids": [1]}).status_code == 422
    assert call("POST", "/exceptions/1/splits", json={"variant_ids": [1]}).status_code == 422
    assert call("DELETE", "/exceptions/1/merged-into").status_code == 204
    assert call("DELETE", "/exceptions/1").status_code == 204
    assert get("/exceptions")["items"] == []
    assert call("DELETE", "/exceptions/1").status_code == 404
    assert call("GET", "/exceptions/1").status_code == 404


def test_unknown_paths_and_methods(call: Any) -> None:
    """Problems, too."""
    answer = call("GET", "/nothing/at/all")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    answer = call("DELETE", "/requests")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert answer.mimetype == "application/problem+json"
    answer = call("POST", "/users/ana", json={})
    assert set(answer.headers["Allow"].split(", ")) == {"DELETE", "PATCH"}
    for path, methods in (
        ("/requests", {"GET", "HEAD", "OPTIONS"}),
        ("/users/ana", {"DELETE", "PATCH", "OPTIONS"}),
        ("/openapi.json", {"GET", "HEAD", "OPTIONS"}),
    ):
        answer = call("OPTIONS", path)
        assert set(answer.headers["Allow"].split(", ")) == methods, path
    assert call("DELETE", "/openapi.json").status_code == 405


def test_unexpected_errors_have_a_reference(
    call: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Which stands in the log, while nothing else is told."""
    from otel_fmd.web.api import lists

    def fails(*_: Any) -> Any:
        raise RuntimeError("secret words")

    monkeypatch.setattr(lists, "load", fails)
    answer = call("GET", "/services")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.text
    reference = answer.json["detail"].split()[-1].strip(".")
    assert reference in caplog.text
