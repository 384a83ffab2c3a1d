"""What a page is about: everything that its address says, and who looks.

The address carries the selection (`service`, `range` or `from` and `to`, `version`), so that any
view can be bookmarked and shared; cookies carry what belongs to the browser (time zone, dark or
light, whether its screen is narrow).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dash_app.parameters import day_in, number_in
from otel_fmd.analysis.calendar import midnight_us
from otel_fmd.config import Settings
from otel_fmd.errors import OtelFmdError
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Reader, Snapshot
from otel_fmd.queries.versions import versions_seen

RANGES = {
    "1h": ("Last hour", 1),
    "6h": ("Last 6 hours", 6),
    "24h": ("Last 24 hours", 24),
    "7d": ("Last 7 days", 24 * 7),
    "30d": ("Last 30 days", 24 * 30),
    "90d": ("Last 90 days", 24 * 90),
}
DEFAULT_RANGE = "7d"
CUSTOM = "custom"
SCHEME_COOKIE = "otel_fmd_scheme"
ZONE_COOKIE = "otel_fmd_zone"
NARROW_COOKIE = "otel_fmd_narrow"


class Days(NamedTuple):
    """Whole days of a time zone, the first and the last."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def times_us(self) -> tuple[int, int]:
        """When the first begins and the last ends, in unix microseconds."""
        after = self.last + timedelta(days=1)
        start, end = (
            datetime(day.year, day.month, day.day, tzinfo=self.zone) for day in (self.first, after)
        )
        return int(start.timestamp()) * 1_000_000, int(end.timestamp()) * 1_000_000

    @property
    def words(self) -> str:
        """For people."""
        if self.first == self.last:
            return self.first.isoformat()
        return f"{self.first.isoformat()} to {self.last.isoformat()}"


class Refusal(NamedTuple):
    """Somebody whose requests the receiver of this process refused: for what, how often, and when
    last (unix microseconds)."""

    address: str
    transport: str
    path: str
    reason: str
    times: int
    last_us: int


Refusals = Callable[[], Sequence[Refusal]]
"""The last senders of refused requests, the last first."""


@dataclass(frozen=True, slots=True)
class Context:
    """One look at the dashboard."""

    reader: Reader
    path: str
    query: Mapping[str, str]
    zone: ZoneInfo
    dark: bool
    narrow: bool
    is_admin: bool
    now_us: int
    settings: Settings
    prefix: str
    counters: Callable[[], Mapping[str, int]]
    parameters: Mapping[str, str]
    host: str = "localhost"
    refusals: Refusals = tuple
    dropped_version: str = ""

    @property
    def service(self) -> str | None:
        """The selected service; None for all."""
        return self.query.get("service") or None

    @property
    def version(self) -> str | None:
        """The selected version; None for all."""
        return self.query.get("version") or None

    @property
    def range(self) -> str:
        """The selected preset, or `custom`."""
        if self.custom_days is not None:
            return CUSTOM
        chosen = self.query.get("range", DEFAULT_RANGE)
        return chosen if chosen in RANGES else DEFAULT_RANGE

    @property
    def custom_days(self) -> tuple[date, date] | None:
        """First and last day of a custom range."""
        found = self.days_of(f"{self.query.get('from', '')}..{self.query.get('to', '')}")
        return None if found is None else (found.first, found.last)

    def days_of(self, text: str) -> Days | None:
        """The days in a part of an address, `2026-01-01..2026-01-31`; None when it has none."""
        one, _, other = text.partition("..")
        try:
            days = sorted((day_in(one), day_in(other)))
        except ValueError:
            return None
        return Days(days[0], days[1], self.zone)

    @property
    def endpoint_id(self) -> int:
        """The endpoint of an endpoint's page; 0 on other pages."""
        return number_in(self.parameters.get("endpoint")) or 0

    def times_us(self) -> tuple[int, int]:
        """Start and end of the selected time, in unix microseconds."""
        days = self.custom_days
        if days is not None:
            return Days(*days, self.zone).times_us
        hours = RANGES[self.range][1]
        return self.now_us - hours * 3_600_000_000, self.now_us

    def selection(self, snapshot: Snapshot) -> Selection:
        """The selected time, endpoints (of the page, else of the service) and version."""
        if self.endpoint_id:
            endpoints: list[int] | None = [self.endpoint_id]
        elif self.service is not None:
            endpoints = snapshot.endpoints_of(self.service)
        else:
            endpoints = None
        versions = None
        if self.version is not None:
            versions = [n for n, name in snapshot.versions.items() if name == self.version]
        return Selection.between(*self.times_us()).of(endpoints, versions)

    def settled(self) -> Context:
        """The same look without a version that the selected service never had.

        Whoever chooses another service means all of it: its versions are other ones.
        """
        if self.version is None or self.service is None or self.endpoint_id:
            return self
        try:
            with self.reader.snapshot() as snapshot:
                seen = versions_seen(snapshot, snapshot.endpoints_of(self.service))
        except OtelFmdError:
            # Whatever reads the page's own data says so.
            return self
        if not seen or any(one.name == self.version for one in seen):
            return self
        query = {key: value for key, value in self.query.items() if key != "version"}
        return replace(self, query=query, dropped_version=self.version)

    @property
    def today_us(self) -> int:
        """When today began here, in unix microseconds."""
        return midnight_us(self.now_us, self.zone)

    def href(self, path: str, **changes: str | None) -> str:
        """The address of another page with the same selection, but for `changes`."""
        query = {key: value for key, value in self.query.items() if key in _KEPT}
        for key, value in changes.items():
            if value is None:
                query.pop(key, None)
            else:
                query[key] = value
        text = urlencode(query)
        return f"{self.prefix}{path.lstrip('/')}" + (f"?{text}" if text else "")

    def time_text(self, moment: datetime | None) -> str:
        """A naive UTC time of the database, in words of this time zone."""
        if moment is None:
            return "never"
        local = moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(self.zone)
        return local.strftime("%Y-%m-%d %H:%M:%S")

    def time_of(self, us: int) -> str:
        """A moment in unix microseconds, in words of this time zone."""
        return self.time_text(datetime.fromtimestamp(us / 1e6, UTC).replace(tzinfo=None))

    def day_of(self, us: int) -> date:
        """The day of a moment in unix microseconds, in this time zone."""
        return datetime.fromtimestamp(us / 1e6, UTC).astimezone(self.zone).date()

    def at(self, parameters: Mapping[str, str]) -> Context:
        """The same look with the parameters that a page's path has."""
        return replace(self, parameters=parameters)


_KEPT = ("service", "range", "from", "to", "version")


def make_context(
    reader: Reader,
    *,
    path: str,
    search: str,
    cookies: Mapping[str, str],
    is_admin: bool,
    settings: Settings,
    prefix: str,
    counters: Callable[[], Mapping[str, int]],
    host: str,
    refusals: Refusals = tuple,
) -> Context:
    """A context from an address and a browser's cookies."""
    return Context(
        reader=reader,
        path=path,
        query=dict(parse_qsl((search or "").lstrip("?"), keep_blank_values=True)),
        zone=_zone(settings.timezone or unquote(cookies.get(ZONE_COOKIE, ""))),
        dark=cookies.get(SCHEME_COOKIE) == "dark",
        narrow=cookies.get(NARROW_COOKIE) == "1",
        is_admin=is_admin,
        now_us=time.time_ns() // 1000,
        settings=settings,
        prefix=prefix,
        counters=counters,
        parameters={},
        host=host,
        refusals=refusals,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
