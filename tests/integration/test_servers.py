"""The agent under every server that the documentation's table names, each line of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from otel_fmd.queries.counts import total
from otel_fmd.queries.profiles import profile_count, profiles
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.apps import TOOLS, counted, running_app
from tests.support.requirements import missing
from tests.support.waiting import wait_for

APP = """
import sys
import threading
import time
import otel_fmd
from flask import Flask

app = Flask("served")
threading.Thread(target=threading.Event().wait, daemon=True).start()

@app.route("/slow")
def slow():
    time.sleep(0.03)
    return "x"

otel_fmd.instrument(app, monitor_level=3)

if __name__ == "__main__":
    import waitress
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=4)
"""
OUTER = """
from app import app
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
application = OpenTelemetryMiddleware(app.wsgi_app)
"""
BIND = ["--bind", "127.0.0.1:{port}"]
UWSGI = [
    *("uwsgi", "--http-socket", "127.0.0.1:{port}", "--master", "--processes", "2"),
    *("--threads", "4", "--enable-threads", "--die-on-term", "--module", "app:app"),
    *("--virtualenv", sys.prefix),
]


class Line(NamedTuple):
    """A way to run an app, and whether profiles are made under it."""

    command: list[str]
    profiled: bool = True


LINES = {
    "flask": Line(["flask", "--app", "app", "run", "--port", "{port}"]),
    "flask with reloader": Line(
        ["flask", "--app", "app", "run", "--port", "{port}", "--debug", "--reload"]
    ),
    "waitress": Line(["python", "app.py", "{port}"]),
    "gunicorn sync": Line(["gunicorn", "app:app", *BIND, "--workers", "2"]),
    "gunicorn preload": Line(["gunicorn", "app:app", *BIND, "--workers", "2", "--preload"]),
    "gunicorn gthread": Line(
        ["gunicorn", "app:app", *BIND, "--worker-class", "gthread", "--threads", "4"]
    ),
    "gunicorn gevent": Line(
        ["gunicorn", "app:app", *BIND, "--worker-class", "gevent"], profiled=False
    ),
    "uWSGI": Line(UWSGI, profiled=False),
    "uWSGI with fork hooks": Line([*UWSGI, "--py-call-uwsgi-fork-hooks"]),
    "outer WSGI instrumentation": Line(["gunicorn", "outer:application", *BIND]),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_requests_and_profiles_are_stored(line: Line, tmp_path: Path) -> None:
    """Every request under FMD's name; a profile of it where the table says so."""
    if not (TOOLS / line.command[0]).exists():
        missing(line.command[0])
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "outer.py").write_text(OUTER)
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    environment = {"OTEL_FMD_DATABASE_URL": url, "OTEL_SERVICE_NAME": "served"}
    with running_app(line.command, "/slow", tmp_path, **environment) as app:
        for _ in range(19):
            assert app.get("/slow").text == "x"
        wait_for(lambda: counted(url) == 20, 30, "20 requests stored")
    store = Store(url)
    with Reader(store).snapshot() as snapshot:
        (endpoint,) = snapshot.endpoints.values()
        assert endpoint.name == "slow"
        assert total(snapshot, Selection()) == 20
        found = profile_count(snapshot, endpoint.id)
        newest = profiles(snapshot, endpoint.id, limit=1)
    store.close()
    if line.profiled:
        assert found >= 18
        assert any("time.sleep" in one.code for one in newest[0].lines)
    else:
        assert found == 0


def test_the_table_in_the_documentation_has_these_lines() -> None:
    """Nothing is promised that is not shown here."""
    from tests.support.requirements import ROOT

    text = (ROOT / "docs" / "servers.md").read_text()
    for name in LINES:
        assert f"| {name} |" in text, name
