"""What FMD's REST API reads: on every engine, and from rollups where there are many requests."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from dash_app.app import create_app
from otel_fmd.actions.exceptions import remove_exception
from otel_fmd.actions.pruning import set_schedule
from otel_fmd.config import Settings
from otel_fmd.ingest.batch import Batch
from otel_fmd.people.actor import OPERATOR
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from otel_fmd.upkeep.schedule import PruningSchedule
from otel_fmd.views.look import NO_PROCESS
from otel_fmd.web.fmd.api import GROUPS, LINK
from otel_fmd.web.fmd.route import APPROXIMATE
from tests.support.exceptions import with_exception
from tests.support.people import log_client_in, with_user
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_write import requests_of, writer

VERSIONS = ["1.0", "2.0", None]
DATA = {"endpoints": ["item", "none"], "versions": VERSIONS, "users": ["user1", None], "ip": ["x"]}
BODY = {
    "data": DATA,
    "interval": {"from": 1_500_000_000, "to": 2_000_000_000},
    "baseline_interval": {"from": 0, "to": 1_500_000_000},
    "baseline_commit_version": "1.0",
    "commit_version": "2.0",
}


def fill(store: Store) -> None:
    """Two endpoints, two versions, users, errors; an exception that occurred once."""
    for number, version in enumerate(("1.0", "2.0")):
        maker = Spans(number + 1, time.time_ns() - (5 - number) * 3_600_000_000_000)
        spans = [
            maker.span(
                flask_attributes(
                    **{
                        "flask.endpoint": "item" if n % 3 else "orders",
                        "http.status_code": 500 if n % 7 == 0 else 200,
                        **({"enduser.id": f"user{n % 4}"} if n % 4 else {}),
                    }
                ),
                duration_ms=10 + n * (number + 1),
            )
            for n in range(40)
        ]
        writer(store).write(Batch(requests_of(spans, version=version)))
    with_exception(store)


def client_of(store: Store) -> FlaskClient:
    """An admin's client."""
    app = create_app(store, Settings(), NO_PROCESS)
    client = app.test_client()
    log_client_in(client, store, with_user(store, "ana"))
    return client


def answers(client: FlaskClient) -> dict[str, Any]:
    """What every route that reads answers, by method and rule."""
    found = {}
    today = datetime.now(UTC).date().isoformat()
    for routes in GROUPS.values():
        for route in routes:
            is_change = route.rule.startswith(("/api/user/", "/api/set_rule", "/telemetry"))
            if is_change or "DELETE" in route.methods or "prune_on" in route.rule:
                continue
            path = re.sub(r"<(start|end)>", today, LINK + route.rule)
            path = path.replace("<per_page>", "10").replace("<int:per_page>", "10")
            path = re.sub(r"<[^>]*offset>", "0", path)
            path = re.sub(r"<[^>]*>", "1", path)
            for method in route.methods:
                answer = client.open(path, method=method, json=BODY if method == "POST" else None)
                key = f"{method} {route.rule}"
                assert answer.status_code in (200, 404), (key, answer.text)
                found[key] = answer
    return found


def test_every_engine_answers_every_route(store: Store) -> None:
    """With the same figures."""
    fill(store)
    client = client_of(store)
    found = {key: answer.json for key, answer in answers(client).items()}
    names = {row["name"]: row for row in found["GET /api/overview"]}
    assert (names["item"]["hits-overall"], names["orders"]["hits-overall"]) == (52, 28)
    assert [row["hits"] for row in found["GET /api/endpoints_hits"]] == [52, 28]
    assert sum(row["hits"] for row in found["GET /api/users/<int:endpoint_id>"]) in (52, 28)
    assert found["GET /api/num_exceptions"] == 1
    (trace,) = [
        one
        for endpoint in (1, 2)
        for one in client.get(f"{LINK}/api/detailed_exception_occurrence/{endpoint}/0/10").json
    ]
    assert (trace["type"], trace["count"]) == ("ValueError", 1)
    assert trace["stack_trace_snapshot"][0]["function_name"] == "f"
    (name,) = [key for key in found if key.endswith("make_report/commits")]
    changes = {
        one["endpoint_name"]: one["answers"][0]["percentual_diff"]
        for one in found[name]["summaries"]
    }
    assert changes["item"] > 30
    remove_exception(OPERATOR, store, 1)
    with Reader(store).snapshot() as snapshot:
        tables = snapshot.tables
        for table in (tables.stack_trace, tables.exception_occurrence):
            assert not snapshot.connection.execute(table.select()).all()


