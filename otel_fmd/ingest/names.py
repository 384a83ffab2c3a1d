"""Ids of services, endpoints and versions: small tables, looked up in memory.

New names are added in a transaction of their own before the batch that needs them, so that a batch
never waits for another one's names. Two processes may add the same name: the loser reads the
winner's row.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import select, update

from otel_fmd.ingest.small_rows import added_once
from otel_fmd.log_limit import LogLimit
from otel_fmd.requests import naming
from otel_fmd.requests.request import Request
from otel_fmd.store.kinds import (
    LIMITS,
    OTHER_ENDPOINTS,
    OTHER_PATHS,
    OTHER_SERVICES,
    OTHER_VERSIONS,
)
from otel_fmd.store.store import Store

_log = logging.getLogger(__name__)
_LOG_EVERY_S = 3600.0
_REFRESH_S = 5.0
_MOST_REMEMBERED = 20_000
"""Names above a limit that are kept in memory; beyond that everything is read again."""


class EndpointInfo(NamedTuple):
    """The write side's data about an endpoint."""

    id: int
    monitor_level: int


class NameLimits(NamedTuple):
    """How many names are kept; whoever sends without bounds fills neither pages nor memory.

    Args:
        endpoints: per service; the rest becomes `(other endpoints)`.
        paths: those among them whose names are derived from paths; the rest becomes
            `(other paths)`.
        services: the rest becomes `(other services)`.
        versions: of all services; the rest becomes `(other versions)`.
    """

    endpoints: int = 2_000
    paths: int = 200
    services: int = 200
    versions: int = 10_000


