"""Reporting: two intervals, or two versions, compared endpoint by endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY
from otel_fmd.analysis.text import duration_text
from otel_fmd.queries.reporting import EndpointReport, report
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.views.choices import MOST_VERSIONS
from otel_fmd.views.look import Days, Look
from otel_fmd.views.parameters import Parameter, days_in, one_of
from otel_fmd.views.view import Column, Table, View

_WEEK = 7 * HOURS_PER_DAY
PRESETS = {
    "week": "the last 7 days with the 7 before",
    "day": "today with yesterday",
    "range": "the selected time range with the one before",
    "days": "two time ranges",
    "version": "two versions",
}
COMPARE = Parameter("compare", f"What to compare: {', '.join(PRESETS)}.", one_of(*PRESETS), "week")
BASELINE = Parameter("baseline", "With `days`: the days of the baseline.", days_in, None)
COMPARISON = Parameter("comparison", "With `days`: the days to compare with it.", days_in, None)
OLD = Parameter("old", "With `version`: the baseline version.", str, "")
NEW = Parameter("new", "With `version`: the version to compare with the baseline.", str, "")


class Report(NamedTuple):
    """The findings, and what was compared with what.

    `labels` has the endpoints' labels by id; `versions` has the versions that can be compared, the
    newest first.
    """

    findings: list[EndpointReport]
    baseline: str
    comparison: str
    labels: Mapping[int, str]
    versions: list[str]

    def __bool__(self) -> bool:
        return any(one.ratio or one.status for one in self.findings)


class Compared(NamedTuple):
    """Two selections and their names."""

    baseline: Selection
    comparison: Selection
    names: tuple[str, str]


def load(snapshot: Snapshot, look: Look) -> Report:
    """The report that the address selects."""
    chosen = look.selection(snapshot)
    seen = {one.name: one.id for one in versions_seen(snapshot, chosen.endpoint_ids)}
    compared = _compared(look, chosen, seen)
    found = report(snapshot, compared.baseline, compared.comparison)
    return Report(found, *compared.names, snapshot.labels, list(seen)[:MOST_VERSIONS])


def _compared(look: Look, chosen: Selection, seen: Mapping[str, int]) -> Compared:
    preset = look.value(COMPARE)
    if preset == "version" and len(seen) > 1:
        return _versions(look, chosen, seen)
    if preset == "day":
        return _today(look, chosen)
    baseline, comparison = look.value(BASELINE), look.value(COMPARISON)
    if preset == "days" and baseline is not None and comparison is not None:
        old, new = Days(*baseline, look.zone), Days(*comparison, look.zone)
        ids, versions = chosen.endpoint_ids, chosen.version_ids
        return Compared(
            Selection.between(*old.times_us).of(ids, versions),
            Selection.between(*new.times_us).of(ids, versions),
            (old.words, new.words),
        )
    if preset == "range":
        return _before(chosen, chosen.end_hour, chosen.end_hour - chosen.start_hour)
    return _before(chosen, look.now_us // HOUR_US + 1, _WEEK)


def _versions(look: Look, chosen: Selection, seen: Mapping[str, int]) -> Compared:
    """The two versions that are chosen, else the newest two."""
    newest = list(seen)[:2]
    old, new = look.value(OLD), look.value(NEW)
    old, new = (old if old in seen else newest[1]), (new if new in seen else newest[0])
    return Compared(
        Selection(endpoint_ids=chosen.endpoint_ids, version_ids=[seen[old]]),
        Selection(endpoint_ids=chosen.endpoint_ids, version_ids=[seen[new]]),
        (f"version {old}", f"version {new}"),
    )


def _today(look: Look, chosen: Selection) -> Compared:
    ids, versions = chosen.endpoint_ids, chosen.version_ids
    today, end = look.today_us // HOUR_US, look.now_us // HOUR_US + 1
    return Compared(
        Selection(today - HOURS_PER_DAY, today, ids, versions),
        Selection(today, end, ids, versions),
        ("yesterday", "today"),
    )


def _before(chosen: Selection, end: int, length: int) -> Compared:
    """The last `length` hours before `end`, and as many before those."""
    ids, versions = chosen.endpoint_ids, chosen.version_ids
    words = f"{length // HOURS_PER_DAY} days" if length % HOURS_PER_DAY == 0 else f"{length} hours"
    return Compared(
        Selection(end - 2 * length, end - length, ids, versions),
        Selection(end - length, end, ids, versions),
        (f"the {words} before", f"the last {words}"),
    )


def sentence(one: EndpointReport) -> str:
    """A finding in words."""
    parts = []
    if one.ratio is None:
        parts.append("too few requests to compare durations")
    elif one.duration_changed:
        percent = 100 * (one.ratio[0] - 1)
        word = "slower" if percent > 0 else "faster"
        parts.append(
            f"{abs(percent):.0f} % {word}: the median went from "
            f"{duration_text(one.baseline_median)} to {duration_text(one.comparison_median)} "
            f"(95 % confidence {100 * (one.ratio[1] - 1):+.0f} to "
            f"{100 * (one.ratio[2] - 1):+.0f} %)"
        )
    else:
        parts.append("no significant change in duration")
    if one.status_changed:
        worst = max(one.status, key=lambda change: change.change)
        parts.append(
            f"status {worst.status_code} went from {worst.baseline:.1f} % to "
            f"{worst.comparison:.1f} % of the requests"
        )
    return "; ".join(parts)


def table(data: Report, _look: Look) -> Table:
    """One row per endpoint."""
    columns = (
        *map(Column, ("endpoint", "service", "baseline_requests", "comparison_requests")),
        *(Column(f"{which}_median_ms", "ms") for which in ("baseline", "comparison")),
        *map(Column, ("ratio", "ratio_low", "ratio_high", "p_value", "adjusted_p_value")),
        *map(Column, ("significant", "finding")),
    )
    rows = [
        (
            one.endpoint.name,
            one.endpoint.service,
            one.baseline_requests,
            one.comparison_requests,
            one.baseline_median,
            one.comparison_median,
            *(one.ratio or ("", "", "")),
            one.p_value,
            one.adjusted,
            one.is_significant,
            sentence(one),
        )
        for one in data.findings
    ]
    return Table(columns, rows)


REPORT = View(
    name="reporting",
    title="What changed",
    description="Each dot shows how much an endpoint's median changed, with the 95 % confidence "
    "interval. Orange got slower, green got faster; grey may be chance (median test with "
    "Benjamini-Hochberg correction, false discovery rate 5 %).",
    load=load,
    table=table,
    empty="No endpoint has enough requests on both sides. Compare others, or wait for more.",
    parameters=(COMPARE, BASELINE, COMPARISON, OLD, NEW),
)
