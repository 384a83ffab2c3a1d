"""Fourteen days of history: spans of the same instrumented shop, with their times moved back.

The shop is watched by our agent, as in the live demo: products at monitor level 3, the rest at 2.

`python -m otel_fmd.demo.history ENDPOINT` makes real requests to the shop in its own process, keeps
the spans that the instrumentation made, moves copies of them to other times, and sends those over
OTLP with the SDK's exporter.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, TraceFlags

from otel_fmd.agent.levels import Levels
from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.demo.tracing import trace_requests, trace_statements
from otel_fmd.demo.traffic import PROFILED

DAYS = 14
_RELEASES = ((0, "1.0.0"), (5, "1.1.0"), (10, "2.0.0"))
_SAMPLES = 200
_BUSIEST_PER_HOUR = 42
_BATCH = 512
_KNOWN_FIRST = 10
"""Requests of an endpoint before one can be an outlier."""


def main() -> None:
    """Send the history to the OTLP/HTTP endpoint in the first argument."""
    exporter = OTLPSpanExporter(f"{sys.argv[1]}/v1/traces")
    traces = {version: _record(version) for version in ("1.0.0", "1.1.0", "2.0.0")}
    batch: list[ReadableSpan] = []
    for trace in _moved(traces, time.time_ns()):
        batch.extend(trace)
        if len(batch) >= _BATCH:
            _send(exporter, batch)
            batch = []
    _send(exporter, batch)
    exporter.shutdown()  # type: ignore[no-untyped-call]


def _send(exporter: OTLPSpanExporter, spans: Sequence[ReadableSpan]) -> None:
    while spans and exporter.export(spans) is not SpanExportResult.SUCCESS:
        time.sleep(1)


def _record(version: str) -> list[list[ReadableSpan]]:
    """Traces of real requests to the shop of a version, one list of spans each."""
    os.environ["SHOP_VERSION"] = version
    from otel_fmd.demo.shop.app import create_app, stock_session
    from otel_fmd.demo.shop.models import engine
    from otel_fmd.demo.stock import create_app as create_stock
    from otel_fmd.demo.traffic import EMPTY_SEARCH, Visit, visit

    kept = InMemorySpanExporter()
    shop_spans = _provider("shop", version, kept)
    stock_spans = _provider("stock", "3.4", kept)
    shop, stock = create_app(), create_stock()
    instrument, people = FlaskInstrumentor(), random.Random(version)
    instrument.instrument_app(shop, tracer_provider=shop_spans)
    instrument.instrument_app(stock, tracer_provider=stock_spans)
    untrace = trace_statements(engine, shop_spans)
    trace_requests(stock_session, shop_spans)
    with _Serving(stock) as url:
        os.environ["STOCK_URL"] = url
        client = shop.test_client()
        slow = [Visit("GET", EMPTY_SEARCH, None, "erin", "203.0.113.23")]
        for one in [*(visit(people) for _ in range(_SAMPLES)), *slow]:
            client.open(
                one.path,
                method=one.method,
                data=one.form,
                headers=one.headers,
                environ_base={"REMOTE_ADDR": one.address},
            )
    untrace()
    for provider in (shop_spans, stock_spans):
        provider.force_flush()
    traces: dict[int, list[ReadableSpan]] = {}
    for span in kept.get_finished_spans():
        context = span.get_span_context()
        if context is not None:
            traces.setdefault(context.trace_id, []).append(span)
    return list(traces.values())


class _Serving:
    """A WSGI application on a free port, in a thread; no `Job`: the server loops itself."""

    def __init__(self, app: Flask) -> None:
        from waitress.server import create_server

        self._server: Any = create_server(app, host="127.0.0.1", port=0, threads=2)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.effective_port}"

    def __exit__(self, *_error: object) -> None:
        self._server.close()


def _provider(service: str, version: str, kept: InMemorySpanExporter) -> TracerProvider:
    resource = Resource.create({"service.name": service, "service.version": version})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    levels = Levels(2, OutlierRule(min_requests=_KNOWN_FIRST))
    levels.state(PROFILED).level = 3
    provider.add_span_processor(FmdSpanProcessor(AgentOptions(), levels))
    return provider


def _moved(
    traces: dict[str, list[list[ReadableSpan]]], now_ns: int
) -> Iterator[list[ReadableSpan]]:
    """Copies of traces, spread over the days by the shop's rhythm, the oldest first."""
    from otel_fmd.demo.traffic import rhythm

    chance = random.Random(14)
    first = datetime.fromtimestamp(now_ns / 1e9, UTC) - timedelta(days=DAYS)
    for hour in range(DAYS * 24):
        moment = first + timedelta(hours=hour)
        version = [name for day, name in _RELEASES if hour >= day * 24][-1]
        busy = rhythm(moment.hour + moment.minute / 60, moment.weekday())
        for _ in range(round(_BUSIEST_PER_HOUR * busy * chance.uniform(0.8, 1.2))):
            start = moment + timedelta(seconds=chance.uniform(0, 3600))
            trace = chance.choice(traces[version])
            yield _at(trace, int(start.timestamp() * 1e9), chance)


def _at(trace: Sequence[ReadableSpan], start_ns: int, chance: random.Random) -> list[ReadableSpan]:
    """A copy of a trace at another time, with ids of its own."""
    shift = start_ns - min(span.start_time or 0 for span in trace)
    trace_id = chance.getrandbits(128)
    ids: dict[int, int] = {}

    def context(old: SpanContext) -> SpanContext:
        number = ids.setdefault(old.span_id, chance.getrandbits(64))
        return SpanContext(trace_id, number, old.is_remote, TraceFlags(1))

    return [
        ReadableSpan(
            name=span.name,
            context=context(own),
            parent=None if span.parent is None else context(span.parent),
            resource=span.resource,
            attributes=span.attributes,
            events=[Event(e.name, e.attributes, e.timestamp + shift) for e in span.events],
            kind=span.kind,
            status=span.status,
            start_time=(span.start_time or 0) + shift,
            end_time=(span.end_time or 0) + shift,
            instrumentation_scope=span.instrumentation_scope,
        )
        for span in trace
        if (own := span.get_span_context()) is not None
    ]


if __name__ == "__main__":
    main()
