"""Five requests, stop, look: what waits is stored before SIGTERM ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.support.apps import counted, running_app

APP = """
import sys
import otel_fmd
from flask import Flask

app = Flask("stopped")
app.add_url_rule("/", "index", lambda: "x")
if sys.argv[-1] != "bare":
    otel_fmd.instrument(app)

if __name__ == "__main__":
    import waitress
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=4)
"""
ZERO_CODE = ["opentelemetry-instrument"]
FLASK = ["flask", "--app", "app", "run", "--port", "{port}"]
LINES = {
    "waitress, two lines": ["python", "app.py", "{port}", "instrumented"],
    "waitress, no line": [*ZERO_CODE, "python", "app.py", "{port}", "bare"],
    "flask, two lines": FLASK,
    "gunicorn, two lines": ["gunicorn", "app:app", "--bind", "127.0.0.1:{port}"],
    "patched by gevent, two lines": ["python", "patched.py", "{port}", "instrumented"],
    "patched by gevent, no line": [*ZERO_CODE, "python", "patched.py", "{port}", "bare"],
    "gunicorn gevent, no line": [
        *ZERO_CODE,
        *("gunicorn", "bare:app", "--bind", "127.0.0.1:{port}", "--worker-class", "gevent"),
    ],
}
PATCHED = """
from gevent import monkey

monkey.patch_all()

import sys
from flask import Flask
from gevent.pywsgi import WSGIServer

app = Flask("stopped")
app.add_url_rule("/", "index", lambda: "x")
if sys.argv[-1] != "bare":
    import otel_fmd
    otel_fmd.instrument(app)
WSGIServer(("127.0.0.1", int(sys.argv[1])), app, log=None).serve_forever()
"""
BARE = """
from flask import Flask

app = Flask("stopped")
app.add_url_rule("/", "index", lambda: "x")
"""


@pytest.mark.parametrize("command", LINES.values(), ids=LINES.keys())
def test_what_waits_is_stored_at_sigterm(command: list[str], tmp_path: Path) -> None:
    """Every request is there, and the process ends within the bound, of the signal itself."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "bare.py").write_text(BARE)
    (tmp_path / "patched.py").write_text(PATCHED)
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    environment = {
        "OTEL_FMD_DATABASE_URL": url,
        "OTEL_TRACES_EXPORTER": "fmd",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_TRACES_SAMPLER": "always_on",
    }
    with running_app(command, "/", tmp_path, **environment) as app:
        for _ in range(5):
            assert app.get("/").text == "x"
        code = app.stop()
    assert code in (0, -signal.SIGTERM)
    assert counted(url) == 6
    assert "Traceback" not in (tmp_path / "log").read_text()


STREAMING = """
import otel_fmd
from flask import Flask, Response

app = Flask("stopped")
app.add_url_rule("/", "index", lambda: "x")


@app.route("/s")
def s():
    def events():
        while True:
            yield b"data: x\\n\\n"
            time.sleep(0.05)
    return Response(events(), mimetype="text/event-stream")


import time
otel_fmd.instrument(app)
"""


def test_a_stream_that_is_open_at_sigterm_is_stored(tmp_path: Path) -> None:
    """It was answered: with its status, and as long as it went."""
    (tmp_path / "app.py").write_text(STREAMING)
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    with running_app(FLASK, "/", tmp_path, OTEL_FMD_DATABASE_URL=url) as app:
        with requests.get(f"{app.base}/s", stream=True, timeout=10) as answer:
            assert next(answer.iter_content(1))
            code = app.stop()
    assert code == -signal.SIGTERM
    assert counted(url) == 2


MASKS = """
import os, threading, time
import otel_fmd
from flask import Flask

app = Flask("masks")
app.add_url_rule("/", "index", lambda: time.sleep(0.05) or "x")
found = otel_fmd.instrument(app, monitor_level=3)
app.test_client().get("/")
found.force_flush()
for thread in threading.enumerate():
    with open(f"/proc/self/task/{thread.native_id}/status") as status:
        mask = next(line.split()[1] for line in status if line.startswith("SigBlk"))
    print(thread.name, int(mask, 16))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads have files in /proc there")
def test_no_signal_is_handled_in_a_thread_of_ours(tmp_path: Path) -> None:
    """UWSGI's handlers end the process from within whichever thread the kernel chose."""
    found = subprocess.run(
        [sys.executable, "-c", MASKS],
        env={**os.environ, "OTEL_FMD_DATABASE_URL": f"sqlite:///{tmp_path / 'fmd.db'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    masks = {name: int(mask) for name, mask in map(str.split, found.stdout.splitlines())}
    ours = {name for name in masks if name.startswith("otel-fmd-")}
    assert ours >= {"otel-fmd-watcher", "otel-fmd-writer", "otel-fmd-levels", "otel-fmd-folder"}
    for name, mask in masks.items():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            assert bool(mask >> (number - 1) & 1) is (name in ours), (name, number)
        assert not mask >> (signal.SIGSEGV - 1) & 1
