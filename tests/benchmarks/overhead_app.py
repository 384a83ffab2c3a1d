"""One way to monitor an app, in a process of its own: `overhead.py` starts it and asks for rounds.

It reads an order a line (`{"endpoint", "threads", "number", "client"}`) and answers with the CPU of
the whole process and the time of each request, in microseconds. Started with FMD's own Python, too:
so it imports nothing but Flask until it knows the variant.

`python overhead_app.py VARIANT DATABASE_URL|OTLP_ENDPOINT`
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, render_template
from jinja2 import DictLoader
from werkzeug.test import EnvironBuilder

Settle = Callable[[], object]
_QUEUE = 16_384
BASE = """<!doctype html><title>{% block title %}{% endblock %}</title>
{% macro cell(value) %}
<td class="{{ 'number' if value is number else 'text' }}">{{ value|string|title }}</td>
{% endmacro %}<table>{% block rows %}{% endblock %}</table>"""
LIST = """{% extends "base.html" %}{% from "base.html" import cell %}
{% block title %}Items{% endblock %}{% block rows %}{% for page in pages %}
{% for name, price, stock in items(page) %}
<tr>{{ cell(name) }}{{ cell(price) }}{{ cell(stock) }}</tr>
{% endfor %}{% endfor %}{% endblock %}"""


def make_app() -> Flask:
    """A trivial endpoint, and one of 10 ms computing and 10 ms waiting."""
    app = Flask("overhead")

    @app.route("/trivial")
    def trivial() -> str:
        return "x"

    @app.route("/20ms")
    def split() -> str:
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass
        time.sleep(0.01)
        return "x"

    make_page(app)
    return app


def make_page(app: Flask) -> None:
    """A page of some 20 ms as applications have them: queries and a template, 30 frames deep."""
    rows = sqlite3.connect(":memory:", check_same_thread=False)
    rows.execute("create table item (name text, price real, stock int)")
    rows.executemany(
        "insert into item values (?, ?, ?)", [(f"item {n}", n * 1.5, n % 7) for n in range(40)]
    )
    app.jinja_loader = DictLoader({"base.html": BASE, "list.html": LIST})

    def items(page: int) -> list[tuple[object, ...]]:
        return rows.execute("select * from item order by (price * ?) % 11", (page,)).fetchall()

    def down(left: int, page: int) -> str:
        if left:
            return down(left - 1, page)
        return render_template("list.html", items=items, pages=range(16))

    @app.route("/page")
    def page() -> str:
        return down(12, 1)


def monitor_with_fmd(app: Flask, level: int, target: str) -> Settle:
    """The original FMD 5.1.0; a round ends when its threads have."""
    import flask_monitoringdashboard as dashboard

    dashboard.config.database_name = target
    dashboard.config.monitor_level = level
    app.secret_key = "x"
    dashboard.bind(app)
    base = threading.active_count()

    def settle() -> None:
        while threading.active_count() > base:
            time.sleep(0.01)

    return settle


def monitor_with_otel(app: Flask, exporter: str, target: str, level: int) -> Settle:
    """Standard instrumentation, with ours (level above 0) or without it."""
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    import otel_fmd

    class NullExporter(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider(resource=Resource.create({"service.name": "overhead"}))
    if exporter == "null":
        provider.add_span_processor(BatchSpanProcessor(NullExporter()))
    elif exporter == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        # With the default queue (2048) a round overflows it, and dropping costs less than sending.
        to_receiver = OTLPSpanExporter(target)
        provider.add_span_processor(BatchSpanProcessor(to_receiver, max_queue_size=_QUEUE))
    if not level:
        FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
        return provider.force_flush
    url = {"database_url": target} if exporter == "fmd" else {}
    found = otel_fmd.instrument(app, tracer_provider=provider, monitor_level=level, **url)
    return found.force_flush


def start(variant: str, target: str) -> tuple[Flask, Settle]:
    """The app of a variant, and what ends a round."""
    app = make_app()
    kind, _, level = variant.partition(" ")
    if kind == "bare":
        return app, lambda: None
    if kind == "original":
        return app, monitor_with_fmd(app, int(level), target)
    return app, monitor_with_otel(app, kind, target, int(level or 0))


def play(app: Flask, settle: Settle, order: dict[str, Any]) -> dict[str, Any]:
    """One round."""
    path, threads = f"/{order['endpoint']}", order["threads"]
    number = max(1, order["number"] // threads)
    times: list[float] = []

    def through_client() -> None:
        client = app.test_client()
        for _ in range(number):
            began = time.perf_counter()
            client.get(path)
            times.append((time.perf_counter() - began) * 1e6)

    def direct() -> None:
        environ = EnvironBuilder(path, environ_overrides={"REMOTE_ADDR": "127.0.0.1"}).get_environ()
        for _ in range(number):
            began = time.perf_counter()
            body = app(dict(environ), lambda *_: None)
            b"".join(body)
            body.close()  # type: ignore[attr-defined]
            times.append((time.perf_counter() - began) * 1e6)

    work = direct if order["client"] == "wsgi" else through_client
    began = time.process_time()
    if threads == 1:
        work()
    else:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    settle()
    cpu = (time.process_time() - began) * 1e6 / (number * threads)
    return {"cpu": cpu, "times": times}


def main() -> None:
    """Play rounds until the input ends."""
    app, settle = start(sys.argv[1], sys.argv[2])
    for line in sys.stdin:
        print("ROUND " + json.dumps(play(app, settle, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
