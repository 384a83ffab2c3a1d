"""Load over time, status codes, histograms, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from otel_fmd.analysis.calendar import HourlyLoad, Mark
from otel_fmd.queries import series
from otel_fmd.views import report
from otel_fmd.views import series as views
from otel_fmd.views.api.look import moment
from otel_fmd.views.look import Look
from otel_fmd.views.utilization import Daily, Shares

_NONE = (None, None, None, None)


@dataclass(slots=True)
class Step:
    """A step of a time series; steps without requests are left out.

    Args:
        start: when it begins.
        requests: its requests.
        errors: those with a status from 400 to 599.
        mean_ms: the mean of their durations, in milliseconds; null if none has one.
        median_ms: the median of their durations.
        p95_ms: the 95th percentile.
        p99_ms: the 99th percentile.
    """

    start: datetime
    requests: int
    errors: int
    mean_ms: float | None
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(slots=True)
class Bucket:
    """A bucket of durations.

    Args:
        low_ms: durations are longer than this.
        high_ms: and at most this long.
        requests: how many.
    """

    low_ms: float
    high_ms: float
    requests: int


@dataclass(slots=True)
class HourOfDays:
    """Requests of one hour of the day, in the time zone of the settings.

    Args:
        period: a day such as `2026-01-31`; in long ranges a week, a month or a year.
        hour: 0 to 23.
        requests: how many.
    """

    period: str
    hour: int
    requests: int


@dataclass(slots=True)
class EndpointLoad:
    """Requests of an endpoint by days, in the time zone of the settings.

    Args:
        endpoint: its name, or `all other endpoints`.
        endpoint_id: its id; null for all others.
        periods: the days such as `2026-01-31`; in long ranges weeks, months or years.
        requests: how many, one number for each period.
    """

    endpoint: str
    endpoint_id: int | None
    periods: list[str]
    requests: list[int]


@dataclass(slots=True)
class VersionShare:
    """The share of an endpoint in the requests of a version.

    Args:
        endpoint: its name.
        endpoint_id: its id.
        version: the version.
        requests: how many of the version went to the endpoint.
        share: of all requests of the version, 0 to 1.
    """

    endpoint: str
    endpoint_id: int
    version: str
    requests: int
    share: float


@dataclass(slots=True)
class StatusCount:
    """Requests with a status code.

    Args:
        status_code: the code; null for requests without one.
        requests: how many.
    """

    status_code: int | None
    requests: int


@dataclass(slots=True)
class Deploy:
    """What happened on a day: a version was first seen, a database was adopted.

    Args:
        day: the day in the time zone of the settings.
        description: what happened.
    """

    day: date
    description: str


@dataclass(slots=True)
class Ratio:
    """How a median changed: 1.5 is half as long again.

    Args:
        ratio: the new median divided by the old one.
        low: where the 95 % confidence interval begins.
        high: where it ends.
    """

    ratio: float
    low: float
    high: float


@dataclass(slots=True)
class Finding:
    """What changed at an endpoint.

    Args:
        endpoint: its name.
        endpoint_id: its id.
        baseline_requests: how many there were before.
        comparison_requests: how many there are after.
        baseline_median_ms: the median before; null without requests.
        comparison_median_ms: the median after; null without requests.
        median: how the median changed; null with too few requests.
        p_value: of the median test; null with too few requests.
        adjusted_p_value: after the Benjamini-Hochberg correction.
        is_significant: whether it is more than chance, at a false discovery rate of 5 %.
        description: the finding as a sentence.
    """

    endpoint: str
    endpoint_id: int
    baseline_requests: int
    comparison_requests: int
    baseline_median_ms: float | None
    comparison_median_ms: float | None
    median: Ratio | None
    p_value: float | None
    adjusted_p_value: float | None
    is_significant: bool
    description: str


@dataclass(slots=True)
class Report:
    """Two time ranges, or two versions, compared endpoint by endpoint.

    Args:
        baseline: what was compared, in words.
        comparison: with what, in words.
        versions: the versions that can be compared, the newest first.
        findings: one for each endpoint.
    """

    baseline: str
    comparison: str
    versions: list[str]
    findings: list[Finding]


def steps(data: Sequence[series.Step], _look: Look) -> Iterator[Step]:
    """Of a time series."""
    for start_us, requests, errors, one in data:
        figures = _NONE if one is None else (one.mean, one.median, one.p95, one.p99)
        yield Step(moment(start_us), requests, errors, *figures)


def buckets(data: Sequence[views.Bucket], _look: Look) -> Iterator[Bucket]:
    """Of a histogram."""
    return (Bucket(*one) for one in data)


def hours(data: HourlyLoad, _look: Look) -> Iterator[HourOfDays]:
    """Of the load by hours."""
    for column, label in enumerate(data.columns.labels):
        for hour in range(24):
            yield HourOfDays(label, hour, data.matrix[hour][column])


def days(data: Daily, _look: Look) -> Iterator[EndpointLoad]:
    """Of the load by days."""
    labels = list(data.load.columns.labels)
    for name, requests in data.named.items():
        yield EndpointLoad(name, data.ids[name] or None, labels, requests)


def shares(data: Shares, _look: Look) -> Iterator[VersionShare]:
    """Of the versions' shares; without the empty ones."""
    share = data.share
    for name, number, percent, hits in zip(
        data.endpoints, share.endpoint_ids, share.percent, share.hits, strict=True
    ):
        for version, part, requests in zip(share.versions, percent, hits, strict=True):
            if requests:
                yield VersionShare(name, number, version.name, requests, part / 100)


def status_counts(data: dict[int, int], _look: Look) -> Iterator[StatusCount]:
    """Of the status codes."""
    return (StatusCount(code or None, number) for code, number in data.items())


def deploys(data: Sequence[Mark], _look: Look) -> Iterator[Deploy]:
    """Of the marks on charts."""
    return (Deploy(one.day, one.words) for one in data)


def comparison(data: report.Report, _look: Look) -> Report:
    """Of the report."""
    findings = [
        Finding(
            data.labels.get(one.endpoint.id, one.endpoint.name),
            one.endpoint.id,
            one.baseline_requests,
            one.comparison_requests,
            one.baseline_median,
            one.comparison_median,
            None if one.ratio is None else Ratio(*one.ratio),
            one.p_value,
            one.adjusted,
            bool(one.is_significant),
            report.sentence(one),
        )
        for one in data.findings
    ]
    return Report(data.baseline, data.comparison, data.versions, findings)
