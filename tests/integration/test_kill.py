"""SIGKILL at random moments under load: every acknowledged span is stored exactly once."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest

from otel_fmd.store.store import Store
from tests.support.load import RetryingClient, assert_exactly_once, finish
from tests.support.serving import Served
from tests.support.waiting import free_port

KILLS = int(os.environ.get("OTEL_FMD_TEST_KILLS", "20"))


@pytest.mark.parametrize("options", [["--no-dashboard"], []], ids=["receiver", "with dashboard"])
def test_nothing_acknowledged_is_lost_or_doubled(
    new_url: Callable[[str], str],
    serve: Callable[..., Served],
    options: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Twenty kills (three with the dashboard), then a recount."""
    kills = KILLS if options else 3
    url = new_url("sqlite")
    port = str(free_port())
    chance = random.Random(7)
    served = serve(url, "--otlp-http-port", port, *options)
    clients = [RetryingClient([served.traces], seed) for seed in range(3)]
    for client in clients:
        client.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 0.5))
        served.kill()
        served = serve(url, "--otlp-http-port", port, *options)
    acknowledged = finish(clients)
    served.stop()
    stored = assert_exactly_once(url, acknowledged)
    store = Store(url)
    with store.read() as connection:
        whole = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
    store.close()
    with capsys.disabled():
        print(f"\n{kills} kills: {len(acknowledged)} acknowledged, {stored} stored")
    assert whole == "ok"
    assert len(acknowledged) > kills
