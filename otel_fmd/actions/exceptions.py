"""Removing exceptions that are dealt with."""

from __future__ import annotations

from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.change import changing
from otel_fmd.store.exceptions import delete_stack_trace
from otel_fmd.store.store import Store


def remove_exception(actor: Actor, store: Store, stack_trace_id: int) -> None:
    """Remove a stack trace, with every occurrence of it.

    Raises:
        NotAllowedError: the actor is not an admin.
        ConfigurationError: there is none with this id.
    """
    what, target = "remove exceptions", f"stack trace {stack_trace_id}"
    with changing(actor, store, Role.ADMIN, what, "exception.remove", target) as change:
        number = delete_stack_trace(change.connection, change.tables, stack_trace_id)
        change.before = f"{number} occurrences"
