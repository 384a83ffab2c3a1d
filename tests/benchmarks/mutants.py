"""How many small changes of the code the unit tests notice, by folder; those they do not.

`python -m tests.benchmarks.mutants [--again] [--only-report] [--processes N] [PATTERN ...]`;
a pattern is such as `otel_fmd.analysis.calendar*`; with one, no bound is checked.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mutmut.stats import status_by_exit_code

from tests.benchmarks.report import Report
from tests.support.requirements import ROOT

FOLDERS = ("analysis", "requests", "ingest")
MUTANTS = ROOT / "mutants"
KILLED = frozenset(["killed", "timeout", "segfault"])
LEAST_PERCENT = 85.0


def main() -> None:
    """The table, and the survivors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--again", action="store_true", help="keep what is known of a run before")
    parser.add_argument("--only-report", action="store_true", help="print the last run")
    parser.add_argument("--processes", default="2", help="how many are tried at once. Default: 2")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="mutants to try")
    options = parser.parse_args()
    if not options.only_report:
        run(options.patterns, options.processes, options.again)
    report = Report("mutants")
    everything: Counter[str] = Counter()
    shares: dict[str, float] = {}
    for folder in FOLDERS:
        counted: Counter[str] = Counter()
        for path, statuses in results(folder):
            found = Counter(statuses.values())
            counted += found
            add_row(report, f"{folder}/{path.stem}", found)
        if counted:
            shares[folder] = share(counted)
            add_row(report, f"{folder}/", counted)
        everything += counted
    add_row(report, "all", everything)
    for folder in FOLDERS:
        for path, statuses in results(folder):
            for line in survivors(path, statuses):
                print(line)
    if options.patterns:
        return
    for folder, value in shares.items():
        report.at_least(f"mutants of {folder} that the tests notice, %", value, LEAST_PERCENT)
    report.at_least("mutants that the tests notice, %", share(everything), LEAST_PERCENT)
    report.write()


def run(patterns: list[str], processes: str, is_continued: bool) -> None:
    """Let mutmut make the mutants and try them, in its folder `mutants`."""
    if not is_continued:
        shutil.rmtree(MUTANTS, ignore_errors=True)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", processes, *patterns]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mutmut failed:\n{done.stdout[-4_000:]}")


def results(folder: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Each module of a folder that has mutants, and what became of those that were tried."""
    for path in sorted((MUTANTS / "otel_fmd" / folder).glob("*.py")):
        codes = json.loads(path.with_suffix(".py.meta").read_text())["exit_code_by_key"]
        statuses = {
            name: status_by_exit_code[code] for name, code in codes.items() if code is not None
        }
        if statuses:
            yield path, statuses


def share(counted: Counter[str]) -> float:
    """Percent that were noticed; those that no test reaches were not."""
    return 100 * sum(counted[status] for status in KILLED) / max(1, counted.total())


def add_row(report: Report, name: str, counted: Counter[str]) -> None:
    """A module or a folder."""
    report.row(
        code=name,
        mutants=counted.total(),
        killed=counted["killed"],
        timeout=counted["timeout"],
        survived=counted["survived"],
        without_tests=counted["no tests"],
        percent=share(counted),
    )


def survivors(path: Path, statuses: dict[str, str]) -> Iterator[str]:
    """What was changed where nobody noticed, a line each; a function that no test reaches once."""
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    untested: Counter[str] = Counter()
    for key, status in statuses.items():
        name = key.rpartition(".")[2]
        original = name.rpartition("__mutmut_")[0]
        if status == "no tests":
            untested[f"{path.parent.name}/{path.stem}: {_plain(original)}"] += 1
        elif status not in KILLED:
            before, after = (
                ast.unparse(functions[one]).splitlines()[1:]
                for one in (f"{original}__mutmut_orig", name)
            )
            changes = [
                f"{line[0]} {line[1:].strip()}"
                for line in difflib.unified_diff(before, after, n=0, lineterm="")
                if line[:1] in "+-" and line[:3] not in ("+++", "---")
            ]
            yield f"{status}: {path.parent.name}/{path.stem}: {_plain(name)}: {' '.join(changes)}"
    for where, number in untested.items():
        yield f"no tests: {where}: {number} mutants"


def _plain(name: str) -> str:
    """A mutant's name as people write it."""
    return name.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".").replace("__mutmut_", " ")


if __name__ == "__main__":
    main()
