"""The installation, and the people: most of it for admins only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from otel_fmd._version import __version__
from otel_fmd.analysis.cron import NEVER, next_run
from otel_fmd.people import audit, tokens, users
from otel_fmd.people.tokens import Scope
from otel_fmd.queries.dropped import Dropped, dropped
from otel_fmd.queries.facts import DatabaseFacts, database_facts
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views import administration
from otel_fmd.views.administration import Database
from otel_fmd.views.api.look import aware, moment
from otel_fmd.views.look import Look, Refusal
from otel_fmd.views.people import OwnSession
from otel_fmd.views.view import Column, Table, View


@dataclass(slots=True)
class Installation:
    """What is installed, and what this process did since it started.

    Args:
        version: of otel-fmd.
        time_zone: in which days begin.
        first_request: the time of the first request; null without requests.
        rows: stored rows by kind.
        size_bytes: the size of the database on disk.
        dropped_requests: requests dropped by monitored apps.
        counters: of this process, by name.
    """

    version: str
    time_zone: str
    first_request: datetime | None
    rows: dict[str, int]
    size_bytes: int
    dropped_requests: int
    counters: dict[str, int]


@dataclass(slots=True)
class PruningSchedule:
    """When old requests are removed.

    Args:
        cron: a schedule of five fields, in UTC.
        weeks_to_keep: requests that are older are removed.
        delete_custom_graph_data: whether data of custom graphs is removed, too.
        next_run: when it runs next; null if it is never due.
    """

    cron: str
    weeks_to_keep: int
    delete_custom_graph_data: bool
    next_run: datetime | None


@dataclass(slots=True)
class DatabaseState:
    """The database; `/installation` has its size and its rows.

    Args:
        url: its address, without its password.
        pruning_schedule: null without one.
    """

    url: str
    pruning_schedule: PruningSchedule | None


@dataclass(slots=True)
class Setting:
    """A setting.

    Args:
        name: its environment variable.
        value: the value in force; secrets are hidden.
        source: where the value comes from.
        help: what it does.
    """

    name: str
    value: str
    source: str
    help: str


@dataclass(slots=True)
class RefusedSender:
    """A sender whose requests the receiver of this process refused.

    Args:
        address: of the sender.
        transport: `http` or `grpc`.
        path: what was asked for.
        reason: what was answered.
        times: how often.
        last: when last.
    """

    address: str
    transport: str
    path: str
    reason: str
    times: int
    last: datetime


@dataclass(slots=True)
class User:
    """A user of the dashboard.

    Args:
        username: unique.
        role: `guest` or `admin`.
    """

    username: str
    role: str


@dataclass(slots=True)
class Token:
    """An API token, without its secret.

    Args:
        name: unique.
        hint: how it begins.
        scopes: what it may be used for.
        created_by: who created it.
        created: when.
        expires: until when it is valid; null for ever.
        last_used: to the minute; null if never.
    """

    name: str
    hint: str
    scopes: list[Scope]
    created_by: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None


@dataclass(slots=True)
class Session:
    """A browser in which you are logged in.

    Args:
        id: identifies the session; useless for logging in.
        browser: its user agent at login.
        address: of the browser at login.
        created: when you logged in.
        last_used: to the minute.
        is_this: whether it is the one that asks.
    """

    id: str
    browser: str
    address: str
    created: datetime
    last_used: datetime
    is_this: bool


@dataclass(slots=True)
class AuditEntry:
    """A login, or a change.

    Args:
        time: when.
        actor: who, by name.
        role: the role in which they acted.
        address: from where; empty for the server itself.
        action: what was done, such as `user.add`.
        target: to whom or what.
        before: the value that was changed.
        after: the value since.
    """

    time: datetime
    actor: str
    role: str
    address: str
    action: str
    target: str
    before: str
    after: str


class Facts(NamedTuple):
    """What the database holds, and what apps dropped."""

    database: DatabaseFacts
    dropped: Dropped


def _facts(snapshot: Snapshot, _look: Look) -> Facts:
    return Facts(database_facts(snapshot), dropped(snapshot))


INSTALLATION = View(
    name="installation",
    title="Installation",
    description="The installed version, the size of the database, and this process's counters.",
    load=_facts,
    table=lambda data, _look: Table(
        (Column("rows"), Column("number")), [*data.database.rows.items()]
    ),
)


def installation(data: Facts, look: Look) -> Installation:
    """Of `INSTALLATION`."""
    first = data.database.first_request
    return Installation(
        __version__,
        look.zone.key,
        None if first is None else aware(first),
        {name.replace(" ", "_"): number for name, number in data.database.rows.items()},
        data.database.size_bytes,
        data.dropped.requests,
        dict(look.process.counters()),
    )


def database(data: Database, look: Look) -> DatabaseState:
    """Of the database."""
    return DatabaseState(dict(data.facts)["database"], schedule(data, look))


def schedule(data: Database, look: Look) -> PruningSchedule | None:
    """Of the database: when it is pruned."""
    found = data.schedule
    if found is None:
        return None
    due = next_run(found.cron, look.now_us / 1e6)
    return PruningSchedule(
        found.cron,
        found.weeks_to_keep,
        found.delete_custom_graph_data,
        None if due == NEVER else datetime.fromtimestamp(due, UTC),
    )


def settings(data: Iterable[administration.Setting], _look: Look) -> Iterator[Setting]:
    """Of the settings."""
    return (Setting(one.variable, one.value, one.source, one.help) for one in data)


def refused_senders(data: Iterable[Refusal], _look: Look) -> Iterator[RefusedSender]:
    """Of the refused requests."""
    return (RefusedSender(*one[:-1], moment(one.last_us)) for one in data)


def user_list(data: Iterable[users.User], _look: Look) -> Iterator[User]:
    """Of the users."""
    return (User(one.username, one.role.name.lower()) for one in data)


def token_list(data: Iterable[tokens.Token], _look: Look) -> Iterator[Token]:
    """Of the API tokens."""
    for one in data:
        yield Token(
            one.name,
            one.hint,
            list(one.scopes),
            one.created_by,
            moment(one.created_us),
            None if one.expires_us is None else moment(one.expires_us),
            None if one.used_us is None else moment(one.used_us),
        )


def session_list(data: Iterable[OwnSession], _look: Look) -> Iterator[Session]:
    """Of the sessions of the actor."""
    for one, is_this in data:
        yield Session(
            one.hash, one.browser, one.address, moment(one.created_us), moment(one.seen_us), is_this
        )


def audit_entries(data: Iterable[audit.Entry], _look: Look) -> Iterator[AuditEntry]:
    """Of the audit."""
    return (AuditEntry(moment(one.time_us), *one[1:]) for one in data)