class NameRegistry:
    """The ids of names in one database.

    Args:
        store: the database.
        default_level: the monitor level of a new endpoint, 0 to 3.
        limits: how many names are kept.
    """

    def __init__(
        self,
        store: Store,
        default_level: int = 2,
        limits: NameLimits | None = None,
    ) -> None:
        self._store = store
        self._default_level = default_level
        self._limits = limits or NameLimits()
        self.endpoints: dict[tuple[str, str], EndpointInfo] = {}
        self.versions: dict[str, int] = {}
        self.services: dict[str, int] = {}
        self._per_service: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self._without_source: set[tuple[str, str]] = set()
        self.others: dict[tuple[str, str], tuple[str, str]] = {}
        """What endpoints above a limit, or of services above theirs, are stored as."""
        self.other_versions: dict[str, str] = {}
        """What versions above the limit are stored as."""
        self._refreshed = float("-inf")
        self._log_limit = LogLimit(_LOG_EVERY_S)

    def prepare(self, wanted: Mapping[tuple[str, str, str], Request]) -> None:
        """Make sure that every (service, endpoint, version) can be looked up afterwards.

        A new endpoint gets the monitor level that the agent watched a request of it at, or the
        default. Those that were above a limit are in `others`.
        """
        remembered = len(self.others) + len(self.other_versions)
        if time.monotonic() - self._refreshed > _REFRESH_S or remembered > _MOST_REMEMBERED:
            self._load()
        for service, endpoint, version in sorted(wanted):
            if version not in self.versions:
                self._add_version(version)
            if (service, endpoint) not in self.endpoints:
                request = wanted[service, endpoint, version]
                self._add_endpoint(service, endpoint, version, request.level, request.name_source)
            elif (service, endpoint) in self._without_source:
                self._add_source(service, endpoint, wanted[service, endpoint, version].name_source)

    def service_id(self, name: str) -> int:
        """The id of a service, which is added if it is new; above the limit, that of the rest."""
        if self._refreshed == float("-inf"):
            self._load()
        if self._is_other_service(name):
            most = self._limits.services
            self._log_other("there are", most, "services", name, OTHER_SERVICES)
            name = OTHER_SERVICES
        return self._service_id(name)

    def _service_id(self, name: str) -> int:
        if name not in self.services:
            now = datetime.now(UTC).replace(tzinfo=None)
            self.services[name] = added_once(
                self._store, self._store.tables.service, {"name": name}, {"time_added": now}
            )
        return self.services[name]

    def version_id(self, name: str) -> int:
        """The id of a version, added if it is new; above the limit, that of the other versions."""
        if name not in self.versions:
            self._add_version(name)
        return self.versions[name]

    def forget(self) -> None:
        """Reload everything at the next use, after a write failed."""
        self._refreshed = float("-inf")

    def _load(self) -> None:
        tables = self._store.tables
        with self._store.read() as connection:
            services = {
                row.id: row.name
                for row in connection.execute(select(tables.service.c.id, tables.service.c.name))
            }
            versions = connection.execute(select(tables.version.c.name, tables.version.c.id))
            self.versions = {row.name: row.id for row in versions}
            endpoint = tables.endpoint.c
            rows = connection.execute(
                select(
                    endpoint.id,
                    endpoint.name,
                    endpoint.monitor_level,
                    endpoint.service_id,
                    endpoint.name_source,
                )
            ).all()
        self.services = {name: number for number, name in services.items()}
        self.endpoints = {}
        self._per_service, self._paths = {}, {}
        self.others, self._without_source, self.other_versions = {}, set(), {}
        for row in rows:
            service = services.get(row.service_id)
            if service is not None:
                level = self._default_level if row.monitor_level is None else row.monitor_level
                self.endpoints[service, row.name] = EndpointInfo(row.id, level)
                self._count(service, row.name_source)
                if row.name_source is None:
                    self._without_source.add((service, row.name))
        self._refreshed = time.monotonic()

    def _add_source(self, service: str, name: str, source: str) -> None:
        """Record the name source of an endpoint that was created before sources were recorded."""
        self._without_source.discard((service, name))
        if not source:
            return
        endpoint = self._store.tables.endpoint
        with self._store.write() as connection:
            connection.execute(
                update(endpoint)
                .where(endpoint.c.id == self.endpoints[service, name].id)
                .values(name_source=source)
            )
        self._count_path(service, source)

    def _count_path(self, service: str, source: str | None) -> None:
        if source == naming.PATH:
            self._paths[service] = self._paths.get(service, 0) + 1

    def _count(self, service: str, source: str | None) -> None:
        self._per_service[service] = self._per_service.get(service, 0) + 1
        self._count_path(service, source)

    def _instead(self, service: str, name: str, source: str) -> str:
        """The endpoint for names above a limit; '' below the limits."""
        if name in (OTHER_ENDPOINTS, OTHER_PATHS):
            return ""
        if source == naming.PATH and self._paths.get(service, 0) >= self._limits.paths:
            return OTHER_PATHS
        full = self._per_service.get(service, 0) >= self._limits.endpoints
        return OTHER_ENDPOINTS if full else ""

    def _log_other(self, whose: str, most: int, what: str, name: str, instead: str) -> None:
        if self._log_limit.allows():
            _log.warning(
                "%s more than %d %s (limit: %s); %r and further ones become %r",
                whose,
                most,
                what,
                LIMITS[instead],
                name[:100],
                instead,
            )

    def _add_version(self, name: str) -> None:
        known = len(self.versions) - len(self.other_versions)
        if known >= self._limits.versions and name != OTHER_VERSIONS:
            most = self._limits.versions
            self._log_other("there are", most, "versions", name, OTHER_VERSIONS)
            if OTHER_VERSIONS not in self.versions:
                self._add_version(OTHER_VERSIONS)
            self.versions[name] = self.versions[OTHER_VERSIONS]
            self.other_versions[name] = OTHER_VERSIONS
            return
        self.versions[name] = added_once(
            self._store, self._store.tables.version, {"name": name}, {}
        )

    def _is_other_service(self, name: str) -> bool:
        """Whether a service is above the limit."""
        if name in self.services or name == OTHER_SERVICES:
            return False
        return len(self.services) >= self._limits.services

    def _add_endpoint(
        self,
        service: str,
        name: str,
        version: str,
        level: int | None = None,
        source: str = "",
    ) -> None:
        if self._is_other_service(service):
            most = self._limits.services
            self._log_other("there are", most, "services", service, OTHER_SERVICES)
            other = (OTHER_SERVICES, name)
            if other not in self.endpoints:
                self._add_endpoint(*other, version, level, source)
            self.endpoints[service, name] = self.endpoints[other]
            self.others[service, name] = self.others.get(other, other)
            return
        level = self._default_level if level is None else level
        now = datetime.now(UTC).replace(tzinfo=None)
        tables = self._store.tables
        service_id = self._service_id(service)
        instead = self._instead(service, name, source)
        if instead:
            limits = self._limits
            most = limits.paths if instead == OTHER_PATHS else limits.endpoints
            whose = f"service {service[:100]!r} has"
            self._log_other(whose, most, "endpoints", name, instead)
            if (service, instead) not in self.endpoints:
                self._add_endpoint(service, instead, version)
            self.endpoints[service, name] = self.endpoints[service, instead]
            self.others[service, name] = (service, instead)
            return
        number = added_once(
            self._store,
            tables.endpoint,
            {"service_id": service_id, "name": name},
            {
                "monitor_level": level,
                "time_added": now,
                "version_added": version,
                "name_source": source or None,
            },
        )
        self.endpoints[service, name] = EndpointInfo(number, level)
        self._count(service, source)
