"""The options that an app gives the agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.analysis.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """How requests are watched.

    Args:
        group_by: FMD's group-by: a value, a function, or a nested tuple of those.
        get_ip: returns the client's address of the current request; None: the span's.
        version: the app's version, if the resource of its spans has none; '' otherwise.
        default_level: monitor level of an endpoint that has none set, 0 to 3.
        rule: when a request is an outlier.
        sampling_period_ms: the profiler's period.
        switch_interval_ms: the interpreter's switch interval while one profiled request runs, so
            that busy lines are seen; 0 leaves it alone.
        keep_variables: whether exceptions carry local variables.
        redactor: hides secrets, and knows whether outliers carry headers and environment.
    """

    group_by: Any = None
    get_ip: Callable[[], str] | None = None
    version: str = ""
    default_level: int = 2
    rule: OutlierRule = field(default_factory=OutlierRule)
    sampling_period_ms: float = 5.0
    switch_interval_ms: float = 0.1
    keep_variables: bool = False
    redactor: Redactor = field(default_factory=Redactor)
