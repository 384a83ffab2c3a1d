"""Spans of the SDKs and exporters of other languages: JavaScript through Node, Go, Java."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.requests import requests_of
from tests.support.requirements import BUILD, program, toolchain
from tests.support.serving import Served

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

GO_MODULES = (
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


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The OpenTelemetry packages of Node, installed once."""
    npm = program("npm")
    folder = BUILD / "node"
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


def fetch(command: list[str], folder: Path) -> None:
    """Run a package manager, or skip where it cannot reach its packages."""
    found = subprocess.run(
        command, cwd=folder, timeout=300, check=False, capture_output=True, text=True
    )
    if found.returncode:
        last = (found.stderr or found.stdout).strip().splitlines()[-1:]
        pytest.skip(f"{command[0]} could not fetch its packages: {' '.join(last)}")


@pytest.fixture(scope="session")
def go_spans() -> Path:
    """A Go server under its own instrumentation, built once."""
    go = toolchain("go")
    folder = BUILD / "go"
    built = folder / "spans"
    if not built.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "go.mod").write_text("module spans\n\ngo 1.25\n")
        (folder / "main.go").write_text(GO)
        fetch([go, "get", *GO_MODULES], folder)
        subprocess.run([go, "build", "-o", str(built), "."], cwd=folder, check=True, timeout=300)
    return built


@pytest.fixture(scope="session")
def java_spans() -> list[str]:
    """The command of a Java program that makes spans, compiled once."""
    javac, java, maven = toolchain("javac"), toolchain("java"), toolchain("mvn")
    folder = BUILD / "java"
    if not (folder / "Spans.class").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pom.xml").write_text(JAVA_POM)
        (folder / "Spans.java").write_text(JAVA)
        copy = "dependency:copy-dependencies"
        fetch([maven, "-q", "-B", copy, f"-DoutputDirectory={folder / 'jars'}"], folder)
        compile_it = [javac, "-cp", "jars/*", "Spans.java"]
        subprocess.run(compile_it, cwd=folder, check=True, timeout=120)
    return [java, "-cp", f"{folder}:{folder / 'jars'}/*", "Spans"]


def otlp_url(served: Served, transport: str) -> str:
    """Where an exporter of this transport sends."""
    return f"http://{served.grpc}" if transport == "grpc" else served.traces


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
