"""The exceptions of one request, with their stack traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from otel_fmd.queries.exception_groups import Groups
from otel_fmd.queries.exception_occurrences import (
    Chain,
    Occurrence,
    Source,
    chain,
    occurrences_of_request,
    sources,
)
from otel_fmd.queries.rows import RequestRecord
from otel_fmd.queries.snapshot import Snapshot


class RaisedExceptions(NamedTuple):
    """Exceptions, the oldest first; their groups by variant, their stack traces by id."""

    found: Sequence[Occurrence]
    groups: Mapping[int, int]
    chains: Mapping[int, Chain]
    sources: Mapping[tuple[str, int], Source]


NONE_RAISED = RaisedExceptions((), {}, {}, {})


def exceptions_of_request(snapshot: Snapshot, request: RequestRecord) -> RaisedExceptions:
    """The exceptions that were kept of a request and of its trace."""
    found = occurrences_of_request(snapshot, request.id, request.trace_id)
    if not found:
        return NONE_RAISED
    traces = sorted({one.stack_trace_id for one in found})
    groups = Groups(snapshot)
    return RaisedExceptions(
        found,
        {n: groups.of_variant[n] for one in found if (n := one.variant_id) in groups.of_variant},
        {trace: chain(snapshot, trace) for trace in traces},
        sources(snapshot, traces),
    )
