"""What `/metrics` shows, read by Prometheus's own parsers, in both formats."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text

from otel_fmd import __version__
from otel_fmd.config import load
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.exporter import open_pipeline
from otel_fmd.ingest.batch import Batch
from otel_fmd.ingest.endpoint_counts import EndpointCounts
from otel_fmd.metrics.endpoints import EndpointMetrics
from otel_fmd.metrics.exposition import Exposition
from otel_fmd.metrics.health import HealthMetrics
from otel_fmd.metrics.received import ReceiverMetrics, Receiving
from otel_fmd.otlp.flight import Flight, Hold
from otel_fmd.otlp.refusals import Refusals
from otel_fmd.otlp.service import ReceiverCounters
from otel_fmd.pipeline.pipeline import Pipeline
from otel_fmd.store.store import Store
from tests.unit.ingest.test_endpoint_counts import spans_of
from tests.unit.ingest.test_write import requests_of

OPEN = "application/openmetrics-text"
HOSTILE = [
    '"',
    "\\",
    "\n",
    "\r",
    '\\"',
    "\\n",
    'x"} 1\n# EOF\nevil 1',
    "{}",
    "=,",
    "\u202e\u2028é",
    "`",
    "",
]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(families: Iterable[Metric]) -> Samples:
    """Values by name and labels."""
    found = [one for family in families for one in family.samples]
    by_name = {(one.name, frozenset(one.labels.items())): one.value for one in found}
    assert len(by_name) == len(found)
    return by_name


def value(found: Samples, name: str, **labels: str) -> float:
    """Of one sample."""
    return found[name, frozenset(labels.items())]


class Process:
    """The parts of a receiver's process, and its metrics."""

    def __init__(self, store: Store) -> None:
        self.counts, self.counters = EndpointCounts(), ReceiverCounters()
        self.refusals, self.flight = Refusals(), Flight(1_000)
        settings = load({}, queue_requests=4_096, fold_seconds=0)
        self.pipeline: Pipeline = open_pipeline(store, settings, retry=False, counts=self.counts)
        receiving = Receiving(self.pipeline, self.counters, self.refusals, self.flight)
        self.show = Exposition(
            HealthMetrics(store, self.pipeline.can_store),
            ReceiverMetrics(receiving),
            EndpointMetrics(self.counts),
        )

    def both(self) -> list[Samples]:
        """The samples of both formats."""
        plain, opened = self.show("", ""), self.show(OPEN, "")
        assert dict(plain.headers)["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert dict(opened.headers)["Content-Type"].startswith(f"{OPEN}; version=1.0.0;")
        assert opened.body.endswith(b"\n# EOF\n")
        return [samples(read_text(plain.body.decode())), samples(read_open(opened.body.decode()))]


@pytest.fixture
def process(sqlite_store: Store) -> Any:
    """A process that has counted nothing yet."""
    made = Process(sqlite_store)
    yield made
    made.pipeline.stop(10)


def test_a_stored_batch_in_both_formats(process: Process) -> None:
    """Rate, errors, duration; counters of before; when something was stored."""
    for found in process.both():
        assert value(found, "otel_fmd_requests_stored_total") == 0
        assert ("otel_fmd_last_stored_timestamp_seconds", frozenset()) not in found
    spans = spans_of(1, ("/a", 200, 20), ("/a", 503, 2_000), ("/b", 404, 4))
    process.pipeline.submit(Batch(requests_of(spans))).result(30)
    for found in process.both():
        a = {"service": "shop", "endpoint": "GET /a"}
        name = "otel_fmd_http_server_requests_total"
        assert value(found, name, **a, status_class="2xx") == 1
        assert value(found, name, **a, status_class="5xx") == 1
        duration = "otel_fmd_http_server_request_duration_seconds"
        assert value(found, f"{duration}_bucket", **a, le="0.01") == 0
        assert value(found, f"{duration}_bucket", **a, le="0.025") == 1
        assert value(found, f"{duration}_bucket", **a, le="2.5") == 2
        assert value(found, f"{duration}_bucket", **a, le="+Inf") == 2
        assert value(found, f"{duration}_count", **a) == 2
        assert value(found, f"{duration}_sum", **a) == pytest.approx(2.02)
        assert value(found, "otel_fmd_requests_stored_total") == 3
        assert value(found, "otel_fmd_last_stored_timestamp_seconds") > 1.7e9


def test_how_the_process_is(process: Process) -> None:
    """Version, limits, what waits, what is held, and the process itself."""
    process.counters.add("grpc", "requests", 2)
    process.refusals.know(["/v1/traces"])
    process.refusals.add("http", "/v1/traces", "429", "10.0.0.1")
    with Hold(process.flight) as hold:
        hold.receive(300)
        for found in process.both():
            assert value(found, "otel_fmd_build_info", version=__version__) == 1
            assert value(found, "otel_fmd_database_up") == 1
            assert value(found, "otel_fmd_requests_waiting") == 0
            assert value(found, "otel_fmd_requests_capacity") == 4_096
            assert value(found, "otel_fmd_otlp_in_flight_bytes") == 300
            assert value(found, "otel_fmd_otlp_in_flight_limit_bytes") == 1_000
            assert value(found, "otel_fmd_otlp_total", transport="grpc", event="requests") == 2
            refused = {"transport": "http", "path": "/v1/traces", "reason": "429"}
            assert value(found, "otel_fmd_otlp_refused_total", **refused) == 1
            assert value(found, "process_resident_memory_bytes") > 1e6


def test_a_database_that_is_away(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told; the scrape itself succeeds."""

    def broken(*_: object) -> None:
        raise StoreUnavailableError("secret address")

    monkeypatch.setattr(Store, "read", broken)
    monkeypatch.setattr(Store, "write", broken)
    for found in process.both():
        assert value(found, "otel_fmd_database_up") == 0
        assert value(found, "otel_fmd_build_info", version=__version__) == 1


def test_names_are_untrusted_text(process: Process) -> None:
    """Whatever a name holds, it stays one label, and no line of its own."""
    names = [(service, endpoint) for service in HOSTILE for endpoint in HOSTILE]
    for number, name in enumerate(names, 1):
        process.counts.name({number: name})
        process.counts.add([number], [200], [number], {number: number})
    for found in process.both():
        for service, endpoint in names:
            labels = {"service": service, "endpoint": endpoint, "status_class": "2xx"}
            assert value(found, "otel_fmd_http_server_requests_total", **labels) == 1
        assert not [name for name, _ in found if not name.startswith(("otel_fmd_", "process_"))]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/html", "text/plain"),
        (f"{OPEN};version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5", OPEN),
        (f"{OPEN}; version=0.0.1", "either"),
        (f"{OPEN};version=1.x", "either"),
        (f"{OPEN};version=²", "either"),
        (f"{OPEN};version=", OPEN),
        (f"{OPEN};version=9.0.0", "either"),
        (";;;=,,=;", "text/plain"),
        ("text/plain;version=x", "text/plain"),
    ],
)
def test_what_is_accepted(process: Process, accept: str, kind: str) -> None:
    """Prometheus's header, others, and nonsense: never an error."""
    exposed = process.show(accept, "")
    shown = dict(exposed.headers)["Content-Type"].partition(";")[0]
    assert shown in ((OPEN, "text/plain") if kind == "either" else (kind,))
    assert exposed.body.endswith(b"# EOF\n") == (shown == OPEN)


@pytest.mark.parametrize(
    ("encoding", "packed"), [("", False), ("gzip", True), ("br, GZIP;q=0.5", True), ("x", False)]
)
def test_gzip_when_asked(process: Process, encoding: str, packed: bool) -> None:
    """And not otherwise."""
    body, headers = process.show("", encoding)
    assert (("Content-Encoding", "gzip") in headers) == packed
    text = gzip.decompress(body) if packed else body
    assert b"otel_fmd_requests_stored_total 0.0\n" in text


def test_a_name_belongs_to_one_collector(process: Process) -> None:
    """Two with the same metric are a mistake that is found at the start."""
    with pytest.raises(ValueError, match="otel_fmd_http_server_requests"):
        Exposition(EndpointMetrics(process.counts), EndpointMetrics(process.counts))


def test_what_is_described_is_what_is_shown(process: Process) -> None:
    """Or the documentation, which is compared with it, would be of other metrics."""
    process.counts.name({1: ("a", "b")})
    process.counts.add([1], [200], [1], {1: 1})

    def shown(metrics: Iterable[Any]) -> dict[str, Any]:
        return {
            one.name: (one.type, one.documentation, one.unit, one._labelnames) for one in metrics
        }

    registry = process.show._registry
    described = [one for one in registry._collector_to_names if hasattr(one, "describe")]
    assert len(described) == 3
    for one in described:
        assert shown(one.describe()) == shown(one.collect())
