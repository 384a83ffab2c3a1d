"""OTLP batches as an SDK sends them, made before anything is timed."""

from __future__ import annotations

import random
import time

from tests.benchmarks.load import ADDRESSES, MEDIANS_MS, USERS
from tests.support.spans import Spans, body, flask_attributes

SPANS = 512
_AGO_NS, _STEP_NS = 60_000_000_000, 10_037_331


def bodies(number: int, seed: int) -> list[bytes]:
    """Batches of 512 Flask server spans: 20 endpoints, 200 users, 100 addresses, few outliers.

    Each covers half a second and begins 10 ms after the one before, as from fifty busy processes:
    what their rows have in common in the file decides what storing them costs.
    """
    found = []
    first_ns = time.time_ns() - _AGO_NS
    for index in range(number):
        start_ns = first_ns + index * _STEP_NS
        makers = Spans(seed * 1_000_000 + index, start_ns)
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
