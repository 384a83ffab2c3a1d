"""Unexpected errors: a reference for the user, the traceback in the log."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from flask import Flask

from otel_fmd.errors import NotAllowedError, StoreUnavailableError
from tests.support.people import PASSWORD

ORIGIN = {"Origin": "http://localhost"}
REFERENCE = re.compile(r"The log of the server has it as ([A-Z2-9]{8})\.")


def broken(*_: Any) -> Any:
    """What nobody expected."""
    raise RuntimeError("not for users")


def reference(text: str, caplog: pytest.LogCaptureFixture) -> str:
    """The one in an answer, which the log has, with the traceback."""
    found = REFERENCE.search(text)
    assert found is not None, text
    (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert found[1] in record.getMessage()
    assert record.exc_info is not None
    assert "not for users" not in text
    return found[1]


def test_of_a_route(
    dashboard: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """500, as plain text."""
    monkeypatch.setattr("otel_fmd.web.entrance.Entrance.verified", broken)
    answer = dashboard.test_client().post("/login", headers=ORIGIN)
    assert answer.status_code == 500
    assert answer.mimetype == "text/plain"
    reference(answer.text, caplog)


@pytest.mark.parametrize("what", ["page", "refresh"])
def test_of_a_page_and_of_its_refresh(
    dashboard: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    """The error state in place of what it would show."""
    client = dashboard.test_client()
    client.post("/login", data={"username": "ana", "password": PASSWORD}, headers=ORIGIN)
    found = client.get("/_dash-dependencies").json
    assert isinstance(found, list)
    part = "content.children" if what == "page" else '"type":"fresh"'
    (callback,) = [
        one
        for one in found
        if part in one["output"] and "@" not in one["output"]
        if one["clientside_function"] is None
    ]
    chart = {"id": {"type": "fresh", "view": "hourly"}, "property": "data"}
    message = {"id": {"type": "message", "view": "hourly"}, "property": "children"}
    names = callback["output"].strip(".").split("...")
    outputs: list[Any] = [
        {"id": one.rpartition(".")[0], "property": one.rpartition(".")[2]} for one in names
    ]
    if what == "refresh":
        outputs = [[chart], [message], [], []]
    address = {"pathname": "/hourly", "search": ""}
    monkeypatch.setattr("dash_app.page.Page.load", broken)
    body = {
        "output": callback["output"],
        "outputs": outputs,
        "inputs": [{**one, "value": address.get(one["property"], 1)} for one in callback["inputs"]],
        "state": [{**one, "value": address.get(one["property"])} for one in callback["state"]],
        "changedPropIds": [f"{one['id']}.{one['property']}" for one in callback["inputs"][:1]],
    }
    answer = client.post("/_dash-update-component", json=body, headers=ORIGIN)
    assert answer.status_code == 200
    reference(answer.text, caplog)


def test_http_errors_are_short_and_plain(dashboard: Flask) -> None:
    """No page of Werkzeug's, no traceback, no log."""
    client = dashboard.test_client()
    answer = client.post("/login", headers={"Origin": "http://evil.example"})
    assert (answer.status_code, answer.mimetype) == (403, "text/plain")
    assert answer.text == "this change did not come from a page of the dashboard\n"
    assert client.get("/nowhere").status_code == 401


@pytest.mark.parametrize(
    ("error", "status"), [(NotAllowedError, 403), (StoreUnavailableError, 503)]
)
def test_our_own_errors_in_a_callback_have_their_status(
    dashboard: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[Exception],
    status: int,
) -> None:
    """A guest who wants the CSV of an admin's page, and a database that is away: no traceback."""
    client = dashboard.test_client()
    client.post("/login", data={"username": "ben", "password": PASSWORD}, headers=ORIGIN)
    if error is StoreUnavailableError:
        monkeypatch.setattr("dash_app.live._chart", _away)
    body = {
        "output": "download.data",
        "outputs": {"id": "download", "property": "data"},
        "inputs": [
            {"id": {"type": "csv", "view": "users"}, "property": "n_clicks", "value": 1},
        ],
        "state": [
            {"id": "url", "property": "pathname", "value": "/admin/users"},
            {"id": "url", "property": "search", "value": ""},
        ],
        "changedPropIds": ['{"type":"csv","view":"users"}.n_clicks'],
    }
    answer = client.post("/_dash-update-component", json=body, headers=ORIGIN)
    assert answer.status_code == status, answer.text
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def _away(*_: Any) -> Any:
    raise StoreUnavailableError("away", "The database is away.")