APPROXIMATED = {
    "GET /api/overview",
    "POST /api/overview",
    "GET /api/users/<int:endpoint_id>",
    "GET /api/ip/<int:endpoint_id>",
    "POST /api/version_user/<int:endpoint_id>",
    "POST /api/version_ip/<int:endpoint_id>",
    "POST /api/endpoint_users/<int:endpoint_id>",
    "POST /api/api_performance",
    "POST /api/endpoint_versions/<int:endpoint_id>",
    "POST /api/reporting/make_report/intervals",
    "POST /api/reporting/make_report/commits",
}


def test_histograms_give_the_same_within_their_error(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the header says so."""
    fill(sqlite_store)
    client = client_of(sqlite_store)
    exact = answers(client)
    assert not any(APPROXIMATE in answer.headers for answer in exact.values())
    for module in ("queries.samples", "queries.latency", "views.fmd.report", "views.fmd.overview"):
        monkeypatch.setattr(f"otel_fmd.{module}.EXACT_ROWS", 5)
    monkeypatch.setattr("otel_fmd.queries.caller_rows.MOST_CALLER_ROWS", 5)
    rough = answers(client)
    assert {key for key, one in rough.items() if APPROXIMATE in one.headers} == APPROXIMATED
    for key, answer in rough.items():
        assert_close(answer.json, exact[key].json, key)


def assert_close(rough: Any, exact: Any, where: str) -> None:
    """Numbers within the error of histograms, and of ranks among few; all else equal."""
    if isinstance(exact, dict):
        assert rough.keys() == exact.keys(), where
        for key, one in exact.items():
            # Not known without rows.
            if key not in ("date", "is_significant", "has_anything_significant"):
                assert_close(rough[key], one, f"{where} {key}")
    elif isinstance(exact, list):
        assert len(rough) == len(exact), where
        for ours, one in zip(rough, exact, strict=True):
            assert_close(ours, one, where)
    elif isinstance(exact, float):
        assert rough == pytest.approx(exact, rel=0.03, abs=6), where
    else:
        assert rough == exact, where


def test_services_that_share_a_name(sqlite_store: Store) -> None:
    """The plain name is all of them, `service: name` one; a change needs to know which."""
    for number, service in enumerate(("shop", "stock")):
        spans = Spans(number + 1, time.time_ns() - 10**12).many(4)
        writer(sqlite_store).write(Batch(requests_of(spans, service=service)))
    with Reader(sqlite_store).snapshot() as snapshot:
        name = snapshot.endpoints[1].name
        assert snapshot.endpoints[2].name == name
    client = client_of(sqlite_store)
    names = [name, f"stock: {name}", "nothing"]
    body = {"data": {"endpoints": names, "versions": ["1.0"]}}
    shares = client.post(f"{LINK}/api/multi_version", json=body).json
    assert shares == [[100.0], [50.0], [0.0]]
    values = client.post(f"{LINK}/api/api_performance", json=body).json
    assert [len(one["values"]) for one in values] == [8, 4, 0]
    assert {one["name"] for one in client.get(f"{LINK}/api/overview").json} == {
        f"shop: {name}",
        f"stock: {name}",
    }
    refused = client.post(f"{LINK}/api/set_rule", data={"name": name, "value": "1"})
    assert (refused.status_code, "service: name" in refused.text) == (400, True)
    assert client.post(f"{LINK}/api/set_rule", data={"name": names[1], "value": "1"}).text == "OK"


def test_old_occurrences_are_left_out(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit."""
    fill(sqlite_store)
    client = client_of(sqlite_store)
    assert client.get(f"{LINK}/api/num_exceptions").json == 1
    monkeypatch.setattr("otel_fmd.queries.exceptions.MOST_OCCURRENCES", 0)
    assert client.get(f"{LINK}/api/num_exceptions").json == 0


def test_the_pruning_schedule_is_in_the_parts_that_fmd_names(sqlite_store: Store) -> None:
    """As observed at FMD 5.1."""
    set_schedule(OPERATOR, sqlite_store, PruningSchedule("30 3 * * 1", 10, True))
    path = f"{LINK}/database_pruning/get_pruning_schedule"
    found = client_of(sqlite_store).get(path).json
    assert found.pop("next_run_time").endswith("03:30:00 GMT")
    assert found == {
        "year": "*",
        "month": "*",
        "week": "*",
        "day_of_the_month": "*",
        "day_of_the_week": "1",
        "hour": "3",
        "minute": "30",
        "second": "0",
        "weeks_to_keep": 10,
        "delete_custom_graph_data": True,
    }
