"""Changing groups of exceptions: what people decided, merging, splitting, removing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from otel_fmd.errors import ConfigurationError, NotFoundError
from otel_fmd.store.pending import pending_columns
from otel_fmd.store.tables import Tables

_CHUNK = 400


def group_name(connection: Connection, tables: Tables, group_id: int) -> str:
    """What a group is called.

    Raises:
        NotFoundError: there is none with this id.
    """
    group = tables.exception_group.c
    row = connection.execute(
        select(group.type, group.culprit).where(group.id == group_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"exception group {group_id}: there is none with this id")
    return f"{row.type} in {row.culprit}" if row.culprit else str(row.type)


def change_group(connection: Connection, tables: Tables, group_id: int, **values: Any) -> None:
    """Set columns of a group."""
    table = tables.exception_group
    connection.execute(update(table).where(table.c.id == group_id).values(**values))


def version_begin_us(connection: Connection, tables: Tables, group_id: int, name: str) -> int:
    """When a version of the service of a group was first seen, in unix microseconds.

    Raises:
        ConfigurationError: none of its requests had it.
    """
    group, endpoint = tables.exception_group.c, tables.endpoint.c
    version, seen = tables.version.c, tables.endpoint_version.c
    service = select(group.service_id).where(group.id == group_id).scalar_subquery()
    ids = connection.execute(select(endpoint.id).where(endpoint.service_id == service)).scalars()
    number = connection.execute(select(version.id).where(version.name == name)).scalar()
    times = {
        row.endpoint_id: row.first_us
        for row in connection.execute(
            select(seen.endpoint_id, seen.first_us).where(seen.version_id == number)
        )
    }
    found = [times[one] for one in ids if one in times]
    for columns in pending_columns(connection, tables):
        own = zip(columns.endpoint_ids, columns.version_ids, columns.starts_us, strict=True)
        found += [start for _, one, start in own if one == number]
    if number is None or not found:
        raise ConfigurationError(f"version {name[:100]!r}: expected one that was seen")
    return int(min(found))


def occurrence_total(connection: Connection, tables: Tables, group_id: int) -> int:
    """How often a group has occurred."""
    count = tables.exception_count.c
    ids = variants_of(connection, tables, whole_group(connection, tables, group_id))
    total = 0
    for start in range(0, len(ids), _CHUNK):
        query = select(count.count).where(count.variant_id.in_(ids[start : start + _CHUNK]))
        total += sum(connection.execute(query).scalars())
    return total


def whole_group(connection: Connection, tables: Tables, group_id: int) -> list[int]:
    """A group and those that were merged into it, in any number of steps."""
    group = tables.exception_group.c
    found, waiting = [group_id], [group_id]
    while waiting:
        query = select(group.id).where(group.merged_into.in_(waiting))
        waiting = [n for n in connection.execute(query).scalars() if n not in found]
        found += waiting
    return found


def variants_of(connection: Connection, tables: Tables, group_ids: Sequence[int]) -> list[int]:
    """The variants of groups."""
    variant = tables.exception_variant.c
    query = select(variant.id).where(variant.group_id.in_(group_ids))
    return list(connection.execute(query).scalars())


def merge_groups(
    connection: Connection, tables: Tables, group_ids: Sequence[int], into: int
) -> None:
    """Make groups part of another; what comes for them belongs to it, too.

    Raises:
        NotFoundError: there is no such group.
        ConfigurationError: it would be merged into itself, or the services differ.
    """
    group = tables.exception_group.c
    ids = [into, *group_ids]
    services = {
        row.id: row.service_id
        for row in connection.execute(select(group.id, group.service_id).where(group.id.in_(ids)))
    }
    for number in ids:
        if number not in services:
            raise NotFoundError(f"exception group {number}: there is none with this id")
    if into in whole_groups(connection, tables, group_ids):
        raise ConfigurationError(f"exception group {into}: it cannot be merged into itself")
    if len(set(services.values())) > 1:
        raise ConfigurationError("groups of different services: expected those of one service")
    for number in group_ids:
        change_group(connection, tables, number, merged_into=into)


def whole_groups(connection: Connection, tables: Tables, group_ids: Sequence[int]) -> set[int]:
    """These groups and all that were merged into them."""
    return {one for number in group_ids for one in whole_group(connection, tables, number)}


def unmerge_group(connection: Connection, tables: Tables, group_id: int) -> None:
    """Make a merged group one of its own again."""
    change_group(connection, tables, group_id, merged_into=None)


def split_group(
    connection: Connection, tables: Tables, group_id: int, variant_ids: Sequence[int]
) -> int:
    """Make some variants of a group a group of its own; its id.

    Raises:
        ConfigurationError: they are not variants of it, or all of them.
    """
    variants = set(variants_of(connection, tables, whole_group(connection, tables, group_id)))
    wanted = set(variant_ids)
    if not wanted or not wanted < variants:
        raise ConfigurationError(
            f"variants {sorted(wanted)} of exception group {group_id}: expected some, but not all, "
            f"of {sorted(variants)}"
        )
    table, variant = tables.exception_group, tables.exception_variant
    old = connection.execute(select(table).where(table.c.id == group_id)).one()
    first = connection.execute(
        select(variant.c.message, variant.c.hash).where(variant.c.id == min(wanted))
    ).one()
    made = connection.execute(
        insert(table).values(
            service_id=old.service_id,
            # No exception has this fingerprint; the variant's hash is of the same length.
            fingerprint=first.hash,
            type=old.type,
            message=first.message,
            culprit=old.culprit,
            first_us=old.first_us,
            state=0,
        )
    ).inserted_primary_key
    number: int = made[0]  # type: ignore[index]
    connection.execute(
        update(variant).where(variant.c.id.in_(sorted(wanted))).values(group_id=number)
    )
    return number


def remove_group(connection: Connection, tables: Tables, group_id: int) -> int:
    """Remove a group with everything that was merged into it; how many occurrences were kept."""
    groups = whole_group(connection, tables, group_id)
    ids = variants_of(connection, tables, groups)
    occurrence = tables.exception_occurrence
    removed = 0
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        of_variants = occurrence.c.variant_id.in_(chunk)
        removed += connection.execute(delete(occurrence).where(of_variants)).rowcount
        for table in (tables.exception_count, tables.exception_user):
            connection.execute(delete(table).where(table.c.variant_id.in_(chunk)))
        variant = tables.exception_variant
        connection.execute(delete(variant).where(variant.c.id.in_(chunk)))
    table = tables.exception_group
    connection.execute(delete(table).where(table.c.id.in_(groups)))
    return removed
