"""Databases that stop, disks that fill up, overload: nothing acknowledged is lost.

Figures are printed. After each fault service comes back by itself.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.databases import Galera, PostgreSql, open_folder
from tests.support.load import RetryingClient, assert_exactly_once, finish
from tests.support.requirements import missing
from tests.support.serving import Served
from tests.support.waiting import wait_for

NewUrl = Callable[[str], str]
Serve = Callable[..., Served]
SECONDS = float(os.environ.get("OTEL_FMD_TEST_OVERLOAD_SECONDS", "12"))


def started(urls: list[str], number: int, size: int = 40, first: int = 1) -> list[RetryingClient]:
    """Clients that send already."""
    clients = [RetryingClient(urls, first + seed, size) for seed in range(number)]
    for client in clients:
        client.start()
    return clients


def grew(clients: list[RetryingClient], by: int = 400) -> None:
    """Wait until more is acknowledged."""
    before = sum(len(client.acknowledged) for client in clients)
    wait_for(
        lambda: sum(len(client.acknowledged) for client in clients) >= before + by,
        60,
        "more is acknowledged",
    )


def test_postgresql_stops_and_starts_under_load(
    postgresql: PostgreSql, new_url: NewUrl, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice as a crash, once properly."""
    url = new_url("postgresql")
    served = serve(url, "--no-dashboard")
    clients = started([served.traces], 3)
    for at_once in (True, False, True):
        grew(clients)
        postgresql.stop(at_once=at_once)
        time.sleep(0.5)
        postgresql.start("fsync=off")
    grew(clients)
    acknowledged = finish(clients)
    served.stop()
    stored = assert_exactly_once(url, acknowledged)
    answers = {code: sum(c.answers.get(code, 0) for c in clients) for code in (200, 503)}
    with capsys.disabled():
        print(
            f"\nPostgreSQL away 3 times: {len(acknowledged)} acknowledged, "
            f"{stored} stored, {answers}"
        )
    assert sum(client.without_retry_after for client in clients) == 0


@pytest.fixture
def galera() -> Iterator[Galera]:
    """Three MariaDB nodes that replicate to each other."""
    with open_folder() as folder:
        cluster = Galera([folder / f"galera{n}" for n in range(3)])
        yield cluster
        cluster.kill()


