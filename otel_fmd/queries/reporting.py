"""The report: two selections compared, endpoint by endpoint."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from otel_fmd.analysis.distribution import bucket_values
from otel_fmd.analysis.reporting import (
    SIGNIFICANT,
    Sample,
    StatusChange,
    benjamini_hochberg,
    median_ratio,
    median_test,
    sample_of,
    status_changes,
)
from otel_fmd.queries.counts import sums, total
from otel_fmd.queries.latency import EXACT_ROWS, durations, histograms
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Endpoint, Snapshot


class EndpointReport(NamedTuple):
    """What changed at one endpoint.

    Medians in milliseconds; `ratio` is comparison / baseline with its 95 % confidence interval;
    `p_value` of the median test, `adjusted` for all endpoints, None where one side has
    no requests.
    """

    endpoint: Endpoint
    baseline_requests: int
    comparison_requests: int
    baseline_median: float | None
    comparison_median: float | None
    ratio: tuple[float, float, float] | None
    p_value: float | None
    adjusted: float | None
    status: list[StatusChange]
    status_changed: bool
    is_exact: bool

    @property
    def duration_changed(self) -> bool:
        """Whether the durations changed significantly, after the correction."""
        return (
            self.adjusted is not None
            and self.adjusted < SIGNIFICANT
            and self.baseline_median != self.comparison_median
        )

    @property
    def is_significant(self) -> bool:
        """Whether anything changed significantly."""
        return self.duration_changed or self.status_changed


def report(snapshot: Snapshot, baseline: Selection, comparison: Selection) -> list[EndpointReport]:
    """All endpoints with requests on either side, the significant ones first."""
    exact = total(snapshot, baseline) + total(snapshot, comparison) <= EXACT_ROWS
    old, new = (duration_samples(snapshot, one, exact) for one in (baseline, comparison))
    old_codes, new_codes = (status_counts(snapshot, one) for one in (baseline, comparison))
    numbers = sorted(old.keys() | new.keys())
    tested = [n for n in numbers if n in old and n in new]
    p_values = [median_test(old[n], new[n]) for n in tested]
    adjusted = dict(zip(tested, benjamini_hochberg(p_values), strict=True))
    raw = dict(zip(tested, p_values, strict=True))
    found = []
    for n in numbers:
        before, after = old.get(n), new.get(n)
        changes, changed = status_changes(old_codes.get(n, {}), new_codes.get(n, {}))
        both = before is not None and after is not None
        found.append(
            EndpointReport(
                snapshot.endpoints[n],
                before.size if before else 0,
                after.size if after else 0,
                before.median if before else None,
                after.median if after else None,
                median_ratio(before, after) if both and before and after else None,
                raw.get(n),
                adjusted.get(n),
                changes,
                changed,
                exact,
            )
        )
    return sorted(found, key=_order)


def _order(one: EndpointReport) -> tuple[bool, float]:
    ratio = one.ratio[0] if one.ratio else 1.0
    return not one.is_significant, -max(ratio, 1 / ratio if ratio else 1.0)


def duration_samples(snapshot: Snapshot, selection: Selection, exact: bool) -> dict[int, Sample]:
    """Durations by endpoint, from rows or from histograms."""
    if exact:
        rows = durations(snapshot, selection, ("endpoint_id",))
        return {key[0]: sample_of(values) for key, values in rows.items()}
    found = {}
    for (endpoint,), counts in histograms(snapshot, selection, ("endpoint_id",)).items():
        used = np.flatnonzero(counts)
        if len(used):
            found[endpoint] = Sample(bucket_values(used), counts[used])
    return found


def status_counts(snapshot: Snapshot, selection: Selection) -> dict[int, dict[int, int]]:
    """Requests by endpoint and status code; those without one are left out."""
    found: dict[int, dict[int, int]] = {}
    for (endpoint, status), one in sums(
        snapshot, selection, ("endpoint_id", "status_code")
    ).items():
        if status:
            found.setdefault(endpoint, {})[status] = one.number
    return found
