"""Pruning on schedule."""

from __future__ import annotations

from datetime import datetime

import pytest

from otel_fmd.actions.pruning import set_schedule
from otel_fmd.analysis.cron import next_run
from otel_fmd.background.maintenance import Maintenance
from otel_fmd.config import load
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import OPERATOR
from otel_fmd.store.space import size_bytes
from otel_fmd.store.store import Store
from otel_fmd.upkeep.retention import ages_of
from otel_fmd.upkeep.schedule import PruningSchedule, load_schedule
from tests.support.waiting import wait_for
from tests.unit.ingest.test_write import count
from tests.unit.upkeep.test_retention import fill


def test_a_schedule_is_due_at_its_time() -> None:
    """Local time of the machine."""
    now = datetime(2026, 6, 1, 2, 30).astimezone().timestamp()
    due = datetime.fromtimestamp(next_run("0 3 * * *", now)).astimezone()
    assert (due.day, due.hour, due.minute) == (1, 3, 0)


def test_a_schedule_is_kept_in_the_database(sqlite_store: Store) -> None:
    """In the form of FMD's `add_database_pruning_schedule`."""
    assert load_schedule(sqlite_store) is None
    schedule = PruningSchedule("0 3 * * *", 4, True)
    set_schedule(OPERATOR, sqlite_store, schedule)
    assert load_schedule(sqlite_store) == schedule
    assert schedule.ages.requests == schedule.ages.custom_graphs == 28
    set_schedule(OPERATOR, sqlite_store, None)
    assert load_schedule(sqlite_store) is None


@pytest.mark.parametrize("cron", ["", "nonsense", "0 3 * *", "99 3 * * *"])
def test_a_wrong_schedule_is_refused(sqlite_store: Store, cron: str) -> None:
    """With what was expected."""
    with pytest.raises(ConfigurationError, match="expected"):
        set_schedule(OPERATOR, sqlite_store, PruningSchedule(cron, 4, False))
    if cron:
        with pytest.raises(ConfigurationError, match="cron"):
            load({"OTEL_FMD_PRUNING_SCHEDULE": cron})


def test_maintenance_prunes_when_it_is_due(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the configured ages, in its own thread (rows are of noon: the same at any hour)."""
    fill(sqlite_store)
    settings = load({}, keep_requests_days=3.5, pruning_schedule="* * * * *")
    assert ages_of(settings).requests == 3.5
    monkeypatch.setattr("otel_fmd.background.maintenance._LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("otel_fmd.background.maintenance.next_run", lambda cron, after: after)
    one = Maintenance(sqlite_store, settings, lambda: "")
    one.start()
    wait_for(lambda: count(sqlite_store, "request") == 3 * 61)
    one.stop()
    assert "requests" in one.state.last_pruned


def test_maintenance_keeps_the_cap(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest requests go until the database is small enough."""
    fill(sqlite_store, number=800)
    monkeypatch.setattr("otel_fmd.background.maintenance._LOOK_EVERY_S", 0.1)
    cap = int(size_bytes(sqlite_store) * 0.6)
    one = Maintenance(sqlite_store, load({}, max_database_size=cap), lambda: "")
    one.start()
    wait_for(lambda: "requests" in one.state.last_evicted)
    one.stop()
    assert 0 < count(sqlite_store, "request") < 10 * 801
