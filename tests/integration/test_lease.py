"""A lease belongs to one process of a database at a time, on every engine."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import update

from otel_fmd.background.maintenance import Maintenance
from otel_fmd.config import load
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.job import Job
from otel_fmd.store.lease import Lease
from otel_fmd.store.settings import LEASE_PREFIX, get_setting, put_setting
from otel_fmd.store.store import Store
from tests.support.waiting import wait_for

HOLDER = """
import sys, time
from otel_fmd.store.lease import Lease
from otel_fmd.store.store import Store
lease = Lease(Store(sys.argv[1]), "work", float(sys.argv[2]))
print(lease.acquire(), flush=True)
time.sleep(600)
"""


def value(store: Store, name: str) -> dict[str, object] | None:
    """What the row of a lease says."""
    with store.read() as connection:
        found = get_setting(connection, store.tables, f"{LEASE_PREFIX}{name}")
    return None if found is None else json.loads(found)


def test_one_of_two_has_it(store: Store, open_store: Callable[..., Store]) -> None:
    """Until it lets go; whoever has it may ask again, and names of leases are told apart."""
    first = Lease(store, "work")
    second = Lease(open_store(store.url.render_as_string(hide_password=False)), "work")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert second.refused_at_s > 0 == first.refused_at_s
    assert Lease(store, "other work").acquire()
    second.release()  # not its own to release
    assert not second.acquire()
    first.release()
    assert value(store, "work") is None
    assert second.acquire()
    assert not first.acquire()


def test_a_holder_that_dies_is_succeeded(store: Store) -> None:
    """When its lease has run out, and not before."""
    url = store.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, "3"], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        found = value(store, "work")
        assert found is not None
        mine = Lease(store, "work", 3)
        assert not mine.acquire()
        holder.kill()
        holder.wait(10)
    wait_for(mine.acquire, 20, "the lease runs out")
    assert time.time() >= float(str(found["until_s"]))
    assert mine.refused_at_s >= float(str(found["until_s"])) - 3


def test_of_many_that_want_it_at_once_one_gets_it(
    store: Store, open_store: Callable[..., Store]
) -> None:
    """When nobody had it, and when it has run out."""
    url = store.url.render_as_string(hide_password=False)
    stores = [store, open_store(url)]
    for _ in range(5):
        leases = [Lease(stores[number % 2], "work", 60) for number in range(8)]
        taken: list[Lease] = []
        gate = threading.Barrier(len(leases))

        def want(lease: Lease, gate: threading.Barrier = gate, taken: list[Lease] = taken) -> None:
            gate.wait(10)
            with suppress(StoreUnavailableError):
                if lease.acquire():
                    taken.append(lease)

        threads = [threading.Thread(target=want, args=(one,)) for one in leases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(taken) == 1
        setting = store.tables.setting
        old = json.dumps({"holder": "somebody", "until_s": time.time() - 1})
        with store.write() as connection:
            connection.execute(
                update(setting).where(setting.c.name == f"{LEASE_PREFIX}work").values(value=old)
            )


def test_a_row_that_nobody_can_have_written_is_taken(sqlite_store: Store) -> None:
    """Nonsense, or a clock in the year 2099, keeps nobody from work for ever."""
    lease = Lease(sqlite_store, "work")
    for text in ("nonsense", "[]", "null", '{"holder": "x", "until_s": 4070908800}'):
        with sqlite_store.write() as connection:
            put_setting(connection, sqlite_store.tables, f"{LEASE_PREFIX}work", text)
        assert lease.acquire()


def test_it_is_renewed_when_a_third_is_over(sqlite_store: Store) -> None:
    """Not at every look: an idle database is not written to."""
    lease = Lease(sqlite_store, "work", 0.9)
    assert lease.acquire()
    first = value(sqlite_store, "work")
    assert first is not None
    assert lease.acquire()
    assert value(sqlite_store, "work") == first
    wait_for(lambda: lease.acquire() and value(sqlite_store, "work") != first)
    assert time.time() >= float(str(first["until_s"])) - 0.6


def test_a_job_of_two_processes_is_done_by_one(store: Store) -> None:
    """And by the other when the first has stopped."""
    done: list[str] = []
    jobs = [
        Job(name, lambda name=name: done.append(name), 0.02, lease=Lease(store, "work"))  # type: ignore[misc]
        for name in ("a", "b")
    ]
    jobs[0].start()
    wait_for(lambda: len(done) > 2)
    jobs[1].start()
    wait_for(lambda: len(done) > 10)
    assert set(done) == {"a"}
    assert jobs[0].stop(10)
    wait_for(lambda: done[-1] == "b")
    assert jobs[1].stop(10)
    assert value(store, "work") is None


def test_what_another_process_pruned_is_not_pruned_again(sqlite_store: Store) -> None:
    """Who takes over goes on from when the other was last seen, not from its own start."""
    settings = load({}, pruning_schedule="* * * * *", keep_requests_days=1)
    other = Maintenance(sqlite_store, settings, lambda: "")._lease
    assert other.acquire()
    mine = Maintenance(sqlite_store, settings, lambda: "")
    mine._checked_s = time.time() - 3_600
    assert not mine._lease.acquire()
    other.release()
    mine._look()
    assert mine.state.last_pruned == ""


def test_a_process_with_other_settings_does_its_own(sqlite_store: Store) -> None:
    """One without a cap must not keep the one with a cap from keeping it."""
    found = [
        Maintenance(sqlite_store, load({}, max_database_size=size), lambda: "")._lease.acquire()
        for size in (0, 10**6, 10**7, 10**6)
    ]
    assert found == [True, True, True, False]
