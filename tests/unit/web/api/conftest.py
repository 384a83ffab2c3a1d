"""The dashboard of a shop, and clients of its API with tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from dash_app.app import create_app
from otel_fmd.actions.tokens import add_token
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.config import Settings
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.exceptions.rules import ExceptionRules
from otel_fmd.ingest.exceptions.ungrouped import UngroupedOccurrences
from otel_fmd.ingest.log_batches import LogBatches
from otel_fmd.ingest.points import batch_of_points
from otel_fmd.otlp.logs_protobuf import decode_protobuf as decode_logs
from otel_fmd.otlp.points_protobuf import decode_protobuf
from otel_fmd.people.actor import OPERATOR, Role
from otel_fmd.requests.profile import Profile, ProfileLine
from otel_fmd.store.store import Store
from otel_fmd.views.look import NO_PROCESS
from otel_fmd.web.api import PATH
from tests.support.exceptions import with_exception
from tests.support.logs import log, logs_body
from tests.support.people import with_user
from tests.support.points import counter, gauge, histogram, metrics_body
from tests.support.spans import Spans, flask_attributes
from tests.unit.ingest.test_details import profiled, span_with, writer
from tests.unit.ingest.test_write import requests_of

Call = Callable[..., TestResponse]
NUMBER = 40
"""Requests of each version of each route."""
LINES = [
    ProfileLine("shop.py", 5, "item", "def item(i):", 0, 40_000, 20_000),
    ProfileLine("shop.py", 6, "item", "row = load(i)", 1, 30_000, 10_000),
    ProfileLine("shop.py", 7, "load", "return; 1", 2, 10_000, 10_000),
]


@pytest.fixture
def filled(sqlite_store: Store) -> Store:
    """Two routes in two versions, with errors, users, an outlier, a profile and an exception."""
    start = time.time_ns() - 3_600_000_000_000
    for seed, version in enumerate(("1", "2")):
        for place, route in enumerate(("/items/<int:i>", "/cart")):
            spans = Spans(2 * seed + place, start + seed * 1_000_000_000)
            made = [
                spans.span(
                    flask_attributes(
                        route,
                        **{
                            "http.status_code": 500 if n % 10 == 0 else 200,
                            "net.peer.ip": f"192.0.2.{n % 3}",
                            **({"enduser.id": f"user{n % 4}"} if n % 4 else {}),
                        },
                    ),
                    duration_ms=10 + n,
                )
                for n in range(NUMBER)
            ]
            writer(sqlite_store).write(Batch(requests_of(made, version=version)))
    details = [
        profiled(Profile(LINES, 8, 1_500, is_cut=False), 90),
        span_with("fmd.outlier", {"fmd.outlier.stack": "in shop.py"}, 91),
    ]
    writer(sqlite_store).write(Batch(requests_of(details, version="2")))
    with_exception(sqlite_store)
    UngroupedOccurrences(sqlite_store, Redactor(), ExceptionRules()).group_all()
    with_metrics(sqlite_store, start)
    first = Spans(0, start).span()
    records = logs_body(
        log("in the request", at_ns=start + 30_000_000, trace_id=first.trace_id, n=1),
        log("by itself", 17, at_ns=start + 40_000_000),
    )
    found = decode_logs(records.SerializeToString()).found
    writer(sqlite_store).write(LogBatches().of_records(found))
    return sqlite_store


def with_metrics(store: Store, at_ns: int) -> None:
    """A gauge of two workers, a counter and a histogram, whose exemplar is the first request's."""
    first = Spans(0, at_ns).span()
    latency = histogram("latency", [0.1, 1.0], [6, 3, 1], temporality=1, at_ns=at_ns, total=3.5)
    latency.histogram.data_points[0].exemplars.add(
        time_unix_nano=at_ns + 20_000_000,
        as_double=0.5,
        trace_id=first.trace_id,
        span_id=first.span_id,
    )
    hits = counter("hits", 3, 4, temporality=1, at_ns=at_ns, attributes=[("route", "/cart")])
    for pid, value in (("7", 30.0), ("8", 10.0)):
        body = metrics_body(
            gauge("memory", value, at_ns=at_ns, unit="By"),
            *([latency, hits] if pid == "7" else []),
            **{"process.pid": pid},
        )
        points = decode_protobuf(body.SerializeToString()).points
        writer(store).write(batch_of_points(points))


@pytest.fixture
def app(filled: Store) -> Flask:
    """Its dashboard, with an admin `ana` and a guest `ben`."""
    with_user(filled, "ana")
    with_user(filled, "ben", Role.GUEST)
    return create_app(filled, Settings(), NO_PROCESS)


@pytest.fixture
def call(app: Flask, filled: Store) -> Call:
    """Calls `METHOD`, `/path` with a token of a scope, by default `admin`."""
    secrets: dict[str, str] = {}

    def made(method: str, path: str, scope: str = "admin", **options: Any) -> TestResponse:
        if scope not in secrets:
            secrets[scope] = add_token(OPERATOR, filled, f"{scope} token", [scope], None)
        headers = {"Authorization": f"Bearer {secrets[scope]}", **options.pop("headers", {})}
        options.setdefault("buffered", True)
        return app.test_client().open(f"{PATH}{path}", method=method, headers=headers, **options)

    return made


@pytest.fixture
def get(call: Call) -> Callable[..., Any]:
    """The JSON at a path."""

    def made(path: str, **query: Any) -> Any:
        answer = call("GET", path, query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.json

    return made
