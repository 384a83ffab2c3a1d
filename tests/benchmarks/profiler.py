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
from pathlib import Path
from typing import Any

from tests.benchmarks import profiler_app
from tests.benchmarks.profiler_app import Case
from tests.benchmarks.report import Report
from tests.support.requirements import BUILD, ROOT

FMD_PYTHON = BUILD / "fmd" / "bin" / "python"
SPLITS = ((10, 10), (15, 15), (5, 25), (25, 5), (30, 30))
SHORT = ((2, 2), (3, 7), (5, 5))
KINDS = ("busy-wait", "wait-busy", "io", "recursion", "generator", "files", "async")
BOUND_POINTS = 5.0


def cases() -> list[Case]:
    """Every endpoint at one split, one endpoint at every split, isolated and back to back."""
    found = []
    for isolated in (True, False):
        found += [Case(kind, 15, 15, isolated) for kind in KINDS]
        found += [Case("busy-wait", *split, isolated) for split in (*SPLITS, *SHORT)]
    return list(dict.fromkeys(found))


def measure(python: Path, case: Case, number: int) -> dict[str, float]:
    """One case in a process of its own."""
    who = "original" if python == FMD_PYTHON else "ours"
    parts = (case.kind, case.busy, case.wait, int(case.isolated), number)
    command = [str(python), profiler_app.__file__, who, *map(str, parts)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    if not lines:
        raise RuntimeError(f"{case}: {done.stderr[-2000:]}")
    return dict(json.loads(lines[0].removeprefix("FOUND ")))


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
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
    main()
