"""Spans of the real Flask instrumentation under each semantic convention."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from otel_fmd.store.store import Store
from tests.support.requests import requests_of
from tests.support.serving import Served

FLASK = """
import sys
from flask import Flask, request
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.{transport}.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

app = Flask("shop")

@app.route("/items/<int:number>")
def item(number):
    if number == 13:
        raise ValueError("bad")
    trace.get_current_span().set_attribute("enduser.id", "ana")
    return "x"

resource = Resource.create({{"service.name": sys.argv[2], "service.version": "7.1"}})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter({arguments})))
FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
client = app.test_client()
for path in ("/items/1?a=b", "/items/2", "/items/13", "/scan/me.php", "/scan/other.php"):
    client.get(path, environ_base={{"REMOTE_ADDR": "10.9.8.7"}})
assert provider.force_flush()
provider.shutdown()
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """One server for all SDKs."""
    server = Served(f"sqlite:///{tmp_path_factory.mktemp('sdk') / 'fmd.db'}", "--no-dashboard")
    yield server
    server.stop()


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_flask_into_other_databases(
    new_url: Callable[[str], str],
    serve: Callable[..., Served],
    tmp_path: Path,
    engine: str,
    transport: str,
) -> None:
    """The SDK's own exporters over both transports, into PostgreSQL and MariaDB."""
    test_flask(serve(new_url(engine), "--no-dashboard"), tmp_path, "", transport)


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("mode", ["", "http", "http/dup"])
def test_flask(served: Served, tmp_path: Path, mode: str, transport: str) -> None:
    """Old names, stable names, and both: the same requests."""
    service = f"flask {mode} {transport}"
    arguments = (
        f"endpoint={served.traces!r}"
        if transport == "http"
        else f"endpoint={'http://' + served.grpc!r}, insecure=True"
    )
    script = tmp_path / "app.py"
    script.write_text(FLASK.format(transport=transport, arguments=arguments))
    environment = {**os.environ, "OTEL_SEMCONV_STABILITY_OPT_IN": mode}
    subprocess.run(
        [sys.executable, str(script), "", service],
        env=environment,
        check=True,
        timeout=60,
        stderr=subprocess.DEVNULL,
    )
    assert requests_of(served, service) == [
        ("GET (unmatched)", 404, "10.9.8.7", "", "7.1"),
        ("GET (unmatched)", 404, "10.9.8.7", "", "7.1"),
        ("GET /items/<int:number>", 200, "10.9.8.7", "ana", "7.1"),
        ("GET /items/<int:number>", 200, "10.9.8.7", "ana", "7.1"),
        ("GET /items/<int:number>", 500, "10.9.8.7", "", "7.1"),
    ]


def test_several_services_stay_apart(served: Served) -> None:
    """The same endpoint name in several services is several endpoints."""
    store = Store(served.database_url)
    with store.read() as connection:
        names = connection.execute(
            select(store.tables.endpoint.c.name, store.tables.endpoint.c.service_id)
        ).all()
    store.close()
    assert len({service for name, service in names if name == "GET (unmatched)"}) > 1
