"""How a pipeline works: its bounds, and what it does when the store is away."""

from __future__ import annotations

from dataclasses import dataclass, field

from otel_fmd.analysis.outliers import OutlierRule


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """How the pipeline works.

    Args:
        queue_requests: requests that may wait to be stored.
        batch_requests: requests written in one transaction, at the most.
        retry: try a batch again until it is stored (the exporter in the app), instead of failing
            its future (the receiver, whose clients try again themselves).
        internal_roots: take local root spans of kind INTERNAL as requests.
        outlier_rule: the receiver's rule.
        default_level: monitor level of new endpoints.
        max_endpoints: endpoints kept per service, and
        max_paths: those among them whose names are made from paths.
        rename: rules that rename endpoints.
        max_who: users, and addresses, kept per endpoint and version.
        fold_every_s: seconds between looks for deltas to fold; 0 for never.
        linger_s: how long offered requests wait for others to be written with.
    """

    queue_requests: int = 65_536
    batch_requests: int = 4_096
    retry: bool = False
    internal_roots: bool = False
    outlier_rule: OutlierRule = field(default_factory=OutlierRule)
    default_level: int = 2
    max_endpoints: int = 2_000
    max_paths: int = 200
    rename: tuple[str, ...] = ()
    max_who: int = 500
    fold_every_s: float = 1.0
    linger_s: float = 1.0
