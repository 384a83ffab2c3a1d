"""Callbacks over HTTP: who may call them, and what becomes of bodies that no page of ours sends."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from dash_app.app import create_app
from otel_fmd.config import Settings
from otel_fmd.ingest.batch import Batch
from otel_fmd.people.actor import Role
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from tests.support.people import log_client_in, with_user
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of, writer

VALUES = (
    None,
    "x",
    5,
    True,
    {"a": 1},
    ["0001-01-01"],
    "?from=0001-01-01&to=9999-12-31",
    [{"id": 1}],
    {"points": [{"x": "9999", "customdata": [None]}]},
)
ADDRESS = {"pathname": "/", "search": ""}


class Browser:
    """Somebody who is logged in, and what the dashboard says of its callbacks."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.callbacks: list[dict[str, Any]] = [
            one for one in self.get("/_dash-dependencies") if one["clientside_function"] is None
        ]

    def get(self, path: str) -> Any:
        """What stands at a path."""
        answer = self._client.get(path)
        assert answer.status_code == 200
        return answer.json

    def send(self, body: Any) -> tuple[int, str]:
        """The status and the text of the answer to an update."""
        answer = self._client.post(
            "/_dash-update-component", json=body, headers={"Origin": "http://localhost"}
        )
        return answer.status_code, answer.text


@pytest.fixture
def browsers(sqlite_store: Store) -> dict[str, Browser]:
    """A guest's and an admin's."""
    writer(sqlite_store).write(Batch(requests_of(Spans(1, time.time_ns()).many(3))))
    app = create_app(sqlite_store, Settings(), NO_PROCESS)
    app.testing = False
    browsers = {}
    for role in (Role.ADMIN, Role.GUEST):
        client, name = app.test_client(), role.name.lower()
        log_client_in(client, sqlite_store, with_user(sqlite_store, name, role))
        browsers[name] = Browser(client)
    return browsers


def part(text: str) -> dict[str, Any]:
    """An output as a browser sends it, every pattern in it matched by the overview's table."""
    identifier, _, name = text.rpartition(".")
    if not identifier.startswith("{"):
        return {"id": identifier, "property": name.partition("@")[0]}
    pattern = {
        k: "overview" if isinstance(v, list) else v for k, v in json.loads(identifier).items()
    }
    return {"id": pattern, "property": name.partition("@")[0]}


def update(callback: dict[str, Any], values: Any) -> dict[str, Any]:
    """A call with a value for each of its inputs and states."""
    output = callback["output"]
    names = output.strip(".").split("...")
    outputs: list[Any] = [[part(one)] if '["ALL"]' in one else part(one) for one in names]

    def filled(one: dict[str, Any]) -> dict[str, Any]:
        return {**part(f"{one['id']}.{one['property']}"), "value": values(one)}

    return {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "inputs": [filled(one) for one in callback["inputs"]],
        "state": [filled(one) for one in callback.get("state", [])],
        "changedPropIds": [f"{one['id']}.{one['property']}" for one in callback["inputs"][:1]],
    }


@pytest.mark.parametrize("role", ["admin", "guest"])
def test_odd_values_end_in_no_traceback(
    browsers: dict[str, Browser], role: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every callback, with values of every kind in all of its parts, and in all but the address."""
    one = browsers[role]
    assert len(one.callbacks) > 7
    statuses = set()
    for callback in one.callbacks:
        for value in VALUES:
            for keep in (False, True):
                body = update(
                    callback,
                    lambda about, value=value, keep=keep: (
                        ADDRESS.get(about["property"], value) if keep else value
                    ),
                )
                status, text = one.send(body)
                assert status in (200, 204, 400), (callback["output"], value, text)
                statuses.add(status)
    assert {200, 400} <= statuses
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        5,
        None,
        "x",
        {"output": "x.y", "outputs": {}, "inputs": []},
        {"output": "..a..", "inputs": []},
        {"output": "content.children", "outputs": 3, "inputs": None, "changedPropIds": 5},
    ],
)
def test_what_is_no_update_is_400(browsers: dict[str, Browser], body: Any) -> None:
    """In one line."""
    assert browsers["admin"].send(body)[0] == 400


def test_a_guest_changes_nothing_by_a_callback(browsers: dict[str, Browser]) -> None:
    """Users, levels and pruning: the same buttons, pressed by hand."""
    guest = browsers["guest"]
    typed = {
        "user-name": "eve",
        "user-password": "long enough",
        "user-role": "admin",
        "prune-weeks": 1,
        "prune-cron": "0 3 * * *",
    }
    change = {"data": {"id": "1", "endpoint": "x"}, "value": 3}
    refused = 0
    for callback in guest.callbacks:
        names = {one["id"] for one in callback["inputs"]}
        if not names & {"user-add", "prune-now"} and "cellValueChanged" not in str(callback):
            continue

        def value(about: dict[str, Any]) -> Any:
            if about["property"] == "cellValueChanged":
                return [change]
            return ADDRESS.get(about["property"], typed.get(about["id"], 1))

        status, text = guest.send(update(callback, value))
        assert status == 200
        assert "Only an admin can" in text
        refused += 1
    assert refused == 3
