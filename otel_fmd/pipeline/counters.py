"""Counters of rows, as shown by `/metrics` and the configuration page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(slots=True)
class PipelineCounters:
    """What happened since the process started.

    Batches (`ingest.batch.Batch.counts`) and their writers count by these names, too.
    """

    stored: int = 0
    duplicates: int = 0
    outliers: int = 0
    seen_only: int = 0
    other_endpoints: int = 0
    exceptions: int = 0
    not_kept: int = 0
    clock_errors: int = 0
    refused: int = 0
    failed: int = 0
    dropped: int = 0
    folded: int = 0
    points: int = 0
    points_dropped: int = 0
    points_duplicates: int = 0
    points_late: int = 0
    records: int = 0
    records_duplicates: int = 0
    records_not_kept: int = 0
    records_dropped: int = 0

    def add(self, counts: Mapping[str, int]) -> None:
        """Add counts by name."""
        for name, number in counts.items():
            setattr(self, name, getattr(self, name) + number)

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}
