"""SIGKILL at random moments under load: every acknowledged span is stored exactly once."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable

import pytest
import requests
from sqlalchemy import func, select

from otel_fmd.database.queries.counts import sums
from otel_fmd.database.queries.selection import Selection
from otel_fmd.database.queries.snapshot import Reader
from otel_fmd.database.store import Store
from tests.support.serving import Served
from tests.support.spans import Spans, body
from tests.support.waiting import free_port

KILLS = int(os.environ.get("OTEL_FMD_TEST_KILLS", "20"))
PROTOBUF = {"Content-Type": "application/x-protobuf"}


class RetryingClient(threading.Thread):
    """Sends batches one after the other, each until it is acknowledged."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._seed = seed
        self.acknowledged: list[bytes] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        """Send until told to stop; the batch in flight is sent to its end."""
        number = 0
        session = requests.Session()
        while not self.stopping.is_set():
            number += 1
            spans = Spans(self._seed * 100_000 + number).many(40)
            data = body(spans)
            while True:
                try:
                    if session.post(self._url, data, headers=PROTOBUF, timeout=5).ok:
                        break
                except requests.RequestException:
                    session = requests.Session()
                time.sleep(0.02)
            self.acknowledged += [span.span_id for span in spans]


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
    clients = [RetryingClient(served.traces, seed) for seed in range(3)]
    for client in clients:
        client.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 0.5))
        served.kill()
        served = serve(url, "--otlp-http-port", port, *options)
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(60)
    served.stop()

    store = Store(url)
    request = store.tables.request
    with store.read() as connection:
        stored = [bytes(one) for one in connection.execute(select(request.c.span_id)).scalars()]
        recount = connection.execute(
            select(request.c.endpoint_id, func.count()).group_by(request.c.endpoint_id)
        ).all()
        whole = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
    with Reader(store).snapshot() as snapshot:
        rollups = sums(snapshot, Selection(), ("endpoint_id",))
    store.close()
    acknowledged = [one for client in clients for one in client.acknowledged]
    with capsys.disabled():
        print(f"\n{kills} kills: {len(acknowledged)} acknowledged, {len(stored)} stored")
    assert whole == "ok"
    assert len(acknowledged) == len(set(acknowledged)) > kills
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert {(e,): n for e, n in recount} == {key: one.number for key, one in rollups.items()}
