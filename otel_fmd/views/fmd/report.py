"""FMD's reports: two times, or two versions, compared endpoint by endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from otel_fmd.analysis.reporting import (
    SIGNIFICANT,
    Sample,
    benjamini_hochberg,
    median_test,
    sample_of,
    status_changes,
)
from otel_fmd.queries.counts import total
from otel_fmd.queries.latency import EXACT_ROWS
from otel_fmd.queries.reporting import duration_samples, status_counts
from otel_fmd.queries.samples import rows_between
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.fmd.answer import Answer
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.views.look import Look

MOST_SAMPLES = 1_000
"""Most durations of a sample; they stand for all."""
_LEAST_SAMPLES = 10
_MOST_TOGETHER = 100_000
_LATEST_S = 250_000_000_000
Interval = tuple[float, float]


class _Side(NamedTuple):
    """One side of the comparison, by endpoint."""

    durations: Mapping[int, Sample]
    statuses: Mapping[int, Mapping[int, int]]
    is_exact: bool


def compare_intervals(
    snapshot: Snapshot, _look: Look, baseline: Interval, interval: Interval
) -> Answer:
    """Two times, as unix seconds; of very many requests, the whole hours that cover them.

    Raises:
        RequestError: a time is no unix second.
    """
    return _report(snapshot, *(_of_interval(snapshot, one) for one in (baseline, interval)))


def compare_versions(snapshot: Snapshot, _look: Look, baseline: str, version: str) -> Answer:
    """All requests of two versions."""
    sides = []
    for name in (baseline, version):
        ids = [number for number, known in snapshot.versions.items() if known == name]
        sides.append(_of_selection(snapshot, Selection(version_ids=ids)))
    return _report(snapshot, *sides)


def _of_interval(snapshot: Snapshot, interval: Interval) -> _Side:
    start, end = interval
    if not (0 <= start <= _LATEST_S and 0 <= end <= _LATEST_S):
        raise RequestError(f"interval {start:g} to {end:g}: expected unix seconds", 422)
    if end < start:
        return _Side({}, {}, True)
    start_us, end_us = int(start * 1e6), int(end * 1e6)
    rows = rows_between(snapshot, start_us, end_us)
    if rows is None:
        return _of_selection(snapshot, Selection.between(start_us, end_us))
    durations = {number: sample_of(all_) for number, all_ in rows.durations.items()}
    return _Side(durations, rows.statuses, True)


def _of_selection(snapshot: Snapshot, selection: Selection) -> _Side:
    is_exact = total(snapshot, selection) <= EXACT_ROWS
    durations = duration_samples(snapshot, selection, is_exact)
    return _Side(durations, status_counts(snapshot, selection), is_exact)


def _report(snapshot: Snapshot, old: _Side, new: _Side) -> Answer:
    tested = [n for n in snapshot.endpoints if n in old.durations and n in new.durations]
    p_values = [median_test(old.durations[n], new.durations[n]) for n in tested]
    adjusted = dict(zip(tested, benjamini_hochberg(p_values), strict=True))
    share = _MOST_TOGETHER // max(1, len(snapshot.endpoints))
    most = min(MOST_SAMPLES, max(_LEAST_SAMPLES, share))
    summaries = []
    for number in snapshot.endpoints:
        sides = old.durations.get(number), new.durations.get(number)
        answers = [
            _latency(*sides, adjusted.get(number), most),
            _statuses(old.statuses.get(number, {}), new.statuses.get(number, {})),
        ]
        summaries.append(
            {
                "endpoint_id": number,
                "endpoint_name": snapshot.labels[number],
                "answers": answers,
                "has_anything_significant": any(one["is_significant"] for one in answers),
            }
        )
    return Answer({"summaries": summaries}, old.is_exact and new.is_exact)


def _latency(
    old: Sample | None, new: Sample | None, p_value: float | None, most: int
) -> dict[str, Any]:
    before = after = change = None
    if old is not None and new is not None:
        before, after = old.median, new.median
        change = (after - before) / before * 100 if before else None
    return {
        "type": "MEDIAN_LATENCY",
        "is_significant": p_value is not None and p_value < SIGNIFICANT and before != after,
        "baseline_median": before,
        "median": after,
        "percentual_diff": change,
        "latencies_samples": {
            "baseline": _durations(old, most),
            "comparison": _durations(new, most),
        },
    }


def _durations(sample: Sample | None, most: int) -> list[float]:
    """All durations, or some at even ranks if there are too many; ascending."""
    if sample is None:
        return []
    number = min(sample.size, most)
    ranks = np.linspace(1, sample.size, number).round()
    places = np.searchsorted(np.cumsum(sample.counts), ranks)
    return [float(one) for one in sample.values[places]]


def _statuses(old: Mapping[int, int], new: Mapping[int, int]) -> dict[str, Any]:
    changes, is_significant = status_changes(
        *({code: n for code, n in side.items() if code} for side in (old, new))
    )
    return {
        "type": "STATUS_CODE_DISTRIBUTION",
        "is_significant": is_significant,
        "percentages": [
            {
                "status_code": one.status_code,
                "baseline": one.baseline,
                "comparison": one.comparison,
                "percentage_diff": one.change,
            }
            for one in changes
        ]
        or None,
    }
