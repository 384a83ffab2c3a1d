"""What one process stored, by endpoint: requests by class of status, a histogram of durations.

It counts a stored batch as a whole, from the columns of its delta, so that a request costs no call
of Python; nothing is read from the database, whose totals shrink when it is pruned.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, repeat
from threading import Lock
from typing import NamedTuple

from otel_fmd.store.kinds import OTHER_ENDPOINTS, OTHER_SERVICES

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds of the buckets in seconds, inclusive; one without a bound follows.

Source: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""
MOST_ENDPOINTS = 2_000
"""Endpoints that one process counts by name, of all services: a histogram has 17 lines."""
_REST = 0
"""No id of an endpoint: stands for those above the limit."""
_OTHERS = (OTHER_SERVICES, OTHER_ENDPOINTS)
_BOUNDS_NS = [round(bound * 1e9) for bound in BOUNDS_S]
_CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "7xx", "8xx", "9xx")
_CLASS_OF = [status // 100 for status in range(1000)]
_SWITCHING = 1
"""The class of WebSockets: their length is not the time that anyone waits."""

Endpoint = tuple[str, str]
"""Names of a service and of one of its endpoints."""


class EndpointCount(NamedTuple):
    """What is known of one endpoint.

    Args:
        by_class: requests by the class of their status, such as `5xx`; `none` without a status.
        buckets: requests per bucket, cumulative, so that the last one is their number; WebSockets
            are not among them.
        sum_s: the total of their durations, in seconds.
    """

    by_class: Mapping[str, int]
    buckets: Sequence[int]
    sum_s: float


class EndpointCounts:
    """Counts since the process started; written by one thread, read by any.

    Args:
        most: endpoints that are counted by name; further ones count as one.
    """

    def __init__(self, most: int = MOST_ENDPOINTS) -> None:
        self._most = most
        self._names: dict[int, Endpoint] = {_REST: _OTHERS}
        self._above: set[int] = set()
        self._counts: Counter[tuple[int, int, int]] = Counter()
        self._sums_ns: Counter[int] = Counter()
        self._lock = Lock()

    def unnamed(self, endpoint_ids: Iterable[int]) -> set[int]:
        """Those of these endpoints whose names are not known yet."""
        return set(endpoint_ids).difference(self._names, self._above)

    def name(self, names: Mapping[int, Endpoint]) -> None:
        """Learn the names of endpoints, by their ids."""
        with self._lock:
            for endpoint_id, name in names.items():
                if len(self._names) <= self._most:
                    self._names[endpoint_id] = name
                else:
                    self._above.add(endpoint_id)

    def add(
        self,
        endpoint_ids: Sequence[int],
        status_codes: Sequence[int],
        durations_ns: Sequence[int],
        sums_ns: Mapping[int, int],
    ) -> None:
        """Count stored requests, given as columns of the same length; their names are known.

        Args:
            endpoint_ids: of the database.
            status_codes: below 1000; 0 without one.
            durations_ns: in nanoseconds.
            sums_ns: the sum of their durations for each endpoint, by its id.
        """
        above = self._above
        if above:
            endpoint_ids = [_REST if one in above else one for one in endpoint_ids]
        classes = map(_CLASS_OF.__getitem__, status_codes)
        buckets = map(bisect_left, repeat(_BOUNDS_NS), durations_ns)
        with self._lock:
            self._counts.update(zip(endpoint_ids, classes, buckets, strict=True))
            for endpoint_id, sum_ns in sums_ns.items():
                self._sums_ns[_REST if endpoint_id in above else endpoint_id] += sum_ns

    def snapshot(self) -> dict[Endpoint, EndpointCount]:
        """What was counted so far, by the names of service and endpoint."""
        with self._lock:
            counts, sums_ns = list(self._counts.items()), list(self._sums_ns.items())
            names = dict(self._names)
        by_class: dict[Endpoint, Counter[str]] = {}
        buckets: dict[Endpoint, list[int]] = {}
        totals_ns: Counter[Endpoint] = Counter()
        for (endpoint_id, status_class, bucket), count in counts:
            name = names[endpoint_id]
            by_class.setdefault(name, Counter())[_CLASSES[status_class]] += count
            found = buckets.setdefault(name, [0] * (len(_BOUNDS_NS) + 1))
            if status_class != _SWITCHING:
                found[bucket] += count
        for endpoint_id, sum_ns in sums_ns:
            totals_ns[names[endpoint_id]] += sum_ns
        return {
            name: EndpointCount(found, list(accumulate(buckets[name])), totals_ns[name] / 1e9)
            for name, found in by_class.items()
        }
