"""How right profiles are: endpoints of a known split, ours and FMD 5.1.0's, true against found.

Each case in a process of its own; the truth is measured in the same requests, by the thread's own
clocks. FMD's samples tell lines only, so its share is that of the busy line.

`python -m tests.benchmarks.profiler [--quick]`
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.report import Report
from tests.support.requirements import BUILD, ROOT

FMD_PYTHON = BUILD / "fmd" / "bin" / "python"
SPLITS = ((10, 10), (15, 15), (5, 25), (25, 5), (30, 30))
SHORT = ((2, 2), (3, 7), (5, 5))
KINDS = ("busy-wait", "wait-busy", "io", "recursion", "generator", "files", "async")
BOUND_POINTS = 5.0


class Case(NamedTuple):
    """An endpoint, its split in milliseconds, and whether requests follow at once."""

    kind: str
    busy: int
    wait: int
    isolated: bool


def cases() -> list[Case]:
    """Every endpoint at one split, one endpoint at every split, isolated and back to back."""
    found = []
    for isolated in (True, False):
        found += [Case(kind, 15, 15, isolated) for kind in KINDS]
        found += [Case("busy-wait", *split, isolated) for split in (*SPLITS, *SHORT)]
    return list(dict.fromkeys(found))


def shares(lines: list[tuple[int, str, float]]) -> tuple[float, float]:
    """Milliseconds of the busy and the waiting line, among those directly below the endpoint."""
    top = min((indent for indent, _, _ in lines if indent > 0), default=1)
    marked = [(text, ms) for indent, text, ms in lines if indent == top]
    busy = sum(ms for text, ms in marked if "# busy" in text)
    return busy, sum(ms for text, ms in marked if "# wait" in text)


def run_ours(case: Case, number: int) -> dict[str, float]:
    """Requests to an instrumented app; the found and the true share of computing."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    import otel_fmd
    from otel_fmd.database.queries.profiles import grouped_profile
    from otel_fmd.database.queries.snapshot import Reader
    from otel_fmd.database.store import Store

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
        "sampled": 100 * merged.profiled / number,
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
        "sampled": 100 * sampled / number,
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


def measure(python: Path, case: Case, number: int) -> dict[str, float]:
    """One case in a process of its own."""
    who = "original" if python == FMD_PYTHON else "ours"
    command = [str(python), str(Path(__file__)), "--case", who, json.dumps(case), str(number)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    if not lines:
        raise RuntimeError(f"{case}: {done.stderr[-2000:]}")
    return dict(json.loads(lines[0].removeprefix("FOUND ")))


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", nargs=3)
    options = parser.parse_args()
    if options.case:
        who, case, number = options.case
        run = run_original if who == "original" else run_ours
        print("FOUND " + json.dumps(run(Case(*json.loads(case)), int(number))), flush=True)
        return
    number = 50
    report = Report("profiler")
    for case in cases():
        ours = measure(Path(sys.executable), case, number)
        row: dict[str, Any] = {
            "endpoint": case.kind,
            "busy_ms": case.busy,
            "wait_ms": case.wait,
            "requests": "isolated" if case.isolated else "back to back",
            "true_percent": ours["true"],
            "ours_percent": ours["found"],
            "ours_error": ours["found"] - ours["true"],
            "ours_sampled_percent": ours["sampled"],
        }
        if FMD_PYTHON.exists() and not options.quick and case.kind != "async":
            theirs = measure(FMD_PYTHON, case, number)
            row["fmd_percent"] = theirs["found"]
            row["fmd_error"] = theirs["found"] - theirs["true"]
        report.row(**row)
        if case.busy + case.wait >= 20:
            what = f"{case.kind} {case.busy}+{case.wait} ms, {row['requests']}: points of error"
            report.at_most(what, abs(ours["found"] - ours["true"]), BOUND_POINTS)
    if not FMD_PYTHON.exists():
        print("FMD 5.1.0 is not installed in build/fmd; `make test` installs it")
    report.write()


if __name__ == "__main__":
    # Run as a file by FMD's own Python, which has none of our packages.
    main()
