"""`otel-fmd check`: no differences in a right database; wrong ones are found and mended."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import delete, update

from otel_fmd.ingest.batch import Batch
from otel_fmd.queries.latency import by_caller
from otel_fmd.queries.snapshot import Reader
from otel_fmd.rollups.fold import USER, DeltaFolder
from otel_fmd.rollups.recount import check, repair
from otel_fmd.store.store import Store
from tests.support.spans import Spans
from tests.unit.ingest.test_write import requests_of, writer


def fill(store: Store) -> None:
    """Some folded, some pending."""
    one = writer(store)
    for seed in range(8):
        one.write(Batch(requests_of(Spans(seed).many(50, **{"enduser.id": f"u{seed % 3}"}))))
        if seed == 5:
            DeltaFolder(store).fold(100)
            DeltaFolder(store).fold_callers(100)


def test_a_right_database_has_no_differences(store: Store) -> None:
    """Sums are integers: equal, not nearly."""
    fill(store)
    assert check(store) == []


def test_wrong_rollups_are_found_and_mended(store: Store) -> None:
    """Counts and histograms; users with them."""
    fill(store)
    tables = store.tables
    with Reader(store).snapshot() as snapshot:
        users = by_caller(snapshot, 1, USER)
    with store.write() as connection:
        connection.execute(update(tables.hour_count).values(count=tables.hour_count.c.count + 1))
        connection.execute(delete(tables.day_histogram))
        connection.execute(delete(tables.caller_histogram))
    assert {one.table for one in check(store)} == {
        tables.hour_count.name,
        tables.day_histogram.name,
    }
    repair(store, DeltaFolder(store))
    assert check(store) == []
    with Reader(store).snapshot() as snapshot:
        assert by_caller(snapshot, 1, USER) == users


def test_the_command_tells_by_its_exit_code(sqlite_store: Store) -> None:
    """0 when all is well, 1 with a line for each difference."""
    fill(sqlite_store)
    command = [sys.executable, "-m", "otel_fmd", "check", "--database-url"]
    command.append(sqlite_store.url.render_as_string())
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0 differences between rollups and rows.\n")
    with sqlite_store.write() as connection:
        connection.execute(delete(sqlite_store.tables.day_count))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DayCount" in done.stdout
    done = subprocess.run([*command, "--repair"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
