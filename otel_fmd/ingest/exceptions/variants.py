"""Ids of exception groups and of their variants: small tables, looked up in memory.

A variant is the finest that is told apart: the same group, the same functions on the stack, the
same message but for its variable parts. New ones are added in transactions of their own, as names
are (see `names`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import select

from otel_fmd.analysis.exceptions.grouping import Group, group_of
from otel_fmd.analysis.exceptions.skeleton import skeleton
from otel_fmd.analysis.exceptions.trace import StackTrace
from otel_fmd.analysis.text import fit
from otel_fmd.ingest.exceptions.rules import ExceptionRules
from otel_fmd.ingest.small_rows import added_once
from otel_fmd.log_limit import LogLimit
from otel_fmd.requests.exceptions import ExceptionEvent
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_REFRESH_S = 5.0
_LOG_EVERY_S = 3600.0
_MOST_CACHED = 4_096
_MOST_VARIANTS = 50
"""Variants of a group; further ones count as its first."""
OTHER_GROUPS = "(other exceptions)"
"""The group of what comes above the limit of a service."""
TYPE_WIDTH, TEXT_WIDTH = 256, 500
Redact = Callable[[str], str]


class _Known(NamedTuple):
    """A variant that is there, and its group."""

    variant_id: int
    group_id: int


class VariantRegistry:
    """The ids of the variants of one database.

    Args:
        store: the database.
        rules: how they are parsed and grouped.
        redact: hides secrets in what is shown of a group.
    """

    def __init__(self, store: Store, rules: ExceptionRules, redact: Redact) -> None:
        self._store = store
        self._rules = rules
        self._redact = redact
        self._refreshed = float("-inf")
        self._variants: dict[tuple[int, str], _Known] = {}
        self._groups: dict[tuple[int, str], int] = {}
        self._merged: dict[int, int] = {}
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
            groups = connection.execute(
                select(group.id, group.service_id, group.fingerprint, group.merged_into)
            ).all()
            variants = connection.execute(
                select(variant.id, variant.service_id, variant.hash, variant.group_id).order_by(
                    variant.id
                )
            ).all()
        self._groups = {(row.service_id, row.fingerprint): row.id for row in groups}
        self._merged = {row.id: row.merged_into for row in groups if row.merged_into is not None}
        self._per_service, self._per_group = {}, {}
        for row in groups:
            self._per_service[row.service_id] = self._per_service.get(row.service_id, 0) + 1
        self._variants = {}
        for row in variants:
            self._variants[row.service_id, row.hash] = _Known(row.id, row.group_id)
            self._per_group.setdefault(row.group_id, []).append(row.id)
        self._refreshed = time.monotonic()

    def variant_of(self, event: ExceptionEvent, service_id: int) -> int:
        """The id of an event's variant, which is added if it is new."""
        # Parsing takes a hundred times as long as finding the same exception again.
        key = (service_id, event.type, skeleton(event.stack, event.message))
        known = self._seen.get(key)
        if known is None:
            trace = self._rules.parsed(event)
            known = self._named(trace, event, service_id)
            if len(self._seen) >= _MOST_CACHED:
                self._seen.clear()
            self._seen[key] = known
        found = self._variants.get(known)
        return self._add(event, *known) if found is None else found.variant_id

    def _add(self, event: ExceptionEvent, service_id: int, digest: str) -> int:
        """Add a variant, and its group unless it is there."""
        trace = self._rules.parsed(event)
        group = group_of(trace)
        group_id = self._group_id(group, event, service_id)
        there = self._per_group.setdefault(group_id, [])
        if len(there) >= _MOST_VARIANTS:
            known = _Known(there[0], group_id)
        else:
            key = {"service_id": service_id, "hash": digest}
            message = fit(self._redact(group.template), TEXT_WIDTH)
            values = {"group_id": group_id, "message": message}
            number = added_once(self._store, self._store.tables.exception_variant, key, values)
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
            found = added_once(
                self._store,
                self._store.tables.exception_group,
                {"service_id": service_id, "fingerprint": group.fingerprint},
                {
                    "type": fit(group.title, TYPE_WIDTH),
                    "message": fit(self._redact(group.template), TEXT_WIDTH),
                    "culprit": fit(self._redact(group.culprit), TEXT_WIDTH),
                    "first_us": event.time_us,
                    "state": 0,
                },
            )
            self._groups[service_id, group.fingerprint] = found
            self._per_service[service_id] = self._per_service.get(service_id, 0) + 1
        while found in self._merged:
            found = self._merged[found]
        return found

    def _named(self, trace: StackTrace, event: ExceptionEvent, service_id: int) -> tuple[int, str]:
        group = group_of(trace)
        digest = sha256(f"{group.fingerprint}\n{group.template}\n".encode("utf-8", "replace"))
        for raised in trace.raised:
            digest.update(f"{raised.relation} {raised.type}\n".encode("utf-8", "replace"))
            for frame in raised.frames:
                # Never the whole path: it differs between hosts.
                place = frame.module or frame.file.replace("\\", "/").rpartition("/")[2]
                digest.update(f"{place} {frame.function}\n".encode("utf-8", "replace"))
        return service_id, digest.hexdigest()
