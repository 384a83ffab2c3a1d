"""How a pipeline works: its bounds, and what it does when the store is away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """How the pipeline works.

    Args:
        queue_rows: rows that may wait to be stored.
        batch_rows: rows written in one transaction, at the most.
        retry: try a batch again until it is stored (the exporter in the app), instead of failing
            its future (the receiver, whose clients try again themselves).
        max_callers: users, and addresses, kept per endpoint and version when deltas are folded.
        fold_every_s: seconds between looks for deltas to fold; 0 for never.
        linger_s: how long what was offered waits for more to be written with.
        quarter_days: how long the quarters of metrics are kept.
    """

    queue_rows: int = 65_536
    batch_rows: int = 4_096
    retry: bool = False
    max_callers: int = 500
    fold_every_s: float = 1.0
    linger_s: float = 1.0
    quarter_days: float = 30.0
