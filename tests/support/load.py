"""Clients that send until they are acknowledged, and the recount afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import requests
from sqlalchemy import select

from otel_fmd.rollups.recount import check
from otel_fmd.store.store import Store
from tests.support.spans import Template

PROTOBUF = {"Content-Type": "application/x-protobuf"}


class RetryingClient(threading.Thread):
    """Sends batches one after the other, each until it is acknowledged.

    Args:
        urls: where to send; the next one after a failure.
        seed: makes its spans its own.
        size: spans in a batch.
    """

    def __init__(self, urls: Sequence[str], seed: int, size: int = 40) -> None:
        super().__init__(daemon=True)
        self._urls = list(urls)
        self._seed = seed
        self._size = size
        self.acknowledged: list[bytes] = []
        self.answers: dict[int, int] = {}
        self.without_retry_after = 0
        self.stopping = threading.Event()
        self.giving_up = False

    def run(self) -> None:
        """Send until told to stop; the batch in flight is sent to its end."""
        tries = 0
        session = requests.Session()
        template = Template(self._seed, self._size)
        while not self.stopping.is_set():
            data, ids = template.make()
            while True:
                url = self._urls[tries % len(self._urls)]
                try:
                    answer = session.post(url, data, headers=PROTOBUF, timeout=20)
                    self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
                    if answer.ok:
                        break
                    if "Retry-After" not in answer.headers:
                        self.without_retry_after += 1
                except requests.RequestException:
                    session = requests.Session()
                if self.giving_up:
                    return
                tries += 1
                time.sleep(0.05)
            self.acknowledged += ids


def finish(clients: Sequence[RetryingClient], timeout_s: float = 90) -> list[bytes]:
    """Stop the clients; every span that was acknowledged."""
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(timeout_s)
        assert not client.is_alive(), "a client was never acknowledged"
    return [one for client in clients for one in client.acknowledged]


def assert_exactly_once(url: str, acknowledged: Sequence[bytes]) -> int:
    """Every acknowledged span is stored once, and rollups equal a recount; rows in all."""
    store = Store(url)
    with store.read() as connection:
        found = connection.execute(select(store.tables.request.c.span_id)).scalars()
        stored = [bytes(one) for one in found]
    assert len(acknowledged) == len(set(acknowledged))
    assert len(stored) == len(set(stored))
    lost = set(acknowledged) - set(stored)
    assert not lost, f"{len(lost)} acknowledged spans are not stored"
    assert check(store) == []
    store.close()
    return len(stored)
