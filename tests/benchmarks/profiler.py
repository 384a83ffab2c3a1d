"""How right profiles are: endpoints of a known split, ours and FMD 5.1.0's, true against found.

Each case in a process of its own; the truth is measured in the same requests, by the thread's own
clocks. FMD's samples tell lines only, so its share is that of the busy line.

Then pages of applications from PyPI, each in an environment of its own: the share of a function
that lets go of the interpreter's lock (SQL, a file), by a timer around it, by ours, and by
pyinstrument; and how much of ours is "(smaller lines)".

`python -m tests.benchmarks.profiler [--quick] [--only-applications]`
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks import profiler_app, profiler_pages
from tests.benchmarks.profiler_app import Case
from tests.benchmarks.report import Report
from tests.support.fmd_environment import install_fmd
from tests.support.requirements import BUILD, ROOT

SPLITS = ((10, 10), (15, 15), (5, 25), (25, 5), (30, 30))
SHORT = ((2, 2), (3, 7), (5, 5))
KINDS = ("busy-wait", "wait-busy", "io", "recursion", "generator", "files", "async")
BOUND_POINTS = 5.0
BOUND_FOLDED = 15.0


class Application(NamedTuple):
    """What is installed, and how many requests tell its shares with an error of chance below 3."""

    pins: tuple[str, ...]
    requests: int


APPLICATIONS = {
    "flask-appbuilder": Application(("flask-appbuilder==5.3.0",), 100),
    "mlflow": Application(("mlflow==3.17.2",), 80),
    "moto": Application(
        ("moto==5.2.5", "flask-cors==6.0.5", "python-dateutil==2.9.0.post0", "docker", "boto3"), 600
    ),
}


def cases() -> list[Case]:
    """Every endpoint at one split, one endpoint at every split, isolated and back to back."""
    found = []
    for isolated in (True, False):
        found += [Case(kind, 15, 15, isolated) for kind in KINDS]
        found += [Case("busy-wait", *split, isolated) for split in (*SPLITS, *SHORT)]
    return list(dict.fromkeys(found))


def measure(python: Path, case: Case, number: int) -> dict[str, float]:
    """One case in a process of its own."""
    who = "ours" if python == Path(sys.executable) else "original"
    parts = (case.kind, case.busy, case.wait, int(case.isolated), number)
    command = [str(python), profiler_app.__file__, who, *map(str, parts)]
    return _found(command, ROOT)


def install(name: str, application: Application) -> Path:
    """The Python of an environment with an application, ours and pyinstrument."""
    folder = BUILD / "applications" / name
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        ours = ["-e", f"{ROOT}[sqlite]", "pyinstrument"]
        command = [str(python), "-m", "pip", "install", "-q", *application.pins, *ours]
        subprocess.run(command, check=True, timeout=600)
        (folder / "installed").touch()
    return python


def measure_page(python: Path, name: str, who: str, number: int) -> dict[str, float]:
    """A page of an application, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), profiler_pages.__file__, name, who, folder, str(number)]
        return _found(command, folder)


def _found(command: list[str], folder: str | Path) -> dict[str, float]:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    if not lines:
        raise RuntimeError(f"{command}: {done.stderr[-2000:]}")
    return dict(json.loads(lines[0].removeprefix("FOUND ")))


def measure_applications(report: Report) -> None:
    """The pages, beside pyinstrument."""
    for name, application in APPLICATIONS.items():
        python = install(name, application)
        ours = measure_page(python, name, "ours", application.requests)
        theirs = measure_page(python, name, "pyinstrument", application.requests)
        report.row(
            application=name,
            ms=ours["ms"],
            true_percent=ours["true"],
            ours_percent=ours["found"],
            ours_smaller_percent=ours["smaller"],
            ours_sampled_percent=ours["sampled"],
            pyinstrument_true_percent=theirs["true"],
            pyinstrument_percent=theirs["found"],
        )
        points = abs(ours["found"] - ours["true"])
        report.at_most(f"{name}: points of error beside a timer", points, BOUND_POINTS)
        points = abs(ours["found"] - theirs["found"])
        report.at_most(f"{name}: points from pyinstrument's", points, BOUND_POINTS)
        report.at_most(f"{name}: percent folded away", ours["smaller"], BOUND_FOLDED)


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only-applications", action="store_true")
    options = parser.parse_args()
    number = 50
    report = Report("profiler")
    for case in [] if options.only_applications else cases():
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
        if not options.quick and case.kind != "async":
            theirs = measure(install_fmd(), case, number)
            row["fmd_percent"] = theirs["found"]
            row["fmd_error"] = theirs["found"] - theirs["true"]
        report.row(**row)
        if case.busy + case.wait >= 20:
            what = f"{case.kind} {case.busy}+{case.wait} ms, {row['requests']}: points of error"
            report.at_most(what, abs(ours["found"] - ours["true"]), BOUND_POINTS)
    measure_applications(report)
    report.write()


if __name__ == "__main__":
    main()