def test_a_galera_node_dies_and_comes_back_under_load(
    galera: Galera, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two receivers on two nodes; the node of one is killed and rejoins."""
    urls = galera.urls("fmd")
    served = [serve(urls[0], "--no-dashboard"), serve(urls[1], "--no-dashboard")]
    clients = started([served[0].traces, served[1].traces], 2)
    clients += started([served[1].traces, served[0].traces], 2, first=10)
    grew(clients)
    galera.nodes[1].stop(at_once=True)
    grew(clients)
    galera.join(1)
    grew(clients)
    acknowledged = finish(clients)
    for one in served:
        one.stop()
    counts = {url: assert_exactly_once(url, acknowledged) for url in urls}
    with capsys.disabled():
        print(f"\nGalera, one node of three killed: {len(acknowledged)} acknowledged, {counts}")
    assert len(set(counts.values())) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        missing("the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_refuses_until_eviction_made_room(
    small_disk: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cap is larger than the disk, so that the disk is full before the cap is reached."""
    url = f"sqlite:///{small_disk / 'fmd.db'}"
    served = serve(url, "--no-dashboard", OTEL_FMD_MAX_DATABASE_SIZE="10G")
    clients = started([served.traces], 3, 500)
    wait_for(lambda: any(503 in c.answers for c in clients), 120, "the disk is full")
    wait_for(lambda: (small_disk / "fmd.db").exists())
    for _ in range(3):
        grew(clients, 5_000)
    acknowledged = finish(clients)
    refused = sum(client.answers.get(503, 0) for client in clients)
    metric = served.metric("otel_fmd_requests_stored_total")
    assert served.stop() == 0
    with capsys.disabled():
        print(f"\nfull disk: {len(acknowledged)} acknowledged, {metric} stored, {refused} refused")
    assert metric >= len(acknowledged)
    assert refused > 0


def test_a_read_only_database_refuses_until_it_is_writable(
    postgresql: PostgreSql, new_url: NewUrl, serve: Serve
) -> None:
    """503 meanwhile, as after a failover to a replica; afterwards all of it is stored."""
    url = new_url("postgresql")
    served = serve(url, "--no-dashboard")
    clients = started([served.traces], 2)
    grew(clients)
    postgresql.run("ALTER SYSTEM SET default_transaction_read_only = on")
    postgresql.run("SELECT pg_reload_conf()")
    try:
        wait_for(lambda: any(503 in c.answers for c in clients), 60, "refused")
    finally:
        postgresql.run("SET default_transaction_read_only = off; ALTER SYSTEM RESET ALL")
        postgresql.run("SELECT pg_reload_conf()")
    grew(clients)
    acknowledged = finish(clients)
    served.stop()
    assert assert_exactly_once(url, acknowledged) >= len(acknowledged)


def test_overload_is_refused_and_all_of_it_arrives_in_the_end(
    new_url: NewUrl, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Many more clients than can be served: 429 with Retry-After, bounded memory, no collapse."""
    url = new_url("sqlite")
    served = serve(url, "--no-dashboard", OTEL_FMD_QUEUE_REQUESTS="8192")

    def rate(clients: list[RetryingClient], seconds: float) -> float:
        before = served.metric("otel_fmd_requests_stored_total")
        began, peak = time.monotonic(), 0.0
        while time.monotonic() - began < seconds:
            peak = max(peak, served.rss_mib())
            time.sleep(0.05)
        stored = served.metric("otel_fmd_requests_stored_total") - before
        memory.append(peak)
        return stored / (time.monotonic() - began)

    memory: list[float] = []
    few = started([served.traces], 4, 500)
    grew(few, 1_000)
    peak = rate(few, SECONDS / 2)
    many = [RetryingClient([served.traces], 100 + n, 500) for n in range(28)]
    for client in many:
        client.start()
    overloaded = rate([*few, *many], SECONDS)
    acknowledged = finish([*few, *many])
    refused = sum(client.answers.get(429, 0) for client in [*few, *many])
    with capsys.disabled():
        print(
            f"\noverload: {peak:,.0f} spans/s at the peak, {overloaded:,.0f} under overload "
            f"({overloaded / peak:.0%}), {refused} refused with 429, so that "
            f"{1 + refused * 500 / (overloaded * SECONDS):.1f} times as much was offered, "
            f"{max(memory):.0f} MiB"
        )
    served.stop()
    assert_exactly_once(url, acknowledged)
    assert refused > 0
    assert sum(client.without_retry_after for client in [*few, *many]) == 0
    assert max(memory) < 256


def test_the_servers_clock_jumps_under_load(
    tmp_path: Path, new_url: NewUrl, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two hours back, three days forward, and right again, while clients send."""
    library = faketime()
    clock = tmp_path / "clock"
    clock.write_text("+0")
    url = new_url("sqlite")
    served = serve(
        url,
        "--no-dashboard",
        LD_PRELOAD=library,
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        DONT_FAKE_MONOTONIC="1",
    )
    clients = started([served.traces], 3)
    for jump in ("-2h", "+3d", "+0"):
        grew(clients)
        clock.write_text(jump)
    grew(clients)
    acknowledged = finish(clients)
    served.stop()
    stored = assert_exactly_once(url, acknowledged)
    with capsys.disabled():
        print(f"\nclock jumped 3 times: {len(acknowledged)} acknowledged, {stored} stored")


def faketime() -> str:
    """The library that changes a process's clock."""
    for folder in ("/usr/lib", "/usr/local/lib"):
        for path in Path(folder).glob("**/libfaketime.so.1"):
            return str(path)
    missing("libfaketime")
