"""One endpoint under a profiler, in a process of its own: `profiler.py` starts it.

Started with FMD's own Python, too: so it imports nothing but Flask until it knows which.

`python profiler_app.py ours|original KIND BUSY_MS WAIT_MS ISOLATED REQUESTS`
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Case(NamedTuple):
    """An endpoint, its split in milliseconds, and whether requests are apart from each other."""

    kind: str
    busy: int
    wait: int
    isolated: bool


def shares(lines: list[tuple[int, str, float]]) -> tuple[float, float]:
    """Milliseconds of the busy and the waiting line, where they stand highest in the tree."""
    found = []
    for mark in ("# busy", "# wait"):
        marked = [(indent, ms) for indent, text, ms in lines if mark in text]
        top = min((indent for indent, _ in marked), default=0)
        found.append(sum(ms for indent, ms in marked if indent == top))
    return found[0], found[1]


def run_ours(case: Case, number: int) -> dict[str, float]:
    """Requests to an instrumented app; the found and the true share of computing."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    import otel_fmd
    from otel_fmd.queries.profiles import grouped_profile
    from otel_fmd.queries.snapshot import Reader
    from otel_fmd.store.store import Store

    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{name}/fmd.db"
        provider = TracerProvider(resource=Resource.create({"service.name": "profiled"}))

        def monitor(app: Any) -> None:
            monitors.append(
                otel_fmd.instrument(
                    app, database_url=url, tracer_provider=provider, monitor_level=3
                )
            )

        monitors: list[Any] = []
        true = _request(case, number, Path(name), monitor)
        assert monitors[0].force_flush()
        store = Store(url)
        with Reader(store).snapshot() as snapshot:
            merged = grouped_profile(snapshot, 1)
        monitors[0].uninstrument()
        store.close()
    busy, wait = shares([(line.indent, line.code, line.total_ms) for line in merged.lines])
    whole = busy + wait
    return {
        "true": true,
        "found": 100 * busy / whole if whole else 0.0,
        "sampled": 100 * merged.profiled / (number + 1),
    }


def run_original(case: Case, number: int) -> dict[str, float]:
    """The same with FMD 5.1.0, in its own Python."""
    import flask_monitoringdashboard as dashboard

    with tempfile.TemporaryDirectory() as name:
        dashboard.config.database_name = f"sqlite:///{name}/fmd.db"
        dashboard.config.monitor_level = 3

        def monitor(app: Any) -> None:
            app.secret_key = "x"
            dashboard.bind(app)

        true = _request(case, number, Path(name), monitor)
        while any("Profiler" in type(t).__name__ for t in threading.enumerate()):
            time.sleep(0.05)
        from flask_monitoringdashboard.database import CodeLine, StackLine, session_scope

        with session_scope() as session:
            rows = session.query(StackLine, CodeLine).filter(StackLine.code_id == CodeLine.id)
            lines = [(one.indent, code.code, one.duration) for one, code in rows]
            sampled = len({one.request_id for one, _ in rows})
    busy, wait = shares(lines)
    whole = busy + wait
    return {
        "true": true,
        "found": 100 * busy / whole if whole else 0.0,
        "sampled": 100 * sampled / (number + 1),
    }


def _request(case: Case, number: int, folder: Path, monitor: Any) -> float:
    """Make the requests; the true share of computing, in percent."""
    sys.path.insert(0, str(ROOT))
    from tests.support import profiled

    spent = {"busy": 0.0, "wait": 0.0}
    app = profiled.make_app(folder)
    monitor(app)
    client = app.test_client()
    path = f"/{case.kind}/{case.busy}/{case.wait}"
    client.get(path)
    for _ in range(number):
        if case.isolated:
            time.sleep(0.02)
        began = time.perf_counter()
        client.get(path)
        took = (time.perf_counter() - began) * 1000
        spent["busy"] += case.busy
        spent["wait"] += max(0.0, min(took - case.busy, case.wait * 1.02))
    return 100 * spent["busy"] / (spent["busy"] + spent["wait"])


def main() -> None:
    """Print what was found."""
    who, kind, busy, wait, isolated, number = sys.argv[1:]
    run = run_original if who == "original" else run_ours
    found = run(Case(kind, int(busy), int(wait), isolated == "1"), int(number))
    print("FOUND " + json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
