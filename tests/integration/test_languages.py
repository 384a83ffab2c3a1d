"""Spans of the SDKs and exporters of other languages, and of apps under their default settings."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests
from sqlalchemy.exc import NoResultFound

from otel_fmd.queries.metric_lines import MetricQuery, metric_lines
from otel_fmd.queries.metrics import Minutes, known_metrics
from otel_fmd.queries.runtime import panels
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.clients import (
    GO_MODULES,
    Client,
    fetch,
    go_program,
    java_folder,
    node_folder,
    python_folder,
    rust_program,
)
from tests.support.requests import requests_of
from tests.support.requirements import CACHE, program
from tests.support.serving import Served
from tests.support.waiting import free_port, wait_for

DURATIONS = ("http.server.request.duration", "http.server.duration")
"""What HTTP instrumentations call the histogram of their requests, now and before."""
OF_THE_MACHINE = re.compile(r"MetadataLookupWarning|trace-warnings|Sharing is only supported")
"""No matter of ours: no cloud tells its metadata here (Node); what any agent costs (the JDK)."""

NODE_PACKAGES = (
    "@opentelemetry/api",
    "@opentelemetry/sdk-trace-node",
    "@opentelemetry/sdk-trace-base",
    "@opentelemetry/resources",
    "@opentelemetry/instrumentation",
    "@opentelemetry/instrumentation-http",
    "@opentelemetry/exporter-trace-otlp-proto",
    "@opentelemetry/exporter-trace-otlp-http",
)
NODE = """
const { NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");
const { SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { registerInstrumentations } = require("@opentelemetry/instrumentation");
const { HttpInstrumentation } = require("@opentelemetry/instrumentation-http");
const { OTLPTraceExporter } = require(process.argv[3]);

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": process.argv[4], "service.version": "js1" }),
  spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url: process.argv[2] }))],
});
provider.register();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
const http = require("http");
const server = http.createServer((request, response) => {
  response.statusCode = request.url === "/bad" ? 503 : 200;
  response.end("ok");
});
const get = (path) =>
  new Promise((done) =>
    http.get({ port: server.address().port, path }, (r) => r.resume().on("end", done)));
