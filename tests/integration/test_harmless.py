"""Faults of ours beside an app: its requests take as long as without them, and nothing raises.

Latencies are printed, with and without each fault; memory is bounded, and what was dropped is
counted, in the log and in the database.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from otel_fmd.queries.dropped import dropped
from otel_fmd.queries.snapshot import Reader
from otel_fmd.store.store import Store
from tests.support.databases import PostgreSql
from tests.support.requirements import missing
from tests.support.waiting import free_port, wait_for

APP = """
import json, sys, time
import otel_fmd
from flask import Flask

app = Flask("harmless")

@app.route("/x")
def x():
    return "x"

settings = json.loads(sys.argv[1])
monitor = otel_fmd.instrument(app, **settings)
client = app.test_client()
clock = [0.0]
true_time_ns = time.time_ns
time.time_ns = lambda: true_time_ns() + int(clock[0] * 1e9)

def play(seconds):
    times, wrong = [], 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        wrong += client.get("/x").status_code != 200
        times.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.0005)
    times.sort()
    sink = monitor.processor._sink
    counters = sink.counters.as_dict() if sink is not None else {}
    return {
        "p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)],
        "requests": len(times), "wrong": wrong, "errors": monitor.processor.errors,
        "waiting": sink._pipeline.waiting if sink is not None else 0, **counters,
    }

print("READY", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    clock[0] = order.get("clock", 0.0)
    if order.get("flush"):
        print(json.dumps({"flushed": monitor.force_flush(60_000)}), flush=True)
    else:
        print(json.dumps(play(order["seconds"])), flush=True)
"""
QUEUE = 2_000
SECONDS = 3.0


class App:
    """An instrumented app in a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], **settings: Any) -> None:
        script = folder / "harmless_app.py"
        script.write_text(APP)
        self.log = folder / "log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(script), json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **environment},
            )
        self._read()

    def ask(self, **order: Any) -> dict[str, Any]:
        """Let it play, or flush."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._read()))

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text()
        return line

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@contextmanager
def started(folder: Path, **settings: Any) -> Iterator[App]:
    """An app that stores requests in this process, with a small queue."""
    environment = settings.pop("environment", {})
    app = App(folder, environment, queue_requests=QUEUE, **settings)
    try:
        yield app
    finally:
        app.stop()


def compare(name: str, capsys: Any, usual: dict[str, Any], fault: dict[str, Any]) -> None:
    """Print both, and check what does not depend on the machine."""
    with capsys.disabled():
        print(
            f"\n{name}: p50 {usual['p50']:.2f} -> {fault['p50']:.2f} ms, p99 {usual['p99']:.2f} -> "
            f"{fault['p99']:.2f} ms, {fault['requests']} requests, "
            f"{fault.get('dropped', 0)} dropped"
        )
    assert (fault["wrong"], fault["errors"]) == (0, 0)
    assert fault["waiting"] <= QUEUE
    # A request that waited for the fault would take a second and more.
    assert fault["p99"] < 250


def check_flushed(app: App, fault: dict[str, Any]) -> None:
    """A flush says once that requests were dropped; what waits is stored all the same."""
    assert app.ask(flush=True)["flushed"] == (fault["dropped"] == 0)
    assert app.ask(flush=True)["flushed"]


def test_a_database_that_stops_and_comes_back(
    postgresql: PostgreSql, new_url: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What does not fit into the queue is dropped, counted, logged, and noted in the database."""
    url = new_url("postgresql")
    with started(tmp_path, database_url=url) as app:
        usual = app.ask(seconds=SECONDS)
        postgresql.stop(at_once=True)
        try:
            fault = app.ask(seconds=SECONDS * 2)
        finally:
            postgresql.start("fsync=off")
        compare("database stopped", capsys, usual, fault)
        check_flushed(app, fault)
        after = app.ask(seconds=0.5)
        # What was under way when the first answer was given may be counted after it.
        assert 0 < fault["dropped"] <= after["dropped"] <= fault["dropped"] + 8
        assert "monitoring data is dropped" in app.log.read_text()
        store = Store(url)

        def noted() -> bool:
            with Reader(store).snapshot() as snapshot:
                return dropped(snapshot).requests == after["dropped"]

        wait_for(noted)
        store.close()


def test_a_database_that_is_locked_for_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another program holds SQLite's write lock, longer than the busy timeout."""
    path = tmp_path / "fmd.db"
    with started(tmp_path, database_url=f"sqlite:///{path}") as app:
        usual = app.ask(seconds=SECONDS)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        fault = app.ask(seconds=float(os.environ.get("OTEL_FMD_TEST_LOCK_SECONDS", "12")))
        holder.execute("ROLLBACK")
        holder.close()
        compare("database locked", capsys, usual, fault)
        check_flushed(app, fault)


def test_a_receiver_that_is_down(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Spans go over OTLP, and nobody is there."""
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    where["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    with started(tmp_path, environment=where) as app:
        first = app.ask(seconds=SECONDS)
        compare("receiver down", capsys, first, app.ask(seconds=SECONDS))
        assert "monitor levels were not read" in app.log.read_text()


def test_a_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No byte can be written any more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        missing("the right to mount a small file system")
    try:
        with started(tmp_path, database_url=f"sqlite:///{folder / 'fmd.db'}") as app:
            usual = app.ask(seconds=SECONDS)
            with (folder / "filler").open("wb", buffering=0) as filler:
                try:
                    while True:
                        filler.write(bytes(4096))
                except OSError:
                    pass
            fault = app.ask(seconds=SECONDS * 2)
            compare("disk full", capsys, usual, fault)
            (folder / "filler").unlink()
            check_flushed(app, fault)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_clock_that_is_moved_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An hour, while requests run: they are stored all the same."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    with started(tmp_path, database_url=url) as app:
        usual = app.ask(seconds=SECONDS)
        fault = app.ask(seconds=SECONDS, clock=-3600.0)
        compare("clock moved back", capsys, usual, fault)
        assert app.ask(flush=True)["flushed"]
        after = app.ask(seconds=0.2)
        assert after["dropped"] == 0
        assert after["stored"] >= usual["requests"] + fault["requests"]


KILOBYTES = 1024
SOAK = int(os.environ.get("OTEL_FMD_TEST_SOAK_REQUESTS", "6000"))
SOAK_APP = """
import sys
import otel_fmd
from flask import Flask

app = Flask("soak")
app.route("/x")(lambda: "x")
monitor = otel_fmd.instrument(app, database_url=sys.argv[1], monitor_level=3)
client = app.test_client()

def rss():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

number = int(sys.argv[2])
for done in range(1, number + 1):
    client.get("/x")
    if done % max(1, number // 20) == 0:
        print(done, rss(), monitor.processor._sink.counters.dropped, flush=True)
"""


def test_memory_does_not_grow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At level 3: a few thousand requests here, a million in `make soak`."""
    script = tmp_path / "soak_app.py"
    script.write_text(SOAK_APP)
    command = [sys.executable, str(script), f"sqlite:///{tmp_path / 'fmd.db'}", str(SOAK)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    settled = next(rss for number, rss, _ in rows if number >= min(50_000, SOAK // 2))
    last = rows[-1][1]
    with capsys.disabled():
        print(
            f"\n{SOAK:,} requests at level 3: {settled / KILOBYTES:.0f} MiB after "
            f"{min(50_000, SOAK // 2):,}, {last / KILOBYTES:.0f} MiB in the end, "
            f"{rows[-1][2]} dropped"
        )
    assert last - settled < 12 * KILOBYTES
