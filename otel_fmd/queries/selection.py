"""What a query is about: a time range in whole hours, endpoints, versions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from otel_fmd.analysis.rollup import HOUR_US, HOURS_PER_DAY

_FIRST_HOUR = 0
_LAST_HOUR = 24 * 366 * 590
"""After the year 2554, the last that a span can carry."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The requests that a query is about.

    Args:
        start_hour: first hour, in hours since 1970 (UTC).
        end_hour: the hour after the last one.
        endpoint_ids: only these endpoints; None for all.
        version_ids: only these versions; None for all.
    """

    start_hour: int = _FIRST_HOUR
    end_hour: int = _LAST_HOUR
    endpoint_ids: Collection[int] | None = None
    version_ids: Collection[int] | None = None

    @classmethod
    def between(cls, start_us: int, end_us: int) -> Selection:
        """Whole hours that cover the range of unix microseconds."""
        return cls(start_us // HOUR_US, -(-end_us // HOUR_US))

    def of(
        self,
        endpoint_ids: Collection[int] | None = None,
        version_ids: Collection[int] | None = None,
    ) -> Selection:
        """The same range, for these endpoints and versions."""
        return replace(self, endpoint_ids=endpoint_ids, version_ids=version_ids)

    @property
    def start_us(self) -> int:
        """First unix microsecond."""
        return self.start_hour * HOUR_US

    @property
    def end_us(self) -> int:
        """The unix microsecond after the last."""
        return self.end_hour * HOUR_US

    @property
    def whole_days(self) -> tuple[int, int]:
        """First day and the day after the last that lie wholly in the range (may be none)."""
        first = -(-self.start_hour // HOURS_PER_DAY)
        return first, max(first, self.end_hour // HOURS_PER_DAY)

    @property
    def edge_hours(self) -> list[tuple[int, int]]:
        """The hours of the range that are in no whole day, as half-open ranges."""
        first, last = self.whole_days
        if first == last:
            return [(self.start_hour, self.end_hour)] if self.start_hour < self.end_hour else []
        edges = [
            (self.start_hour, first * HOURS_PER_DAY),
            (last * HOURS_PER_DAY, self.end_hour),
        ]
        return [(start, end) for start, end in edges if start < end]

    def has(self, hour: int, endpoint_id: int, version_id: int) -> bool:
        """Whether a request of this hour, endpoint and version is meant."""
        return (
            self.start_hour <= hour < self.end_hour
            and (self.endpoint_ids is None or endpoint_id in self.endpoint_ids)
            and (self.version_ids is None or version_id in self.version_ids)
        )