server.listen(0, "127.0.0.1", async () => {
  for (const path of ["/a", "/b", "/bad"]) await get(path);
  server.close();
  await provider.forceFlush();
  await provider.shutdown();
});
"""

SDK_MODULES = (
    "go.opentelemetry.io/otel@v1.47.0",
    "go.opentelemetry.io/otel/sdk@v1.47.0",
    "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp@v1.47.0",
    "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc@v1.47.0",
    "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0",
)
GO = """
package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	ctx := context.Background()
	var exporter *otlptrace.Exporter
	var err error
	if os.Args[1] == "grpc" {
		exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(os.Args[2]),
			otlptracegrpc.WithCompressor("gzip"))
	} else {
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(os.Args[2]),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	check(err)
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(
		resource.NewSchemaless(attribute.String("service.name", os.Args[3]),
			attribute.String("service.version", "go1"))))
	mux := http.NewServeMux()
	traced := func(next http.HandlerFunc) http.Handler {
		return otelhttp.NewHandler(next, "server", otelhttp.WithTracerProvider(provider))
	}
	mux.Handle("GET /items/{id}", traced(func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "bad" {
			w.WriteHeader(503)
		}
	}))
	// Within a pattern, otelhttp knows the route.
	mux.Handle("/", traced(http.NotFound))
	server := httptest.NewServer(mux)
	for _, path := range []string{"/items/a", "/items/b", "/items/bad", "/none"} {
		response, err := http.Get(server.URL + path)
		check(err)
		check(response.Body.Close())
	}
	server.Close()
	check(provider.Shutdown(ctx))
}
"""

JAVA_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>spans</groupId><artifactId>spans</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.opentelemetry</groupId>
      <artifactId>opentelemetry-sdk</artifactId><version>1.68.0</version></dependency>
    <dependency><groupId>io.opentelemetry</groupId>
      <artifactId>opentelemetry-exporter-otlp</artifactId><version>1.68.0</version></dependency>
  </dependencies>
</project>
"""
JAVA = """
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.concurrent.TimeUnit;

class Spans {
  public static void main(String[] arguments) {
    SpanExporter exporter = arguments[0].equals("grpc")
        ? OtlpGrpcSpanExporter.builder()
            .setEndpoint(arguments[1]).setCompression("gzip").build()
        : OtlpHttpSpanExporter.builder()
            .setEndpoint(arguments[1]).setCompression("gzip").build();
    SdkTracerProvider provider = SdkTracerProvider.builder()
        .setResource(Resource.create(Attributes.of(
            AttributeKey.stringKey("service.name"), arguments[2],
            AttributeKey.stringKey("service.version"), "java1")))
        .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
        .build();
    for (int status : new int[] {200, 200, 503}) {
      provider.get("spring").spanBuilder("GET /items/{id}").setSpanKind(SpanKind.SERVER)
          .setAttribute("http.request.method", "GET")
          .setAttribute("http.route", "/items/{id}")
          .setAttribute("http.response.status_code", (long) status)
          .startSpan().end();
    }
    if (!provider.shutdown().join(20, TimeUnit.SECONDS).isSuccess()) System.exit(1);
  }
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """One server for all SDKs."""
    server = Served(f"sqlite:///{tmp_path_factory.mktemp('sdk') / 'fmd.db'}", "--no-dashboard")
    yield server
    server.stop()


def otlp_url(served: Served, transport: str) -> str:
    """Where an exporter of this transport sends."""
    return f"http://{served.grpc}" if transport == "grpc" else served.traces


@dataclass(frozen=True)
class App:
    """A program in a language with its own instrumentation, and what its requests become.

    `command` and `folder` as for a `Client`, with `PORT` for its port; `found`: the endpoint of
    its items, and that of what it does not have (None: it has all).
    """

    command: list[str]
    folder: Path
    found: str
    missing: str | None = "GET (unmatched)"
    path: str = "/shop"
    transport: str = "http"
    panics: bool = False


def _apps(name: str, folder: Path) -> App:
    if name in ("express", "fastify"):
        auto = "--require=@opentelemetry/auto-instrumentations-node/register"
        command = [program("node"), auto, f"{name}.js", "PORT"]
        if name == "express":
            return App(command, node_folder(), "GET /shop/items/:id", "GET /shop")
        return App(command, node_folder(), "GET /shop/items/{id}")
    if name in ("tornado", "starlette"):
        home = python_folder()
        instrument = str(home / "venv" / "bin" / "opentelemetry-instrument")
        command = [instrument, str(home / "venv" / "bin" / "python"), f"{name}_app.py", "PORT"]
        if name == "tornado":
            return App(command, home, "GET /shop/items/{number}", transport="grpc")
        # The name of what is mounted, from its path: the span tells `/shop` for all of it.
        return App(command, home, "GET /shop/items/{id}", "GET /shop", transport="grpc")
    if name == "java":
        agent = "-javaagent:opentelemetry-javaagent.jar"
        command = [program("java"), agent, "-cp", ".", "Shop", "PORT"]
        # The JDK's server has no routes below its contexts.
        return App(command, java_folder(), "GET /items/{id}", None, path="")
    if name == "axum":
        return App([rust_program(), "PORT"], folder, "GET /items/{id}", path="")
    kind = name.removeprefix("go ")
    route = "GET /items/:id" if kind == "gin" else "GET /items/{id}"
    command = [go_program("go", GO_MODULES), kind, "PORT"]
    return App(command, folder, route, path="", panics=kind == "mux")


DEFAULTS = (
    "express",
    "fastify",
    "go gin",
    "go mux",
    "go own",
    "axum",
    "java",
    "tornado",
    "starlette",
)
INTERVAL_S = int(os.environ.get("OTEL_FMD_TEST_EXPORT_INTERVAL_S", "20"))
"""How often metrics are exported; by default every 60 s, as in `make soak`."""
INTERVALS_S = 2 * INTERVAL_S + 10
"""Two of them, and the delays before them."""


class Fleet:
    """All of the apps at once, under their default settings."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served = served
        self._apps = {name: _apps(name, folder) for name in DEFAULTS}
        self.clients: dict[str, Client] = {}
        ports = {name: free_port() for name in DEFAULTS}
        for name, app in self._apps.items():
            self.clients[name] = Client(
                folder / f"{name}.log",
                [part.replace("PORT", str(ports[name])) for part in app.command],
                app.folder,
                OTEL_SERVICE_NAME=name,
                OTEL_METRIC_EXPORT_INTERVAL=str(INTERVAL_S * 1000),
                OTEL_EXPORTER_OTLP_ENDPOINT=otlp_url(served, app.transport).removesuffix(
                    "/v1/traces"
                ),
            )
        for name, app in self._apps.items():
            self.clients[name].wait_for("ready")
            paths = ["/items/7", "/items/8", "/items/13", "/nothing"]
            for path in [*paths, "/panic"] if app.panics else paths:
                url = f"http://127.0.0.1:{ports[name]}{app.path}{path}"
                wait_for(partial(_is_answered, url), 30, url)
        self.started = time.monotonic()

    def expected(self, name: str) -> list[tuple[str, int]]:
        """What an app's requests must have become."""
        app = self._apps[name]
        found = [(app.found, 200), (app.found, 200), (app.found, 503)]
        if app.panics:
            # No status, but an exception; the route was not told yet.
            found.append(("GET /panic", 500))
        return sorted(found if app.missing is None else [*found, (app.missing, 404)])

    def stop(self) -> None:
        """Stop all of them."""
        for client in self.clients.values():
            client.process.terminate()
        for client in self.clients.values():
            client.stop()


