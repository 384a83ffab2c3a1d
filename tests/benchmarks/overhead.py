"""What monitoring adds to a request, in CPU and time: OTel alone, ours at each level, FMD 5.1.0.

One run, the same app, the variants in turns in random order. CPU is the whole process's, its
background threads and the storing of what was recorded included.

`python -m tests.benchmarks.overhead [--quick]`
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import otel_fmd
from tests.benchmarks.report import Report, quartiles
from tests.support.requirements import BUILD
from tests.support.serving import Served

ENDPOINTS = {"trivial": 200, "20 ms": 12}
_LEVELS = (1, 2, 3)


class NullExporter(SpanExporter):
    """Takes spans, and does nothing with them."""

    def export(self, spans: Any) -> SpanExportResult:
        """Done."""
        return SpanExportResult.SUCCESS


def make_app() -> Flask:
    """A trivial endpoint, and one of 10 ms computing and 10 ms waiting."""
    app = Flask("overhead")

    @app.route("/trivial")
    def trivial() -> str:
        return "x"

    @app.route("/20 ms")
    def split() -> str:
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass
        time.sleep(0.01)
        return "x"

    return app


@dataclass
class Variant:
    """One way to run the app, and what it took in each round, in microseconds a request."""

    name: str
    app: Flask
    flush: Callable[[], object] = lambda: None
    cpu: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    wall: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def round(self, endpoint: str, threads: int) -> None:
        """Make the requests of one round, and note what they took."""
        number = max(1, ENDPOINTS[endpoint] // threads)
        times: list[float] = []

        def work() -> None:
            client = self.app.test_client()
            for _ in range(number):
                began = time.perf_counter()
                client.get(f"/{endpoint}")
                times.append((time.perf_counter() - began) * 1e6)

        began = time.process_time()
        if threads == 1:
            work()
        else:
            workers = [threading.Thread(target=work) for _ in range(threads)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        self.flush()
        spent = (time.process_time() - began) * 1e6 / (number * threads)
        self.cpu.setdefault((endpoint, threads), []).append(spent)
        self.wall.setdefault((endpoint, threads), []).extend(times)


def provider_with(exporter: SpanExporter | None) -> TracerProvider:
    """A provider of its own."""
    provider = TracerProvider(resource=Resource.create({"service.name": "overhead"}))
    if exporter is not None:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


@contextmanager
def variants(folder: Path) -> Iterator[list[Variant]]:
    """Every variant of this process."""
    found = [Variant("bare", make_app())]
    app, provider = make_app(), provider_with(NullExporter())
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    found.append(Variant("otel null", app, provider.force_flush))
    monitors = []
    for level in _LEVELS:
        app = make_app()
        one = otel_fmd.instrument(
            app,
            database_url=f"sqlite:///{folder / f'level{level}.db'}",
            tracer_provider=provider_with(None),
            monitor_level=level,
        )
        monitors.append(one)
        found.append(Variant(f"level {level}", app, one.force_flush))
    served = Served(f"sqlite:///{folder / 'otlp.db'}", "--no-dashboard")
    app, provider = make_app(), provider_with(OTLPSpanExporter(served.traces))
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    found.append(Variant("otel otlp", app, provider.force_flush))
    os.environ.pop("OTEL_FMD_DATABASE_URL", None)
    for level in _LEVELS:
        app, provider = make_app(), provider_with(OTLPSpanExporter(served.traces))
        one = otel_fmd.instrument(app, tracer_provider=provider, monitor_level=level)
        monitors.append(one)
        found.append(Variant(f"level {level} otlp", app, provider.force_flush))
    yield found
    for one in monitors:
        one.uninstrument()
    served.stop()


FMD = """
import json, sys, threading, time
from flask import Flask
level, database, endpoints, rounds = (
    int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4]))

def make_app():
    app = Flask("overhead")
    @app.route("/trivial")
    def trivial():
        return "x"
    @app.route("/20 ms")
    def split():
        end = time.thread_time() + 0.01
        while time.thread_time() < end:
            pass
        time.sleep(0.01)
        return "x"
    return app

