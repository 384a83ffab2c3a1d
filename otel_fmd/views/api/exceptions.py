"""Exceptions as records: groups, one group, its occurrences with their stack traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from otel_fmd.queries.exception_occurrences import Chain, Occurrence
from otel_fmd.views.api.look import moment
from otel_fmd.views.exception_group import WholeGroup
from otel_fmd.views.exceptions import Figures, GroupList
from otel_fmd.views.look import Look

State = Literal["unresolved", "regressed", "resolved", "ignored"]


@dataclass(slots=True)
class ExceptionGroup:
    """Exceptions that the same place in the application's own code raised.

    Args:
        id: its id.
        service: the service.
        type: the type of the exceptions.
        message: what they say, with `<int>`, `<str>` and the like for what varies.
        culprit: the innermost frame of the application's own code; empty without frames.
        state: whether it is dealt with; `regressed`: it was resolved, and occurred again.
        is_new: whether it has occurred in the newest version of its service only.
        occurrences: how often, in the selected time.
        parts: how often in each of equal parts of it.
        versions: how often in each version, in the selected time.
        occurrences_of_all_time: how often, ever.
        users: how many users it affected, ever; up to about 1,000.
        first: when it first occurred.
        last: when it last occurred.
        decided: what was decided last, such as `in version 2.0` or `for 7 days`; null without.
        decided_by: who decided; null if nobody has.
        decided_at: when; null if nobody has.
        assignee: who looks after it; null for nobody.
        note: what was noted about it; null without.
    """

    id: int
    service: str
    type: str
    message: str
    culprit: str
    state: State
    is_new: bool
    occurrences: int
    parts: list[int]
    versions: dict[str, int]
    occurrences_of_all_time: int
    users: int
    first: datetime
    last: datetime
    decided: str | None
    decided_by: str | None
    decided_at: datetime | None
    assignee: str | None
    note: str | None


@dataclass(slots=True)
class ExceptionList:
    """Groups in a time range, the most frequent first.

    Args:
        start: where the range begins.
        end: where it ends (not included).
        items: the groups.
        left_out: how many more there are.
    """

    start: datetime
    end: datetime
    items: list[ExceptionGroup]
    left_out: int


@dataclass(slots=True)
class StackFrame:
    """A frame of a stack trace.

    Args:
        file: its file; empty if unknown.
        line: the number of its line; null if unknown.
        function: its function.
        module: its class, package or module; empty if unknown.
        code: the line; empty if unknown.
        in_app: whether it is the application's own code.
    """

    file: str
    line: int | None
    function: str
    module: str
    code: str
    in_app: bool


@dataclass(slots=True)
class ChainedException:
    """An exception of a chain.

    Args:
        type: its type.
        relation: empty for the one that was reported; else `cause`, `context`, `member` or
            `suppressed`.
        parent: the place in the chain of the one that it belongs to; null for the reported one.
        frames: its stack, the outermost call first.
    """

    type: str
    relation: str
    parent: int | None
    frames: list[StackFrame]


@dataclass(slots=True)
class ExceptionOccurrence:
    """One occurrence that was kept; secrets are hidden.

    Args:
        id: its id.
        time: when; null if unknown.
        type: the type.
        message: what it said.
        is_captured: whether the application handled it, and reported it.
        request_id: the request, a string; null outside of requests.
        version: the version; empty if unknown.
        user: the user; null if unknown.
        trace_id: the trace; empty if unknown.
        chain: the stack traces of it and of its causes; null where they are not part of the answer.
        text: the stack trace as it came, if it could not be parsed.
    """

    id: str
    time: datetime | None
    type: str
    message: str
    is_captured: bool
    request_id: str | None
    version: str
    user: str | None
    trace_id: str
    chain: list[ChainedException] | None
    text: str


@dataclass(slots=True)
class ExceptionVariant:
    """A part of a group that can be split off.

    Args:
        id: its id.
        message: what it says.
        occurrences: how often, in the selected time.
    """

    id: int
    message: str
    occurrences: int


@dataclass(slots=True)
class ExceptionDetails:
    """Everything about a group.

    Args:
        start: where the selected time begins.
        end: where it ends (not included).
        group: the group.
        endpoints: how often it occurred at each endpoint, by id; `0`: outside of requests.
        variants: its parts.
        merged: the ids of the groups that were merged into it.
        occurrences: those that were kept, the newest first; the first ones with their chain.
        next_cursor: the `cursor` of older ones; null at the end.
    """

    start: datetime
    end: datetime
    group: ExceptionGroup
    endpoints: dict[str, int]
    variants: list[ExceptionVariant]
    merged: list[int]
    occurrences: list[ExceptionOccurrence]
    next_cursor: str | None


def group(one: Figures) -> ExceptionGroup:
    """A group as a record."""
    known = one.group
    return ExceptionGroup(
        known.id,
        one.service,
        known.type,
        known.message,
        known.culprit,
        one.status.value,
        one.is_new,
        one.occurrences,
        list(one.parts),
        dict(one.versions),
        one.total.occurrences,
        one.users,
        moment(one.total.first_us),
        moment(one.total.last_us),
        known.state_detail,
        known.state_by,
        None if known.state_us is None else moment(known.state_us),
        known.assignee or None,
        known.note or None,
    )


def groups(data: GroupList, look: Look) -> ExceptionList:
    """Of all groups."""
    start, end = map(moment, look.times_us())
    return ExceptionList(start, end, [group(one) for one in data.found], data.left_out)


def details(data: WholeGroup, look: Look) -> ExceptionDetails:
    """Of one group."""
    start, end = map(moment, look.times_us())
    return ExceptionDetails(
        start,
        end,
        group(data.figures),
        {str(number): count for number, count in data.counts.endpoints.items()},
        [ExceptionVariant(one.id, one.message, one.occurrences) for one in data.variants],
        [one.id for one in data.merged],
        [occurrence(one, data.chains) for one in data.occurrences],
        None if data.cursor is None else str(data.cursor),
    )


def occurrence(one: Occurrence, chains: Mapping[int, Chain]) -> ExceptionOccurrence:
    """An occurrence as a record."""
    chain = chains.get(one.stack_trace_id)
    return ExceptionOccurrence(
        str(one.id),
        moment(one.time_us) if one.time_us else None,
        one.type,
        one.message,
        one.is_captured,
        None if one.request_id is None else str(one.request_id),
        one.version,
        one.user or None,
        one.trace_id,
        None if chain is None else _chained(chain),
        "" if chain is None else chain.text,
    )


def _chained(chain: Chain) -> list[ChainedException]:
    return [
        ChainedException(
            link.type,
            link.relation,
            None if link.parent < 0 else link.parent,
            [
                StackFrame(
                    frame.file,
                    frame.line,
                    frame.function,
                    frame.module,
                    frame.code,
                    frame.in_app,
                )
                for frame in link.frames
            ],
        )
        for link in chain.links
    ]