def _is_answered(url: str) -> bool:
    try:
        requests.get(url, timeout=5)
    except requests.ConnectionError:
        # A handler that panics answers nothing.
        return url.endswith("/panic")
    return True


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Looked at last of all, so that other tests take the time that it needs."""
    folder = tmp_path_factory.mktemp("fleet")
    server = Served(f"sqlite:///{folder / 'fmd.db'}", "--no-dashboard")
    found = Fleet(server, folder)
    yield found
    found.stop()
    server.stop()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", DEFAULTS)
def test_apps_are_seen_under_default_settings(fleet: Fleet, name: str) -> None:
    """Endpoint and name of the service are all that is set; each endpoint is named."""
    expected = fleet.expected(name)

    def found() -> list[tuple[str, int]]:
        try:
            return [(row[0], row[1]) for row in requests_of(fleet.served, name)]
        except NoResultFound:
            return []

    wait_for(lambda: len(found()) >= len(expected), 30, f"the requests of {name}")
    assert found() == expected


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The OpenTelemetry packages of Node, installed once."""
    npm = program("npm")
    folder = CACHE / "sdk" / "node"
    if not (folder / "node_modules" / "@opentelemetry" / "sdk-trace-node").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", *NODE_PACKAGES]
        subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
    return folder


@pytest.mark.parametrize("exporter", ["proto", "http"])
def test_node(served: Served, node_modules: Path, exporter: str) -> None:
    """Node's HTTP instrumentation, which knows no routes, over protobuf and JSON."""
    script = node_modules / f"{exporter}.js"
    script.write_text(NODE)
    service = f"node {exporter}"
    package = f"@opentelemetry/exporter-trace-otlp-{exporter}"
    command = [program("node"), script.name, served.traces, package, service]
    subprocess.run(command, cwd=node_modules, check=True, timeout=60)
    found = [
        (name, status, version) for name, status, _, _, version in requests_of(served, service)
    ]
    assert found == [
        ("GET /a", 200, "js1"),
        ("GET /b", 200, "js1"),
        ("GET /bad", 503, "js1"),
    ]


@pytest.fixture(scope="session")
def go_spans() -> Path:
    """A Go server under its own instrumentation, built once."""
    go = program("go")
    folder = CACHE / "sdk" / "go"
    built = folder / "spans"
    if not built.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "go.mod").write_text("module spans\n\ngo 1.25\n")
        (folder / "main.go").write_text(GO)
        fetch([go, "get", *SDK_MODULES], folder)
        subprocess.run([go, "build", "-o", str(built), "."], cwd=folder, check=True, timeout=300)
    return built


