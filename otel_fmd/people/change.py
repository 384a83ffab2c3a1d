"""A change that somebody makes: the role that it needs, one transaction, an audit entry in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from otel_fmd.people.actor import Actor, Role, require
from otel_fmd.people.audit import entry, log, note, record
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables


@dataclass(slots=True)
class Change:
    """A change in its transaction.

    Args:
        connection: of the transaction.
        tables: of the database.
        target: to whom or what it is made; for the audit.
        before: the value that is changed; for the audit.
        after: the value that it gets; for the audit.
    """

    connection: Connection
    tables: Tables
    target: str
    before: str = ""
    after: str = ""


@contextmanager
def changing(
    actor: Actor, store: Store, role: Role, what: str, action: str, target: str = ""
) -> Iterator[Change]:
    """Make a change in one transaction, with its audit entry.

    Args:
        actor: who is acting.
        store: the database.
        role: the lowest role that may.
        what: for the message if they may not, for example `change users`.
        action: for the audit, such as `user.add`.
        target: to whom or what it is made.

    Raises:
        NotAllowedError: the role is too low; nothing was read or changed.
    """
    require(actor, role, what)
    with store.write() as connection:
        change = Change(connection, store.tables, target)
        yield change
        made = entry(actor, action, change.target, change.before, change.after)
        record(connection, store.tables, made)
    log(made)


def changed(actor: Actor, store: Store, action: str, target: str, after: str = "") -> None:
    """Audit a change that took transactions of its own, once it is done."""
    note(store, entry(actor, action, target, after=after))
