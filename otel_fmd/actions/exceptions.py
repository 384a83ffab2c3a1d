"""Dealing with exceptions: resolving, ignoring, assigning, merging, splitting, removing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.change import Change, changing
from otel_fmd.store import exception_groups as groups
from otel_fmd.store.exceptions import State, delete_stack_trace
from otel_fmd.store.store import Store

NOW, IN_VERSION, IN_NEXT = "now", "version", "next"
MOST_DAYS, MOST_TIMES = 3_650, 1_000_000_000
_NOTE_WIDTH, _NAME_WIDTH = 10_000, 250
_WHAT = "change exceptions"


@contextmanager
def _changing(
    who: Actor, store: Store, action: str, group_id: int, role: Role = Role.WRITER
) -> Iterator[Change]:
    with changing(who, store, role, _WHAT, f"exception.{action}", str(group_id)) as change:
        name = groups.group_name(change.connection, change.tables, group_id)
        change.target = f"{name} ({group_id})"[:250]
        yield change


def resolve(actor: Actor, store: Store, group_id: int, how: str = NOW, version: str = "") -> None:
    """Mark a group as resolved. When it occurs again, it is shown as regressed.

    Args:
        actor: who acts.
        store: the database.
        group_id: the group.
        how: `now`: any later occurrence counts; `version`: those of `version` and of newer ones;
            `next`: those of versions that have not been seen yet.
        version: the version that it is resolved in.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
        ConfigurationError: no such version, or `how` is none of the three.
    """
    with _changing(actor, store, "resolve", group_id) as change:
        after = None
        if how == IN_VERSION:
            began_us = groups.version_begin_us(change.connection, change.tables, group_id, version)
            after = began_us - 1
            change.after = f"in version {version}"
        elif how == IN_NEXT:
            after = int(time.time() * 1e6)
            change.after = "in the next version"
        elif how != NOW:
            raise ConfigurationError(f"resolved {how[:50]!r}: expected now, version or next")
        _decide(change, actor, group_id, State.RESOLVED, after_us=after)


def ignore(
    actor: Actor,
    store: Store,
    group_id: int,
    *,
    days: float | None = None,
    times: int | None = None,
) -> None:
    """Ignore a group: for ever, for some days, or until it has occurred so many times more.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
        ConfigurationError: days or times are out of range.
    """
    with _changing(actor, store, "ignore", group_id) as change:
        until_us = until_count = None
        if days is not None:
            if not 0 < days <= MOST_DAYS:
                raise ConfigurationError(f"ignore for {days} days: expected up to {MOST_DAYS:,}")
            until_us = int((time.time() + days * 86_400) * 1e6)
            change.after = f"for {days:g} days"
        if times is not None:
            if not 0 < times <= MOST_TIMES:
                raise ConfigurationError(f"ignore {times} times: expected up to {MOST_TIMES:,}")
            total = groups.occurrence_total(change.connection, change.tables, group_id)
            until_count = total + times
            change.after = f"until {times} more"
        _decide(
            change,
            actor,
            group_id,
            State.IGNORED,
            until_us=until_us,
            until_count=until_count,
        )


def reopen(actor: Actor, store: Store, group_id: int) -> None:
    """Make a group unresolved again.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
    """
    with _changing(actor, store, "reopen", group_id) as change:
        _decide(change, actor, group_id, State.UNRESOLVED)


def assign(actor: Actor, store: Store, group_id: int, assignee: str) -> None:
    """Say who looks after a group; '' for nobody.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
        ConfigurationError: the name is too long.
    """
    assignee = assignee.strip()
    if len(assignee) > _NAME_WIDTH:
        raise ConfigurationError(f"assignee of {len(assignee)} characters: expected up to 250")
    with _changing(actor, store, "assign", group_id) as change:
        change.after = assignee
        groups.change_group(change.connection, change.tables, group_id, assignee=assignee or None)


def note(actor: Actor, store: Store, group_id: int, text: str) -> None:
    """Set the note of a group.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
        ConfigurationError: the note is too long.
    """
    if len(text) > _NOTE_WIDTH:
        raise ConfigurationError(f"note of {len(text):,} characters: expected up to 10,000")
    with _changing(actor, store, "note", group_id) as change:
        change.after = text[:200]
        groups.change_group(change.connection, change.tables, group_id, note=text or None)


def merge(actor: Actor, store: Store, group_ids: Sequence[int], into: int) -> None:
    """Make groups part of another, with what comes for them.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
        ConfigurationError: they cannot be merged.
    """
    with _changing(actor, store, "merge", into) as change:
        change.after = f"with {', '.join(map(str, group_ids))}"
        groups.merge_groups(change.connection, change.tables, group_ids, into)


def unmerge(actor: Actor, store: Store, group_id: int) -> None:
    """Make a merged group one of its own again.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
    """
    with _changing(actor, store, "unmerge", group_id) as change:
        groups.unmerge_group(change.connection, change.tables, group_id)


def split(actor: Actor, store: Store, group_id: int, variant_ids: Sequence[int]) -> int:
    """Make variants of a group a group of their own, with what comes for them; its id.

    Raises:
        NotAllowedError: the actor may not change anything.
        NotFoundError: there is no such group.
        ConfigurationError: they are not variants of it, or all of them.
    """
    with _changing(actor, store, "split", group_id) as change:
        made = groups.split_group(change.connection, change.tables, group_id, variant_ids)
        change.after = f"into {made}"
        return made


def remove(actor: Actor, store: Store, group_id: int) -> None:
    """Remove a group with all its occurrences; if it occurs again, it is a new one.

    Raises:
        NotAllowedError: the actor is not an admin.
        NotFoundError: there is no such group.
    """
    with _changing(actor, store, "remove", group_id, Role.ADMIN) as change:
        number = groups.remove_group(change.connection, change.tables, group_id)
        change.before = f"{number} occurrences kept"


def remove_exception(actor: Actor, store: Store, stack_trace_id: int) -> None:
    """Remove a stack trace, with every occurrence of it, as FMD's dashboard does.

    Raises:
        NotAllowedError: the actor is not an admin.
        NotFoundError: there is none with this id.
    """
    what, target = "remove exceptions", f"stack trace {stack_trace_id}"
    with changing(actor, store, Role.ADMIN, what, "exception.remove", target) as change:
        number = delete_stack_trace(change.connection, change.tables, stack_trace_id)
        change.before = f"{number} occurrences"


def _decide(
    change: Change,
    actor: Actor,
    group_id: int,
    state: State,
    *,
    after_us: int | None = None,
    until_us: int | None = None,
    until_count: int | None = None,
) -> None:
    groups.change_group(
        change.connection,
        change.tables,
        group_id,
        state=int(state),
        state_us=int(time.time() * 1e6),
        state_by=actor.name[:_NAME_WIDTH],
        state_detail=change.after[:150] or None,
        after_us=after_us,
        until_us=until_us,
        until_count=until_count,
    )