@pytest.fixture(scope="session")
def java_spans() -> list[str]:
    """The command of a Java program that makes spans, compiled once."""
    javac, java, maven = program("javac"), program("java"), program("mvn")
    folder = CACHE / "sdk" / "java"
    if not (folder / "Spans.class").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pom.xml").write_text(JAVA_POM)
        (folder / "Spans.java").write_text(JAVA)
        copy = "dependency:copy-dependencies"
        fetch([maven, "-q", "-B", copy, f"-DoutputDirectory={folder / 'jars'}"], folder)
        compile_it = [javac, "-cp", "jars/*", "Spans.java"]
        subprocess.run(compile_it, cwd=folder, check=True, timeout=120)
    return [java, "-cp", f"{folder}:{folder / 'jars'}/*", "Spans"]


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_go(served: Served, go_spans: Path, transport: str) -> None:
    """Go's net/http instrumentation and its own exporters, compressed."""
    service = f"go {transport}"
    command = [str(go_spans), transport, otlp_url(served, transport), service]
    subprocess.run(command, check=True, timeout=60)
    found = [
        (name, status, version) for name, status, _, _, version in requests_of(served, service)
    ]
    assert found == [
        ("GET /", 404, "go1"),
        ("GET /items/{id}", 200, "go1"),
        ("GET /items/{id}", 200, "go1"),
        ("GET /items/{id}", 503, "go1"),
    ]


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_java(served: Served, java_spans: list[str], transport: str) -> None:
    """The JDK's SDK and its own exporters, compressed."""
    service = f"java {transport}"
    command = [*java_spans, transport, otlp_url(served, transport), service]
    subprocess.run(command, check=True, timeout=60)
    found = [
        (name, status, version) for name, status, _, _, version in requests_of(served, service)
    ]
    assert found == [
        ("GET /items/{id}", 200, "java1"),
        ("GET /items/{id}", 200, "java1"),
        ("GET /items/{id}", 503, "java1"),
    ]


@pytest.mark.last
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", DEFAULTS)
def test_nobody_complains_for_two_export_intervals(fleet: Fleet, name: str) -> None:
    """Metrics and logs, which agents send by default, make no warning and no error anywhere."""
    over = fleet.started + INTERVALS_S
    wait_for(lambda: time.monotonic() > over, INTERVALS_S + 60, "two intervals")
    client = fleet.clients[name]
    assert client.process.poll() is None, client.log
    complaints = [line for line in client.complaints if not OF_THE_MACHINE.search(line)]
    assert complaints == []
    assert [line for line in fleet.served.errors if " WARNING " in line or " ERROR " in line] == []
    sent = fleet.served.metric('otel_fmd_otlp_total{transport="http",event="data_points_received"}')
    assert sent >= 2 * 4


@pytest.mark.last
@pytest.mark.timeout(400)
def test_metrics_of_every_language_are_there(fleet: Fleet) -> None:
    """Histograms of requests of each agent that sends them, and what Java's runtime uses."""
    over = fleet.started + INTERVALS_S
    wait_for(lambda: time.monotonic() > over, INTERVALS_S + 60, "two intervals")
    store = Store(fleet.served.database_url)
    at_us = time.time_ns() // 1000
    minutes = Minutes.between(at_us - 1_800_000_000, at_us, 3_600_000_000)
    found: dict[str, float] = {}
    with Reader(store).snapshot() as snapshot:
        for metric in known_metrics(snapshot, None):
            if metric.name in DURATIONS:
                query = MetricQuery(metric, {}, (), "count", minutes)
                for line in metric_lines(snapshot, query).lines:
                    number = sum(value or 0 for value in line.values)
                    found[metric.service] = found.get(metric.service, 0) + number
        java = {one.name for one in panels(snapshot, "java", minutes)}
        points = {(one.service, one.name) for one in known_metrics(snapshot, None)}
    store.close()
    assert {"express", "fastify", "java"} <= found.keys(), (found, sorted(points))
    assert {name: found[name] for name in found if found[name] < 3} == {}
    assert {"cpu", "memory", "threads"} <= java
