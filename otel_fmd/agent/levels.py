"""The state of each endpoint in this process: its monitor level and mean duration.

Read and written on the request's path without a lock: each step is one operation on a dict or an
integer, and losing another thread's update of a mean does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType
from typing import Protocol

from otel_fmd.analysis.outliers import OutlierRule, RunningMean

REQUESTS, OUTLIERS, PROFILES = 1, 2, 3
"""From which level on requests, outliers and profiles are recorded."""


class Seed(Protocol):
    """The server's state of an endpoint."""

    @property
    def level(self) -> int:
        """Its monitor level."""

    @property
    def sum_ns(self) -> int:
        """The total duration of its requests, in nanoseconds."""

    @property
    def count(self) -> int:
        """The number of its requests."""


class EndpointState:
    """One endpoint in this process: its level, its mean, and the code of its function.

    `rule` is the routing rule that `code` was found for; two apps may have an endpoint of one name.
    """

    __slots__ = ("code", "level", "mean", "rule")

    def __init__(self, level: int) -> None:
        self.level = level
        self.mean = RunningMean()
        self.rule: object = None
        self.code: CodeType | None = None


class Levels:
    """All endpoints in this process.

    Args:
        default_level: the level of an endpoint that the server does not know.
        rule: when a request is an outlier.
    """

    def __init__(self, default_level: int, rule: OutlierRule) -> None:
        self._default = default_level
        self._rule = rule
        self._states: dict[str, EndpointState] = {}

    def state(self, endpoint: str) -> EndpointState:
        """The state of an endpoint, created if it is new."""
        found = self._states.get(endpoint)
        if found is None:
            found = self._states.setdefault(endpoint, EndpointState(self._default))
        return found

    def threshold_ns(self, state: EndpointState) -> float:
        """The duration above which a request is an outlier."""
        return self._rule.threshold_ns(state.mean)

    def ended(self, endpoint: str, duration_ns: int) -> None:
        """Add a request to the mean of its endpoint."""
        state = self._states.get(endpoint)
        if state is not None:
            state.mean.add(duration_ns)

    def seed(self, seeds: Mapping[str, Seed]) -> None:
        """Adopt the server's levels, and its means where they cover more than this process's."""
        for endpoint, seed in seeds.items():
            state = self.state(endpoint)
            state.level = seed.level
            if seed.count > state.mean.count:
                state.mean = RunningMean(seed.count, seed.sum_ns)
