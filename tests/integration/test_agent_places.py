"""Several apps in one process: each has its own place, and everything is closed again."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider

import otel_fmd
from otel_fmd.errors import ConfigurationError
from otel_fmd.otlp_target import otlp_target
from otel_fmd.queries.rows import requests
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store

TWO_APPS = """
import json, sys
import otel_fmd
from flask import Flask, request

found = []
for number, url in enumerate(sys.argv[1:]):
    app = Flask(f"app{number}")
    app.add_url_rule("/same", "same", lambda: "x")
    found.append(otel_fmd.instrument(
        app, database_url=url, app_version=f"v{number}", table_prefix=f"p{number}_",
        group_by=lambda number=number: f"user{number}", monitor_level=number + 1,
    ))
    for _ in range(number + 1):
        app.test_client().get("/same")
print(json.dumps([one.force_flush() for one in found]))
"""


def test_a_second_app_has_its_own_database_version_and_users(tmp_path: Path) -> None:
    """Nothing that it says is taken and not used."""
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("one", "two")]
    ran = subprocess.run(
        [sys.executable, "-c", TWO_APPS, *urls], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == [True, True]
    for number, url in enumerate(urls):
        store = Store(url, f"p{number}_")
        with Reader(store).snapshot() as snapshot:
            found = requests(snapshot, Selection()).requests
            (endpoint,) = snapshot.endpoints.values()
        store.close()
        assert len(found) == number + 1
        assert {(one.version, one.group_by) for one in found} == {(f"v{number}", f"user{number}")}
        assert endpoint.monitor_level == number + 1


def test_apps_that_differ_on_one_provider_are_refused(tmp_path: Path) -> None:
    """The error names what differs."""
    provider = TracerProvider()
    url = f"sqlite:///{tmp_path / 'a.db'}"
    one = otel_fmd.instrument(Flask("one"), database_url=url, tracer_provider=provider)
    with pytest.raises(ConfigurationError, match="database_url, group_by, monitor_level"):
        otel_fmd.instrument(
            Flask("two"),
            database_url=f"sqlite:///{tmp_path / 'b.db'}",
            tracer_provider=provider,
            group_by=lambda: request.path,
            monitor_level=3,
        )
    one.uninstrument()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"otlp_http_port": 4318}, "otlp_http_port"),
        ({"timezone": "UTC"}, "timezone"),
        ({"tracer_provider": object()}, "TracerProvider of opentelemetry.sdk"),
        ({"get_ip": 5}, "get_ip=5: expected a function"),
        ({"dashboard": "/"}, "dashboard='/': expected a path below the app's own"),
        ({"dashboard": True}, "dashboard_path=True: expected a string"),
        ({"dashboard": "/\u00dc"}, "expected a path such as /dashboard, of ASCII letters"),
        ({"dashboard": "/d/../x"}, "expected a path such as /dashboard"),
        ({"monitor_level": 7}, "monitor_level=7: expected a whole number from 0 to 3"),
    ],
)
def test_an_argument_without_effect_is_refused(given: dict[str, Any], named: str) -> None:
    """It says which, and where it is expected."""
    with pytest.raises(ConfigurationError, match=named):
        otel_fmd.instrument(Flask("x"), **given)


def test_an_app_is_instrumented_once(tmp_path: Path) -> None:
    """With the same it is what it was; with anything else it is refused, by name."""
    app = Flask("again")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    options: dict[str, Any] = {"database_url": url, "app_version": "1", "monitor_level": 2}
    one = otel_fmd.instrument(app, **options)
    others: dict[str, Any] = {
        "database_url": f"sqlite:///{tmp_path / 'b.db'}",
        "app_version": "2",
        "monitor_level": 3,
        "group_by": lambda: "ana",
        "get_ip": lambda: "10.0.0.1",
        "table_prefix": "b_",
        "redact": "name",
        "keep_headers": False,
        "sampling_period_ms": 9,
    }
    for name, value in others.items():
        with pytest.raises(ConfigurationError, match=f"^{name}: 'again' is already instrumented"):
            otel_fmd.instrument(app, **{**options, name: value})
    assert otel_fmd.instrument(app, **options).provider is one.provider
    one.uninstrument()


@pytest.mark.parametrize("app", [None, 5, Flask, "app"])
def test_what_is_no_app_is_refused(app: Any) -> None:
    """By what it is."""
    with pytest.raises(ConfigurationError, match="expected a Flask app"):
        otel_fmd.instrument(app)


def test_an_app_that_has_answered_is_refused(tmp_path: Path) -> None:
    """Flask takes no more hooks then."""
    app = Flask("late")
    app.test_client().get("/")
    with pytest.raises(ConfigurationError, match="'late' has already served requests"):
        otel_fmd.instrument(app, database_url=f"sqlite:///{tmp_path / 'a.db'}")


def test_an_app_with_opentelemetrys_hooks_may_have_answered(tmp_path: Path) -> None:
    """As under `opentelemetry-instrument`: there is nothing left to add to it."""
    app = Flask("hooked")
    app.add_url_rule("/", "index", lambda: "x")
    provider = TracerProvider()
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    app.test_client().get("/")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    found = otel_fmd.instrument(app, database_url=url, tracer_provider=provider)
    assert app.test_client().get("/").text == "x"
    assert found.force_flush()
    store = Store(url)
    with Reader(store).snapshot() as snapshot:
        assert len(requests(snapshot, Selection()).requests) == 1
    store.close()
    found.uninstrument()


@pytest.mark.parametrize(("status", "flushed"), [(200, True), (401, False), (413, False)])
def test_flushed_over_otlp_means_taken_by_the_receiver(
    monkeypatch: pytest.MonkeyPatch, status: int, flushed: bool
) -> None:
    """What it refuses was not stored, and `force_flush` says so; what came after is new."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Into no log."""

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{receiver.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    target = otlp_target(os.environ)
    assert target is not None
    provider = TracerProvider()
    provider.add_span_processor(target.processor())
    provider.get_tracer("x").start_span("x").end()
    assert provider.force_flush() is flushed
    assert provider.force_flush()
    provider.shutdown()
    receiver.shutdown()


def open_files() -> list[str]:
    """What the open files of this process are."""
    found = []
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(file.readlink()))
    return found


def test_uninstrumenting_closes_files_and_threads(tmp_path: Path) -> None:
    """Ten rounds: as many open files and threads as after the first; those of other tests aside."""
    provider = TracerProvider()
    others = set(threading.enumerate())
    url = f"sqlite:///{tmp_path / 'a.db'}"

    def play() -> tuple[int, int]:
        app = Flask("x")
        app.add_url_rule("/", "index", lambda: "x")
        found = otel_fmd.instrument(
            app, database_url=url, tracer_provider=provider, monitor_level=3
        )
        app.test_client().get("/")
        assert found.force_flush()
        found.uninstrument()
        gc.collect()
        files = [one for one in open_files() if one.startswith(str(tmp_path))]
        return len(files), len(set(threading.enumerate()) - others)

    first = play()
    rounds = [play() for _ in range(10)]
    assert rounds[-1] <= first
    assert provider._active_span_processor._span_processors == ()
