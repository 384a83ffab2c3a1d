"""The bodies that routes of `/api/v1` take, and what they answer to a change.

Nothing is converted, and nothing unknown is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from otel_fmd.actions.exceptions import MOST_DAYS as IGNORED_DAYS
from otel_fmd.actions.exceptions import MOST_TIMES as IGNORED_TIMES
from otel_fmd.actions.levels import LEVELS
from otel_fmd.config import MOST_DAYS
from otel_fmd.people.tokens import MOST_DAYS as MOST_TOKEN_DAYS
from otel_fmd.people.tokens import Scope

_EXACT = ConfigDict(extra="forbid", strict=True)
Days = Annotated[float, Field(ge=0, le=MOST_DAYS)]
Text = Annotated[str, Field(max_length=1_000)]
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


@dataclass(slots=True)
class MonitorLevel:
    """What is recorded about the requests of an endpoint.

    Args:
        monitor_level: 0: only that it is used; 1: requests; 2: outliers, too; 3: profiles, too.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    monitor_level: Annotated[int, Field(ge=min(LEVELS), le=max(LEVELS))]


@dataclass(slots=True)
class NewUser:
    """A user to add.

    Args:
        username: unique.
        password: at least 12 characters, without the user name, and not a common one.
        role: what they may do.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    username: Text
    password: Text
    role: Literal["guest", "admin"] = "guest"


@dataclass(slots=True)
class UserChange:
    """What to change about a user, which ends their sessions; what is null or missing stays.

    Args:
        role: what they may do from now on.
        password: the new password.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    role: Literal["guest", "admin"] | None = None
    password: Text | None = None


@dataclass(slots=True)
class NewToken:
    """An API token to create.

    Args:
        name: unique.
        scopes: what it may be used for.
        days: how long it is valid; null for ever.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    name: Text
    scopes: Annotated[list[Scope], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=MOST_TOKEN_DAYS)] | None


@dataclass(slots=True)
class CreatedToken:
    """A new API token.

    Args:
        name: its name.
        token: what its bearer sends; it cannot be read again.
    """

    name: str
    token: str


@dataclass(slots=True)
class NewSchedule:
    """When old requests are to be removed.

    Args:
        cron: a schedule of five fields.
        weeks_to_keep: requests that are older are removed.
        delete_custom_graph_data: whether data of custom graphs is removed, too.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    cron: Text
    weeks_to_keep: Annotated[int, Field(ge=1, le=MOST_DAYS // 7)]
    delete_custom_graph_data: bool = False


@dataclass(slots=True)
class KeptDays:
    """What is to be removed: how many days each kind is kept; 0 keeps all.

    Args:
        requests_days: requests, with their outliers and profiles.
        outliers_days: outliers.
        profiles_days: profiles.
        logs_days: log records; 0: as old as requests may be.
        rollups_days: hourly rollups, and metrics by days.
        custom_graphs_days: data of custom graphs.
        audit_days: the audit.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    requests_days: Days = 0
    outliers_days: Days = 0
    profiles_days: Days = 0
    logs_days: Days = 0
    rollups_days: Days = 0
    custom_graphs_days: Days = 0
    audit_days: Days = 0


@dataclass(slots=True)
class Removed:
    """What was removed.

    Args:
        rows: how many, by kind.
    """

    rows: dict[str, int]


@dataclass(slots=True)
class Maintained:
    """What maintenance did.

    Args:
        folded_deltas: batches that were folded into rollups.
        pruned_rows: what was removed as it was too old, by kind.
        evicted_rows: what was removed as the database was too large, by kind.
    """

    folded_deltas: int
    pruned_rows: dict[str, int]
    evicted_rows: dict[str, int]


@dataclass(slots=True)
class NewState:
    """What is decided about a group of exceptions.

    Args:
        state: the decision.
        resolved_in: with `resolved`: `now`, so that any later occurrence is a regression; `version`
            or `next`: only one in that version or a newer one, or in one not seen yet.
        version: with `resolved_in: version`: which.
        days: with `ignored`: for how long; null: without an end.
        times: with `ignored`: until it has occurred so many times more; null: without an end.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    state: Literal["unresolved", "resolved", "ignored"]
    resolved_in: Literal["now", "version", "next"] = "now"
    version: Text = ""
    days: Annotated[float, Field(gt=0, le=IGNORED_DAYS)] | None = None
    times: Annotated[int, Field(ge=1, le=IGNORED_TIMES)] | None = None


@dataclass(slots=True)
class GroupChange:
    """What to change about a group of exceptions; what is null or missing stays.

    Args:
        assignee: who looks after it; empty for nobody.
        note: what is to be known about it; empty for nothing.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    assignee: Annotated[str, Field(max_length=250)] | None = None
    note: Annotated[str, Field(max_length=10_000)] | None = None


@dataclass(slots=True)
class Merge:
    """Groups to merge.

    Args:
        group_ids: the groups that become part of another.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    group_ids: Annotated[list[Number], Field(min_length=1, max_length=100)]


@dataclass(slots=True)
class Split:
    """Variants to split off.

    Args:
        variant_ids: some, but not all, of the variants of the group.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT
    variant_ids: Annotated[list[Number], Field(min_length=1, max_length=100)]


@dataclass(slots=True)
class SplitGroup:
    """The group that was made.

    Args:
        group_id: its id.
    """

    group_id: int
