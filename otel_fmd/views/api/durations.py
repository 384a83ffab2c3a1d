"""Durations of endpoints, versions and users, and who calls an endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otel_fmd.analysis import distribution
from otel_fmd.analysis.callers import NOBODY, OTHERS
from otel_fmd.analysis.distribution import NamedDistribution
from otel_fmd.views import callers
from otel_fmd.views.look import Look


@dataclass(slots=True)
class Durations:
    """A distribution of durations, in milliseconds.

    Args:
        requests: how many there are.
        mean_ms: their mean.
        min_ms: the shortest.
        q1_ms: the first quartile.
        median_ms: the median.
        q3_ms: the third quartile.
        p95_ms: the 95th percentile.
        p99_ms: the 99th percentile.
        max_ms: the longest.
        is_exact: true if they come from the requests, false if from histograms (within 1.1 %).
    """

    requests: int
    mean_ms: float
    min_ms: float
    q1_ms: float
    median_ms: float
    q3_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    is_exact: bool


@dataclass(slots=True)
class EndpointDurations:
    """The durations of an endpoint.

    Args:
        endpoint: its name.
        endpoint_id: its id.
        durations: the durations.
    """

    endpoint: str
    endpoint_id: int
    durations: Durations


@dataclass(slots=True)
class VersionDurations:
    """The durations of a version of an endpoint.

    Args:
        version: its name.
        durations: the durations.
    """

    version: str
    durations: Durations


@dataclass(slots=True)
class UserDurations:
    """The durations of a user.

    Args:
        user: the user; null if unknown, and for the others.
        is_others: whether these are all users over the limit together.
        durations: the durations.
    """

    user: str | None
    is_others: bool
    durations: Durations


@dataclass(slots=True)
class CallerInVersion:
    """Requests of one caller of an endpoint in one version.

    Args:
        caller: the user or the client address; null if unknown, and for the others.
        is_others: whether these are all callers over the limit together.
        version: the version.
        requests: how many.
        median_ms: the median of their durations, in milliseconds.
    """

    caller: str | None
    is_others: bool
    version: str
    requests: int
    median_ms: float


def durations_by_version(
    data: Sequence[NamedDistribution], _look: Look
) -> Iterator[VersionDurations]:
    """Of the versions of an endpoint."""
    return (VersionDurations(one.label, durations(one.data)) for one in data)


def durations_by_endpoint(
    data: Sequence[NamedDistribution], _look: Look
) -> Iterator[EndpointDurations]:
    """Of the API's performance; a key is the endpoint's id."""
    return (EndpointDurations(one.label, int(one.key), durations(one.data)) for one in data)


def callers_in_versions(data: callers.Callers, _look: Look) -> Iterator[CallerInVersion]:
    """Of users, and of addresses."""
    return (
        CallerInVersion(*caller(one.caller), one.version, one.requests, one.median_ms)
        for one in data.found
    )


def durations_by_user(data: Sequence[NamedDistribution], _look: Look) -> Iterator[UserDurations]:
    """Of the durations of users; a key is `=` and the user."""
    return (UserDurations(*caller(one.key[1:]), durations(one.data)) for one in data)


def caller(key: str) -> tuple[str | None, bool]:
    """A caller by its key, and whether it stands for the others."""
    return (None if key in (NOBODY, OTHERS) else key), key == OTHERS


def durations(one: distribution.Distribution) -> Durations:
    """A distribution as a record."""
    return Durations(
        one.count,
        one.mean,
        one.minimum,
        one.q1,
        one.median,
        one.q3,
        one.p95,
        one.p99,
        one.maximum,
        one.is_exact,
    )
