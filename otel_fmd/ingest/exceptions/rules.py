"""How exceptions are parsed and grouped, as the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from otel_fmd.analysis.exceptions.grouping import Group, group_of
from otel_fmd.analysis.exceptions.parse import MOST_CHARACTERS, parse
from otel_fmd.analysis.exceptions.trace import Raised, StackTrace
from otel_fmd.requests.exceptions import ExceptionEvent


class ExceptionRules(NamedTuple):
    """The rules in force.

    Args:
        most_groups: groups that are kept for each service; what comes above is one group.
        in_app: prefixes of modules or paths that are the app's own code.
        not_in_app: prefixes of those that are not.
    """

    most_groups: int = 2_000
    in_app: Sequence[str] = ()
    not_in_app: Sequence[str] = ()

    def parsed(self, event: ExceptionEvent) -> StackTrace:
        """The stack trace of an event; one that nests too deeply is kept as a text."""
        try:
            return parse(
                event.stack,
                type=event.type,
                message=event.message,
                language=event.language,
                in_app=self.in_app,
                not_in_app=self.not_in_app,
            )
        except RecursionError:
            return _unparsed(event)

    def grouped(self, event: ExceptionEvent) -> tuple[StackTrace, Group]:
        """The stack trace of an event, and its group."""
        trace = self.parsed(event)
        try:
            return trace, group_of(trace)
        except RecursionError:
            trace = _unparsed(event)
            return trace, group_of(trace)


def _unparsed(event: ExceptionEvent) -> StackTrace:
    raised = Raised(event.type, event.message, ())
    return StackTrace((raised,), event.language, event.stack[:MOST_CHARACTERS])
