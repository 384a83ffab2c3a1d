"""Users and addresses, counted from the columns of requests."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Protocol

from otel_fmd.analysis.rollup import buckets_of
from otel_fmd.signals.semconv import SWITCHING_PROTOCOLS
from otel_fmd.store.kinds import ADDRESS, USER


class CallerColumns(Protocol):
    """Requests as columns: what users and addresses are counted from."""

    @property
    def endpoint_ids(self) -> Sequence[int]:
        """Of each request, its endpoint."""

    @property
    def version_ids(self) -> Sequence[int]:
        """Its version."""

    @property
    def status_codes(self) -> Sequence[int]:
        """Its status code; 0 for none."""

    @property
    def durations_ns(self) -> Sequence[int]:
        """How long it took, in nanoseconds."""

    @property
    def users(self) -> Sequence[str]:
        """Its user; '' if unknown."""

    @property
    def addresses(self) -> Sequence[str]:
        """The client's address; '' where it is not known."""


def caller_counts(
    batches: Iterable[CallerColumns],
) -> Mapping[tuple[int, int, int], Mapping[str, dict[int, int]]]:
    """Counts by bucket per (endpoint id, kind, version id) and user or address, without websockets.

    How long one was open is no duration.
    """
    users: Counter[tuple[int, int, str, int]] = Counter()
    addresses: Counter[tuple[int, int, str, int]] = Counter()
    for columns in batches:
        buckets = buckets_of(columns.durations_ns)
        endpoints, versions = columns.endpoint_ids, columns.version_ids
        by_user = zip(endpoints, versions, columns.users, buckets, strict=True)
        by_address = zip(endpoints, versions, columns.addresses, buckets, strict=True)
        if SWITCHING_PROTOCOLS in columns.status_codes:
            timed = [status != SWITCHING_PROTOCOLS for status in columns.status_codes]
            users.update(compress(by_user, timed))
            addresses.update(compress(by_address, timed))
        else:
            users.update(by_user)
            addresses.update(by_address)
    # Most keys are new ones: nothing is made for those that are known.
    found: defaultdict[tuple[int, int, int], defaultdict[str, dict[int, int]]]
    found = defaultdict(partial(defaultdict, dict))
    for kind, counter in ((USER, users), (ADDRESS, addresses)):
        for (endpoint, version, name, bucket), count in counter.items():
            found[endpoint, kind, version][name][bucket] = count
    return found
