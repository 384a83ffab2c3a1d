"""Several apps in one process: each has its own place, and everything is closed again."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from opentelemetry.sdk.trace import TracerProvider

import otel_fmd
from otel_fmd.errors import ConfigurationError
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
    ],
)
def test_an_argument_without_effect_is_refused(given: dict[str, Any], named: str) -> None:
    """It says which, and where it is expected."""
    with pytest.raises(ConfigurationError, match=named):
        otel_fmd.instrument(Flask("x"), **given)


def test_uninstrumenting_closes_files_and_threads(tmp_path: Path) -> None:
    """Ten rounds: as many open files and threads as after the first."""
    provider = TracerProvider()
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
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    first = play()
    rounds = [play() for _ in range(10)]
    assert rounds[-1] <= first
    assert provider._active_span_processor._span_processors == ()
