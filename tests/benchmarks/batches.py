"""OTLP batches as an SDK sends them, made before anything is timed."""

from __future__ import annotations

import random

from tests.benchmarks.load import ADDRESSES, MEDIANS_MS, USERS
from tests.support.spans import Spans, body, flask_attributes

SPANS = 512


def bodies(number: int, seed: int) -> list[bytes]:
    """Batches of 512 Flask server spans: 20 endpoints, 200 users, 100 addresses, few outliers."""
    found = []
    for index in range(number):
        makers = Spans(seed * 1_000_000 + index)
        chance = random.Random(seed * 1_000_000 + index)
        spans = [
            makers.span(
                flask_attributes(
                    f"/resource/{(n * 7 + index) % 20}",
                    **{
                        "enduser.id": USERS[(n * n + index) % 200],
                        "net.peer.ip": ADDRESSES[(n * 3 + index) % 100],
                    },
                ),
                duration_ms=chance.lognormvariate(0, 0.4)
                * MEDIANS_MS["shop", f"GET /resource/{(n * 7 + index) % 20}"],
            )
            for n in range(SPANS)
        ]
        found.append(body(spans, service="shop"))
    return found
