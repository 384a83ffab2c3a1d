"""What storing a span costs, how many a second are stored, how much memory that takes; points.

`python -m tests.benchmarks.ingest [--quick] [--only cost|throughput|storm|memory|points]`
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import requests

from tests.benchmarks.batches import bodies
from tests.benchmarks.ingest_cost import cost
from tests.benchmarks.load import prepared
from tests.benchmarks.points import points
from tests.benchmarks.report import Report
from tests.benchmarks.storm import storm
from tests.benchmarks.throughput import Sender, throughput
from tests.support.people import log_in
from tests.support.requirements import BUILD
from tests.support.serving import PASSWORD, Served

PARTS = ("cost", "throughput", "storm", "memory", "points")


def memory(report: Report, rows: int, seconds: float) -> None:
    """Peak memory of `serve` with its dashboard at full load, pages being read."""
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        path = Path(folder) / "fmd.db"
        shutil.copy(prepared(rows), path)
        served = Served(f"sqlite:///{path}")
        # One batch after another keeps the receiver busy; the dashboard is asked meanwhile.
        senders = [
            Sender(served, bodies(int(seconds * 60), number), time.monotonic() + seconds, False)
            for number in range(4)
        ]
        for sender in senders:
            sender.start()
        peak = 0.0
        session = requests.Session()
        log_in(session, served.dashboard, PASSWORD)
        paths = ("/", "/hourly", "/daily", "/versions", "/performance", "/endpoint/3/users")
        asked = 0
        while any(sender.is_alive() for sender in senders):
            peak = max(peak, served.rss_mib())
            route(session, served.dashboard, paths[asked % len(paths)])
            asked += 1
        rate = sum(sender.acknowledged for sender in senders) / seconds
        report.row(
            what="serve with dashboard", rows=rows, spans_per_s=rate, pages=asked, peak_rss_mib=peak
        )
        served.stop()
    report.at_most("peak RSS of serve with its dashboard, MiB", peak, 230.0)


def route(session: requests.Session, base: str, path: str) -> int:
    """Ask the dashboard's router for a page, as the browser does; the bytes of the answer."""
    outputs = ("content", "navigation", "controls")
    answer = session.post(
        f"{base}/_dash-update-component",
        json={
            "output": ".." + "...".join(f"{name}.children" for name in outputs) + "..",
            "outputs": [{"id": name, "property": "children"} for name in outputs],
            "inputs": [
                {"id": "url", "property": "pathname", "value": path},
                {"id": "url", "property": "search", "value": "?range=90d"},
            ],
            "changedPropIds": ["url.pathname"],
        },
        headers={"Origin": base},
        timeout=60,
    )
    answer.raise_for_status()
    return len(answer.content)


def main() -> None:
    """Everything; `--quick` at a hundredth of the size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", choices=PARTS)
    options = parser.parse_args()
    rows, rounds, seconds = (100_000, 3, 3.0) if options.quick else (10_000_000, 9, 8.0)
    report = Report("ingest")

    def wanted(part: str) -> bool:
        return options.only in ("", part)

    if wanted("cost"):
        cost(report, rows, rounds)
    if wanted("throughput"):
        throughput(report, seconds)
    if wanted("storm"):
        storm(report, seconds * 4)
    if wanted("memory"):
        memory(report, rows, seconds * 3)
    if wanted("points"):
        points(report, quick=options.quick)
    report.write()


if __name__ == "__main__":
    main()
