"""What a set of requests adds to the rollups: pure sums, shared by folder, readers and `check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from math import ceil, log2

from otel_fmd.analysis.histogram import SCALE, ZERO_BUCKET
from otel_fmd.signals.semconv import SWITCHING_PROTOCOLS

HOUR_US = 3_600_000_000
HOURS_PER_DAY = 24
AHEAD_US = 5 * 60 * 1_000_000
"""How far a sender's clock may be ahead before what it says is not believed, in microseconds."""
_FACTOR = 2**SCALE

CountKey = tuple[int, int, int, int]
"""(hour or day since 1970, endpoint id, version id, status code)."""
HistogramKey = tuple[int, int, int]
"""(hour or day since 1970, endpoint id, version id)."""


@dataclass(slots=True)
class Tally:
    """Number, total, least and greatest duration (ns), first and last start (us)."""

    count: int
    sum_ns: int
    min_ns: int
    max_ns: int
    first_us: int
    last_us: int

    def merge(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.count += other.count
        self.sum_ns += other.sum_ns
        self.min_ns = min(self.min_ns, other.min_ns)
        self.max_ns = max(self.max_ns, other.max_ns)
        self.first_us = min(self.first_us, other.first_us)
        self.last_us = max(self.last_us, other.last_us)


@dataclass(slots=True)
class Rollup:
    """Sums of requests, per hour; days follow from hours."""

    hours: dict[CountKey, Tally] = field(default_factory=dict)
    buckets: Counter[tuple[int, int, int, int]] = field(default_factory=Counter)
    seen: dict[int, int] = field(default_factory=dict)

    def add(
        self,
        endpoint_ids: Sequence[int],
        version_ids: Sequence[int],
        status_codes: Sequence[int],
        starts_us: Sequence[int],
        durations_ns: Sequence[int],
    ) -> None:
        """Add requests, given as columns of the same length."""
        hours = [us // HOUR_US for us in starts_us]
        buckets = zip(hours, endpoint_ids, version_ids, buckets_of(durations_ns), strict=True)
        if SWITCHING_PROTOCOLS in status_codes:
            timed = [status != SWITCHING_PROTOCOLS for status in status_codes]
            self.buckets.update(compress(buckets, timed))
        else:
            self.buckets.update(buckets)
        tallies = self.hours
        get = tallies.get
        keys = zip(hours, endpoint_ids, version_ids, status_codes, strict=True)
        for key, start, duration in zip(keys, starts_us, durations_ns, strict=True):
            tally = get(key)
            if tally is None:
                tallies[key] = Tally(1, duration, duration, duration, start, start)
                continue
            tally.count += 1
            tally.sum_ns += duration
            if duration < tally.min_ns:
                tally.min_ns = duration
            elif duration > tally.max_ns:
                tally.max_ns = duration
            if start > tally.last_us:
                tally.last_us = start
            elif start < tally.first_us:
                tally.first_us = start

    def days(self) -> dict[CountKey, Tally]:
        """The tallies per day."""
        found: dict[CountKey, Tally] = {}
        for (hour, endpoint, version, status), tally in self.hours.items():
            key = (hour // HOURS_PER_DAY, endpoint, version, status)
            if key in found:
                found[key].merge(tally)
            else:
                found[key] = Tally(
                    tally.count,
                    tally.sum_ns,
                    tally.min_ns,
                    tally.max_ns,
                    tally.first_us,
                    tally.last_us,
                )
        return found

    def hour_histograms(self) -> dict[HistogramKey, dict[int, int]]:
        """Counts by bucket, per hour."""
        found: dict[HistogramKey, dict[int, int]] = {}
        for (hour, endpoint, version, bucket), count in self.buckets.items():
            found.setdefault((hour, endpoint, version), {})[bucket] = count
        return found

    def day_histograms(self) -> dict[HistogramKey, dict[int, int]]:
        """Counts by bucket, per day."""
        found: dict[HistogramKey, dict[int, int]] = {}
        for (hour, endpoint, version, bucket), count in self.buckets.items():
            counts = found.setdefault((hour // HOURS_PER_DAY, endpoint, version), {})
            counts[bucket] = counts.get(bucket, 0) + count
        return found

    def endpoint_versions(self) -> dict[tuple[int, int], tuple[int, int]]:
        """First and last start (us) per (endpoint id, version id)."""
        found: dict[tuple[int, int], tuple[int, int]] = {}
        for (_, endpoint, version, _), tally in self.hours.items():
            first, last = found.get((endpoint, version), (tally.first_us, tally.last_us))
            found[endpoint, version] = min(first, tally.first_us), max(last, tally.last_us)
        return found

    def last_requested(self, until_us: int) -> dict[int, int]:
        """The last start (us) per endpoint, those at monitor level 0 included.

        Tallies that end after `until_us` are ignored: their sender's clock is wrong.
        """
        found = {endpoint: us for endpoint, us in self.seen.items() if us <= until_us}
        for (_, endpoint, _, _), tally in self.hours.items():
            if tally.last_us <= until_us:
                found[endpoint] = max(found.get(endpoint, 0), tally.last_us)
        return found

    def note_seen(self, seen: dict[int, int]) -> None:
        """Take the last starts of endpoints that are not recorded further."""
        for endpoint, us in seen.items():
            self.seen[endpoint] = max(self.seen.get(endpoint, 0), us)


def buckets_of(durations_ns: Sequence[int]) -> list[int]:
    """`histogram.bucket_of` of many durations, without a call for each."""
    factor, zero = _FACTOR, ZERO_BUCKET
    return [ceil(log2(d) * factor) - 1 if d > 1 else zero for d in durations_ns]
