"""What monitoring adds to a request, in CPU and time: OTel alone, ours at each level, FMD 5.1.0.

One run, the same app; each variant in a process of its own, so that no thread of one is charged to
another, the variants in turns in random order. CPU is the whole process's: background threads and
the storing of what was recorded included. Every few rounds all begin anew: two processes of one
variant differ by some percent, as their memory happens to lie.

`python -m tests.benchmarks.overhead [--quick]`
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks import overhead_app
from tests.benchmarks.report import Report, quartiles
from tests.support.fmd_environment import install_fmd
from tests.support.serving import Served

LEVELS = (1, 2, 3)


class Case(NamedTuple):
    """What is requested in a round."""

    endpoint: str
    threads: int
    client: str
    number: int


TRIVIAL = Case("trivial", 1, "test client", 3000)
THREADS = Case("trivial", 8, "test client", 3000)
DIRECT = Case("trivial", 1, "wsgi", 3000)
SLOW = Case("20ms", 1, "test client", 40)
PAGE = Case("page", 1, "test client", 160)
CASES = (TRIVIAL, THREADS, DIRECT, SLOW, PAGE)
_WARM_UP, _ROUNDS = 1, 4
_FMD_PART = 20
"""FMD gets so many times fewer requests in a round, or it would take most of the run."""


class Variant:
    """One way to run the app, in a process, or in one after the other."""

    _process: subprocess.Popen[str]

    def __init__(self, name: str, target: str = "-", python: str = sys.executable) -> None:
        self.name = name
        self._command = [python, overhead_app.__file__, name, target]
        # FMD writes files of its own where it is started.
        self._folder = (
            Path(target.removeprefix("sqlite:///")).parent if "sqlite" in target else None
        )
        self.cpu: dict[Case, list[float]] = {case: [] for case in CASES}
        self.times: dict[Case, list[float]] = {case: [] for case in CASES}

    def start(self) -> None:
        """Start its process."""
        # Otherwise the environment of this run decides where requests go.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=self._folder,
        )
        self.play(TRIVIAL._replace(number=50))  # imports, tables

    def play(self, case: Case) -> dict[str, Any]:
        """One round of this process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case._asdict()) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("ROUND "):
                return dict(json.loads(line.removeprefix("ROUND ")))
        raise RuntimeError(f"{self.name} ended with {self._process.wait()}")

    def round(self, case: Case, *, warm: bool) -> None:
        """Let it run for one round, and note what it took."""
        number = case.number // _FMD_PART if self.name.startswith("original") else case.number
        found = self.play(case._replace(number=max(number, case.threads)))
        if warm:
            self.cpu[case].append(found["cpu"])
            self.times[case].extend(found["times"])

    def times_of(self, other: Variant, case: Case) -> float:
        """How many times another's CPU this takes: the median over rounds, each beside its own."""
        pairs = zip(self.cpu[case], other.cpu[case], strict=True)
        return quartiles([mine / its for mine, its in pairs])[1]

    def above(self, other: Variant, case: Case) -> float:
        """Microseconds more than another, the median over rounds."""
        pairs = zip(self.cpu[case], other.cpu[case], strict=True)
        return quartiles([mine - its for mine, its in pairs])[1]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def variants(folder: Path, traces: str) -> list[Variant]:
    """Every way to run the app."""
    found = [Variant("bare"), Variant("null"), Variant("otlp", traces)]
    for level in LEVELS:
        found.append(Variant(f"fmd {level}", f"sqlite:///{folder}/level{level}.db"))
        found.append(Variant(f"otlp {level}", traces))
        url = f"sqlite:///{folder}/original{level}.db"
        found.append(Variant(f"original {level}", url, str(install_fmd())))
    return found


def play_block(found: Sequence[Variant]) -> None:
    """Some rounds of every variant, in processes of their own."""
    with ExitStack() as stack:
        for one in found:
            one.start()
            stack.callback(one.stop)
        for turn in range(_WARM_UP + _ROUNDS):
            for case in CASES:
                for one in random.sample(found, len(found)):
                    one.round(case, warm=turn >= _WARM_UP)


WORDS = {
    "bare": "bare Flask",
    "null": "OTel, null exporter",
    "otlp": "OTel, OTLP exporter",
    **{f"fmd {level}": f"ours, level {level}" for level in LEVELS},
    **{f"otlp {level}": f"ours, level {level}, OTLP" for level in LEVELS},
    **{f"original {level}": f"FMD 5.1.0, level {level}" for level in LEVELS},
}


def print_rows(report: Report, found: Sequence[Variant]) -> None:
    """The table."""
    for case in CASES:
        for one in sorted(found, key=lambda v: list(WORDS).index(v.name)):
            low, median, high = quartiles(one.cpu[case])
            times = sorted(one.times[case])
            report.row(
                endpoint=case.endpoint,
                client=case.client,
                threads=case.threads,
                what=WORDS[one.name],
                cpu_us=median,
                q1=low,
                q3=high,
                p50_us=times[len(times) // 2],
                p99_us=times[int(len(times) * 0.99)],
            )


def judge(report: Report, by_name: dict[str, Variant]) -> None:
    """The bounds, of what was measured."""

    def have(*names: str) -> bool:
        return all(name in by_name for name in names)

    for case, bounds in (
        (TRIVIAL, (1.08, 1.13, 1.20)),
        (THREADS, (1.10, 1.15, 1.30)),
        (SLOW, (1.02, 1.04, 1.08)),
        (PAGE, (1.02, 1.04, 1.08)),
    ):
        for level, bound in zip(LEVELS, bounds, strict=True):
            if have("null", f"fmd {level}"):
                ratio = by_name[f"fmd {level}"].times_of(by_name["null"], case)
                what = f"{case.endpoint}, {case.threads} threads"
                name = f"level {level}, {what}: times OTel with a null exporter"
                report.at_most(name, ratio, bound)
    for level, bound in zip(LEVELS, (1.10, 1.15, 1.25), strict=True):
        if have("otlp", f"otlp {level}"):
            ratio = by_name[f"otlp {level}"].times_of(by_name["otlp"], TRIVIAL)
            report.at_most(f"level {level} over OTLP: times the SDK's own", ratio, bound)
    for level, part in zip(LEVELS, (60, 30, 60), strict=True):
        if have("bare", "null", f"fmd {level}", f"original {level}"):
            added = by_name[f"original {level}"].above(by_name["bare"], TRIVIAL)
            ours = by_name[f"fmd {level}"].above(by_name["null"], TRIVIAL)
            name = f"level {level}: microseconds added, against 1/{part} of FMD's"
            report.at_most(name, ours, added / part)


def main() -> None:
    """Everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="the names of the variants, with commas")
    options = parser.parse_args()
    blocks = 1 if options.quick else 4
    report = Report("overhead")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        served = Served(f"sqlite:///{name}/otlp.db", "--no-dashboard")
        stack.callback(served.stop)
        found = variants(Path(name), served.traces)
        if options.only:
            wanted = options.only.split(",")
            known = [one.name for one in found]
            if unknown := [name for name in wanted if name not in known]:
                parser.error(f"--only {unknown[0]!r}: expected some of {', '.join(known)}")
            found = [one for one in found if one.name in wanted]
        for _ in range(blocks):
            play_block(found)
        print_rows(report, found)
        by_name = {one.name: one for one in found}
        judge(report, by_name)
        if not options.only:
            report.write()


if __name__ == "__main__":
    main()
