"""A look: who looks at what, when, and in which time zone.

An address carries the selection (`service`, `range` or `from` and `to`, `version`) and the view's
own parameters, so that everything shown can be bookmarked, shared and exported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from otel_fmd.analysis.calendar import midnight_us
from otel_fmd.config import Settings
from otel_fmd.people.actor import Actor
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import versions_seen
from otel_fmd.views.parameters import ENDPOINT, Parameter, days_in

T = TypeVar("T")
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
SELECTION = ("service", "range", "from", "to", "version")
"""The query parameters that make up the selection."""


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
        """The range as text."""
        if self.first == self.last:
            return self.first.isoformat()
        return f"{self.first.isoformat()} to {self.last.isoformat()}"


class Refusal(NamedTuple):
    """A sender whose requests the receiver of this process refused.

    The reason, how often, and when last (unix microseconds).
    """

    address: str
    transport: str
    path: str
    reason: str
    times: int
    last_us: int


class Rule(NamedTuple):
    """A rule of an app's URL map: its path, its methods, whether it has values (`<int:i>`)."""

    path: str
    methods: Sequence[str]
    has_values: bool


def _no_rules(_endpoint: str) -> Sequence[Rule]:
    return ()


class Process(NamedTuple):
    """What this process has done since it started.

    Its pipeline's counters, the latest senders of refused requests, the most recent first, and the
    rules of an endpoint of the app that it is mounted in.
    """

    counters: Callable[[], Mapping[str, int]] = dict
    refusals: Callable[[], Sequence[Refusal]] = tuple
    rules: Callable[[str], Sequence[Rule]] = _no_rules


NO_PROCESS = Process()
"""For a dashboard whose process receives no requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look.

    Args:
        actor: who looks.
        query: the query parameters of the address.
        parameters: the parameters in its path.
        zone: the time zone in which days and times are shown.
        now_us: the current time, in unix microseconds.
        settings: the settings in force.
        process: what this process has done.
        dropped_version: a version in the address that is ignored, see `settled`.
    """

    actor: Actor
    query: Mapping[str, str]
    parameters: Mapping[str, str]
    zone: ZoneInfo
    now_us: int
    settings: Settings
    process: Process = NO_PROCESS
    dropped_version: str = ""

    def value(self, parameter: Parameter[T]) -> T:
        """The value of a parameter; its default if it is missing or cannot be read."""
        text = (self.parameters if parameter.in_path else self.query).get(parameter.name)
        if text is None:
            return parameter.default
        try:
            return parameter.read(text)
        except ValueError:
            return parameter.default

    def refusal(self, parameter: Parameter[Any]) -> str:
        """What was expected instead of the address's value of a parameter; empty if it is read."""
        if (text := self.query.get(parameter.name)) is None:
            return ""
        try:
            parameter.read(text)
        except ValueError as error:
            return str(error)
        return ""

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
    def custom_days(self) -> Days | None:
        """First and last day of a custom range."""
        return self.days_of(f"{self.query.get('from', '')}..{self.query.get('to', '')}")

    def days_of(self, text: str) -> Days | None:
        """The days in a part of an address, `2026-01-01..2026-01-31`; None when it has none."""
        try:
            return Days(*days_in(text), self.zone)
        except ValueError:
            return None

    @property
    def is_of_endpoint(self) -> bool:
        """Whether it is about one endpoint."""
        return ENDPOINT.name in self.parameters

    @property
    def endpoint_id(self) -> int:
        """The endpoint that it is about; 0 if there is none, or the id is invalid."""
        return self.value(ENDPOINT)

    def times_us(self) -> tuple[int, int]:
        """Start and end of the selected time, in unix microseconds."""
        days = self.custom_days
        if days is not None:
            return days.times_us
        hours = RANGES[self.range][1]
        return self.now_us - hours * 3_600_000_000, self.now_us

    @property
    def exact_times(self) -> tuple[datetime, datetime] | None:
        """Start and end (naive UTC) of the selected time, if parts of hours count."""
        return None

    def selection(self, snapshot: Snapshot) -> Selection:
        """The selected time, endpoints (one, else those of the service) and version."""
        if self.is_of_endpoint:
            endpoints: list[int] | None = [self.endpoint_id]
        elif self.service is not None:
            endpoints = snapshot.endpoints_of(self.service)
        else:
            endpoints = None
        versions = None
        if self.version is not None:
            versions = [n for n, name in snapshot.versions.items() if name == self.version]
        return Selection.between(*self.times_us()).of(endpoints, versions)

    def settled(self, snapshot: Snapshot) -> Self:
        """The same look without a version that the selected service never had.

        A user who switches to another service wants all of it: its versions are different ones.
        """
        if self.version is None or self.service is None or self.is_of_endpoint:
            return self
        seen = versions_seen(snapshot, snapshot.endpoints_of(self.service))
        if not seen or any(one.name == self.version for one in seen):
            return self
        query = {key: value for key, value in self.query.items() if key != "version"}
        return replace(self, query=query, dropped_version=self.version)

    @property
    def today_us(self) -> int:
        """When today began in this time zone, in unix microseconds."""
        return midnight_us(self.now_us, self.zone)

    def time_text(self, moment: datetime | None) -> str:
        """A naive UTC time from the database, as text in this time zone."""
        if moment is None:
            return "never"
        local = moment.replace(tzinfo=UTC).astimezone(self.zone)
        return local.strftime("%Y-%m-%d %H:%M:%S")

    def time_of(self, us: int) -> str:
        """A time in unix microseconds, as text in this time zone."""
        return self.time_text(datetime.fromtimestamp(us / 1e6, UTC).replace(tzinfo=None))

    def day_of(self, us: int) -> date:
        """The day of a time in unix microseconds, in this time zone."""
        return datetime.fromtimestamp(us / 1e6, UTC).astimezone(self.zone).date()


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name; UTC if there is no such zone."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
