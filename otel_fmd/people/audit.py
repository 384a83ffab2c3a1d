"""The audit: one row for each change that somebody made, and for each login that was tried."""

from __future__ import annotations

import logging
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from otel_fmd.people.actor import Actor
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables
from otel_fmd.store.times import now_us

_log = logging.getLogger("otel_fmd.audit")
_TARGET_WIDTH, _VALUE_WIDTH = 250, 10_000


class Entry(NamedTuple):
    """One entry.

    Args:
        time_us: when, in unix microseconds.
        actor: who, by name.
        role: the role in which they acted.
        address: from where.
        action: what was done, such as `user.add`.
        target: to whom or what.
        before: the value that was changed.
        after: the value that it has since.
    """

    time_us: int
    actor: str
    role: str
    address: str
    action: str
    target: str
    before: str
    after: str


def entry(actor: Actor, action: str, target: str, before: str = "", after: str = "") -> Entry:
    """An entry about what an actor does now."""
    return Entry(
        now_us(),
        actor.name[:_TARGET_WIDTH],
        actor.role.name.lower(),
        actor.address[:100],
        action,
        target[:_TARGET_WIDTH],
        before[:_VALUE_WIDTH],
        after[:_VALUE_WIDTH],
    )


def record(connection: Connection, tables: Tables, made: Entry) -> None:
    """Store an entry, in the transaction of the change that it is about."""
    connection.execute(
        insert(tables.audit).values(
            time_us=made.time_us,
            actor=made.actor,
            role=made.role,
            address=made.address,
            action=made.action,
            target=made.target,
            value_before=made.before,
            value_after=made.after,
        )
    )


def log(made: Entry) -> None:
    """Write an entry to the log `otel_fmd.audit`; called once its transaction is committed."""
    changed = f" from {made.before!r}" if made.before else ""
    _log.info(
        "%s %r by %r (%s) at %s%s%s",
        made.action,
        made.target,
        made.actor,
        made.role,
        made.address or "this machine",
        changed,
        f" to {made.after!r}" if made.after else "",
    )


def note(store: Store, made: Entry) -> None:
    """Store and log an entry that is about no change, such as a failed login."""
    with store.write() as connection:
        record(connection, store.tables, made)
    log(made)


def entries(
    connection: Connection, tables: Tables, times_us: tuple[int, int], most: int
) -> list[Entry]:
    """The entries of a half-open range of time, the newest first, at most so many."""
    table = tables.audit
    rows = connection.execute(
        select(table)
        .where(table.c.time_us >= times_us[0], table.c.time_us < times_us[1])
        .order_by(table.c.id.desc())
        .limit(most)
    )
    return [
        Entry(
            row.time_us,
            row.actor,
            row.role,
            row.address,
            row.action,
            row.target,
            row.value_before,
            row.value_after,
        )
        for row in rows
    ]