bare = make_app()
import flask_monitoringdashboard as dashboard
dashboard.config.database_name = database
dashboard.config.monitor_level = level
watched = make_app()
watched.secret_key = "x"
dashboard.bind(watched)
base = threading.active_count()
found = {}
for endpoint, number in endpoints.items():
    for turn in range(rounds + 1):
        for name, app in (("bare", bare), ("fmd", watched)):
            client = app.test_client()
            began = time.process_time()
            for _ in range(number):
                client.get("/" + endpoint)
            while threading.active_count() > base:
                time.sleep(0.01)
            spent = (time.process_time() - began) * 1e6 / number
            if turn:
                found.setdefault(endpoint + " " + name, []).append(spent)
print("RESULT" + json.dumps(found))
"""


def original(report: Report, rounds: int, folder: Path) -> dict[int, float]:
    """What FMD adds to bare Flask on the trivial endpoint, microseconds of CPU, by level."""
    python = BUILD / "fmd" / "bin" / "python"
    if not python.exists():
        print("FMD 5.1.0 is not installed in build/fmd; `make test` installs it")
        return {}
    added = {}
    for level in _LEVELS:
        url = f"sqlite:///{folder / f'fmd{level}.db'}"
        command = [str(python), "-c", FMD, str(level), url, json.dumps(ENDPOINTS), str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
        found = json.loads(line.removeprefix("RESULT"))
        for endpoint in ENDPOINTS:
            bare, fmd = (quartiles(found[f"{endpoint} {name}"])[1] for name in ("bare", "fmd"))
            report.row(
                what=f"FMD level {level}", endpoint=endpoint, cpu_us=fmd, added_us=fmd - bare
            )
            if endpoint == "trivial":
                added[level] = fmd - bare
    return added


def main() -> None:
    """Everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rounds = 5 if options.quick else 25
    report = Report("overhead")
    with tempfile.TemporaryDirectory() as name, variants(Path(name)) as all_:
        folder = Path(name)
        cases = [("trivial", 1), ("20 ms", 1), ("trivial", 8)]
        for turn in range(rounds + 2):
            for endpoint, threads in cases:
                random.shuffle(all_)
                for one in all_:
                    one.round(endpoint, threads)
            if turn == 1:  # the first rounds warm up
                for one in all_:
                    one.cpu.clear()
                    one.wall.clear()
        by_name = {one.name: one for one in all_}
        middle: dict[tuple[str, str, int], float] = {}
        for what in sorted(by_name):
            for endpoint, threads in cases:
                low, median, high = quartiles(by_name[what].cpu[endpoint, threads])
                middle[what, endpoint, threads] = median
                times = sorted(by_name[what].wall[endpoint, threads])
                report.row(
                    what=what,
                    endpoint=endpoint,
                    threads=threads,
                    cpu_us=median,
                    q1=low,
                    q3=high,
                    p50_us=times[len(times) // 2],
                    p99_us=times[int(len(times) * 0.99)],
                )
        added = original(report, max(3, rounds // 5), folder)
        bounds = {
            ("trivial", 1): (1.08, 1.13, 1.20),
            ("trivial", 8): (1.10, 1.15, 1.30),
            ("20 ms", 1): (1.02, 1.04, 1.08),
        }
        for (endpoint, threads), most in bounds.items():
            for level, bound in zip(_LEVELS, most, strict=True):
                ratio = (
                    middle[f"level {level}", endpoint, threads]
                    / middle["otel null", endpoint, threads]
                )
                report.at_most(
                    f"level {level}, {endpoint}, {threads} threads, times OTel", ratio, bound
                )
        for level, bound in zip(_LEVELS, (1.10, 1.15, 1.25), strict=True):
            ratio = middle[f"level {level} otlp", "trivial", 1] / middle["otel otlp", "trivial", 1]
            report.at_most(f"level {level} over OTLP, times the SDK's own", ratio, bound)
        for level, part in zip(_LEVELS, (60, 30, 60), strict=True):
            if level in added:
                ours = middle[f"level {level}", "trivial", 1] - middle["otel null", "trivial", 1]
                report.at_most(
                    f"level {level}, added us against 1/{part} of FMD's", ours, added[level] / part
                )
    report.write()


if __name__ == "__main__":
    main()
