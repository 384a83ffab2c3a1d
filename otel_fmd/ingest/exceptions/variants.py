"""Ids of exception groups and of their variants: small tables, looked up in memory.

A variant is the finest that is told apart: the same group, the same functions on the stack, the
same message but for its variable parts. New ones are added in transactions of their own, as names
are (see `names`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import IntegrityError

from otel_fmd.analysis.exceptions.grouping import Group
from otel_fmd.analysis.exceptions.skeleton import skeleton
from otel_fmd.analysis.exceptions.trace import StackTrace
from otel_fmd.ingest.exceptions.rules import ExceptionRules
from otel_fmd.ingest.small_rows import added_once, find
from otel_fmd.log_limit import LogLimit
from otel_fmd.requests.exception_secrets import ExceptionSecrets
from otel_fmd.requests.exceptions import ExceptionEvent
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_REFRESH_S = 5.0
_LOG_EVERY_S = 3600.0
_MOST_CACHED = 4_096
_MANY = 3
"""New variants of a batch that are added at once."""
_MOST_VARIANTS = 50
"""Variants of a group; further ones count as its first."""
OTHER_GROUPS = "(other exceptions)"
"""The group of what comes above the limit of a service."""
TYPE_WIDTH, TEXT_WIDTH = 256, 500


class _Known(NamedTuple):
    """A variant that is there, and its group."""

    variant_id: int
    group_id: int


class VariantRegistry:
    """The ids of the variants of one database.

    Args:
        store: the database.
        rules: how they are parsed and grouped.
        secrets: hides those in what is shown of a group.
    """

    def __init__(self, store: Store, rules: ExceptionRules, secrets: ExceptionSecrets) -> None:
        self._store = store
        self._rules = rules
        self._secrets = secrets
        self._refreshed = float("-inf")
        self._insert: Callable[..., int] = partial(added_once, store)
        self._variants: dict[tuple[int, str], _Known] = {}
        self._groups: dict[tuple[int, str], int] = {}
        self._per_service: dict[int, int] = {}
        self._per_group: dict[int, list[int]] = {}
        self._seen: dict[tuple[int, str, bytes], tuple[int, str]] = {}
        self._log_limit = LogLimit(_LOG_EVERY_S)

    def forget(self) -> None:
        """Reload everything at the next use, after a write failed."""
        self._refreshed = float("-inf")

    def refresh(self) -> None:
        """Read what others have added, merged and split, every few seconds."""
        if time.monotonic() - self._refreshed < _REFRESH_S:
            return
        tables = self._store.tables
        group, variant = tables.exception_group.c, tables.exception_variant.c
        with self._store.read() as connection:
            groups = connection.execute(select(group.id, group.service_id, group.fingerprint)).all()
            variants = connection.execute(
                select(variant.id, variant.service_id, variant.hash, variant.group_id).order_by(
                    variant.id
                )
            ).all()
        self._groups = {(row.service_id, row.fingerprint): row.id for row in groups}
        self._per_service, self._per_group = {}, {}
        for service_id, _ in self._groups:
            self._per_service[service_id] = self._per_service.get(service_id, 0) + 1
        self._variants = {}
        for row in variants:
            self._variants[row.service_id, row.hash] = _Known(row.id, row.group_id)
            self._per_group.setdefault(row.group_id, []).append(row.id)
        self._refreshed = time.monotonic()

    def add_all(self, events: Iterable[tuple[ExceptionEvent, int]]) -> None:
        """Add the variants of these events, with the ids of their services, at once.

        A transaction for each takes a hundred times as long. Where another process adds the same
        ones, they are added one by one, as they are asked for.
        """
        new = [
            (event, named)
            for event, service_id in events
            if (named := self._name(event, service_id)) not in self._variants
        ]
        if len(new) < _MANY:
            return
        try:
            with self._store.write() as connection:
                self._insert = partial(_added, connection)
                for event, named in new:
                    if named not in self._variants:
                        self._add(event, *named)
        except IntegrityError:
            self.forget()
        finally:
            self._insert = partial(added_once, self._store)
        self.refresh()

    def variant_of(self, event: ExceptionEvent, service_id: int) -> int:
        """The id of an event's variant, which is added if it is new."""
        named = self._name(event, service_id)
        found = self._variants.get(named)
        return self._add(event, *named) if found is None else found.variant_id

    def _name(self, event: ExceptionEvent, service_id: int) -> tuple[int, str]:
        """By which a variant is found: the service, and a digest."""
        # Parsing takes a hundred times as long as finding the same exception again.
        key = (service_id, event.type, skeleton(event.stack, event.message))
        known = self._seen.get(key)
        if known is None:
            known = self._named(*self._rules.grouped(event), service_id)
            if len(self._seen) >= _MOST_CACHED:
                self._seen.clear()
            self._seen[key] = known
        return known

    def _add(self, event: ExceptionEvent, service_id: int, digest: str) -> int:
        """Add a variant, and its group unless it is there."""
        _, group = self._rules.grouped(event)
        group_id = self._group_id(group, event, service_id)
        there = self._per_group.setdefault(group_id, [])
        if len(there) >= _MOST_VARIANTS:
            known = _Known(there[0], group_id)
        else:
            key = {"service_id": service_id, "hash": digest}
            message = self._secrets.message(group.template, TEXT_WIDTH)
            values = {"group_id": group_id, "message": message}
            number = self._insert(self._store.tables.exception_variant, key, values)
            known = _Known(number, group_id)
            there.append(number)
        self._variants[service_id, digest] = known
        return known.variant_id

    def _group_id(self, group: Group, event: ExceptionEvent, service_id: int) -> int:
        found = self._groups.get((service_id, group.fingerprint))
        if found is None and self._per_service.get(service_id, 0) >= self._rules.most_groups:
            if self._log_limit.allows():
                _log.warning(
                    "there are more than %d exception groups (limit: "
                    "OTEL_FMD_MAX_EXCEPTION_GROUPS); further ones become %r",
                    self._rules.most_groups,
                    OTHER_GROUPS,
                )
            group = Group(OTHER_GROUPS, OTHER_GROUPS, "", "")
            found = self._groups.get((service_id, group.fingerprint))
        if found is None:
            found = self._insert(
                self._store.tables.exception_group,
                {"service_id": service_id, "fingerprint": group.fingerprint},
                {
                    "type": self._secrets.place(group.title, TYPE_WIDTH),
                    "message": self._secrets.message(group.template, TEXT_WIDTH),
                    "culprit": self._secrets.place(group.culprit, TEXT_WIDTH),
                    "first_us": event.time_us,
                    "state": 0,
                },
            )
            self._groups[service_id, group.fingerprint] = found
            self._per_service[service_id] = self._per_service.get(service_id, 0) + 1
        # A merged group keeps its own variants: readers know what it is part of.
        return found

    def _named(self, trace: StackTrace, group: Group, service_id: int) -> tuple[int, str]:
        digest = sha256(f"{group.fingerprint}\n{group.template}\n".encode("utf-8", "replace"))
        for raised in trace.raised:
            digest.update(f"{raised.relation} {raised.type}\n".encode("utf-8", "replace"))
            for frame in raised.frames:
                # Never the whole path: it differs between hosts.
                place = frame.module or frame.file.replace("\\", "/").rpartition("/")[2]
                digest.update(f"{place} {frame.function}\n".encode("utf-8", "replace"))
        return service_id, digest.hexdigest()


def _added(
    connection: Connection, table: Table, key: Mapping[str, object], values: Mapping[str, object]
) -> int:
    """As `added_once`, within a transaction."""
    found = find(connection, table, key)
    if found is not None:
        return found
    made = connection.execute(table.insert().values(**key, **values)).inserted_primary_key
    number: int = made[0]  # type: ignore[index]
    return number
