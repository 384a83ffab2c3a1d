"""A look of a program: times to the microsecond, and nothing that is quietly left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import DEFAULT_RANGE, RANGES, Look
from otel_fmd.views.parameters import Parameter, moment_in, one_of, one_schema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}


def _optional_moment(text: str) -> int | None:
    return moment_in(text)


SERVICE = Parameter("service", "Only this service.", str, "")
VERSION = Parameter("version", "Only this version of the application.", str, "")
RANGE = Parameter(
    "range",
    "The length of a time range that ends at `to`, or now; `from` goes before it.",
    one_of(*RANGES),
    DEFAULT_RANGE,
    schema=one_schema(*RANGES),
)
FROM = Parameter(
    "from",
    "Where the time range begins: RFC 3339, or a day in UTC. Without `to` it ends now.",
    _optional_moment,
    None,
    schema=_MOMENT,
)
TO = Parameter(
    "to",
    "Where the time range ends (not included); without it: now.",
    _optional_moment,
    None,
    schema=_MOMENT,
)
TIMES = (RANGE, FROM, TO)
SELECTION = (SERVICE, VERSION, *TIMES)


def aware(moment: datetime) -> datetime:
    """A naive UTC time of the database as an aware one."""
    return moment.replace(tzinfo=UTC)


def moment(us: int) -> datetime:
    """Unix microseconds as a time in UTC."""
    return _EPOCH + timedelta(microseconds=us)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLook(Look):
    """The look of a program, whose parameters were checked.

    Figures that come from rollups cover whole hours, so the selected time is widened to them;
    single requests are those of the exact time.
    """

    def times_us(self) -> tuple[int, int]:
        """Start and end of the selected time, in unix microseconds."""
        start, end = self.value(FROM), self.value(TO)
        end = self.now_us if end is None else end
        if start is None:
            start = end - RANGES[self.value(RANGE)][1] * 3_600_000_000
        return start, end

    @property
    def exact_times(self) -> tuple[datetime, datetime] | None:
        """Start and end (naive UTC) of the selected time."""
        start, end = (moment(us).replace(tzinfo=None) for us in self.times_us())
        return start, end

    def settled(self, _snapshot: Snapshot) -> Self:
        """The same look: a version that the service never had has no requests."""
        return self
