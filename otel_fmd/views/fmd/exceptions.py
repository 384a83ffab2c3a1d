"""FMD's routes about exceptions, from its tables."""

from __future__ import annotations

from typing import Any

from otel_fmd.queries.exceptions import (
    ExceptionGroup,
    exception_counts,
    exception_groups,
    function_code,
    stack_frames,
)
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.fmd.details import MOST_ROWS
from otel_fmd.views.fmd.problems import RequestError
from otel_fmd.views.look import Look

_MOST_SEARCHED = 10_000


def num_exceptions(snapshot: Snapshot, _look: Look, endpoint_id: int | None = None) -> int:
    """How many groups of exceptions one endpoint has (None: all endpoints together)."""
    counts = exception_counts(snapshot)
    return sum(counts.values()) if endpoint_id is None else counts.get(endpoint_id, 0)


def exception_list(
    snapshot: Snapshot, _look: Look, offset: int, per_page: int
) -> list[dict[str, Any]]:
    """A page of the groups, the one that occurred last first."""
    groups = exception_groups(snapshot, None, offset, min(per_page, MOST_ROWS))
    return [
        {
            **_group(one),
            "endpoint": snapshot.labels.get(one.endpoint_id, ""),
            "endpoint_id": one.endpoint_id,
        }
        for one in groups
    ]


def endpoint_exceptions(
    snapshot: Snapshot, _look: Look, endpoint_id: int, offset: int, per_page: int
) -> list[dict[str, Any]]:
    """A page of the groups of one endpoint, with their stack traces."""
    groups = exception_groups(snapshot, endpoint_id, offset, min(per_page, MOST_ROWS))
    frames = stack_frames(snapshot, [one.stack_trace_id for one in groups])
    return [
        {
            **_group(one),
            "stack_trace_snapshot_id": one.stack_trace_id,
            "stack_trace_snapshot": [
                {
                    "position": frame.position,
                    "file_path": frame.file_path,
                    "full_file_path": frame.file_path,
                    "function_definition_id": frame.function_definition_id,
                    "function_name": frame.function_name,
                    "function_start_line_number": frame.function_start_line,
                    "line_number": frame.line_number,
                }
                for frame in frames.get(one.stack_trace_id, [])
            ],
        }
        for one in groups
    ]


def page_of_exception(
    snapshot: Snapshot,
    _look: Look,
    endpoint_id: int,
    stack_trace_snapshot_id: int,
    per_page: int,
) -> int:
    """The page, from 1 on, on which a stack trace stands.

    Raises:
        RequestError: the endpoint has no such stack trace, or the page has no rows.
    """
    if per_page < 1:
        raise RequestError(f"per_page {per_page}: expected at least 1")
    groups = exception_groups(snapshot, endpoint_id, 0, _MOST_SEARCHED)
    for place, one in enumerate(groups):
        if one.stack_trace_id == stack_trace_snapshot_id:
            return place // per_page + 1
    raise RequestError(
        f"stack trace {stack_trace_snapshot_id}: endpoint {endpoint_id} has no such one", 404
    )


def code_of_function(snapshot: Snapshot, _look: Look, function_definition_id: int) -> str | None:
    """The source of a function; None if it is unknown."""
    return function_code(snapshot, function_definition_id)


def _group(one: ExceptionGroup) -> dict[str, Any]:
    return {
        "type": one.type,
        "message": one.message,
        "count": one.occurrences,
        "first_timestamp": one.first,
        "latest_timestamp": one.latest,
    }
