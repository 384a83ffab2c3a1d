"""What the pages about people show: users, their sessions, API tokens, the audit."""

from __future__ import annotations

from typing import NamedTuple

from otel_fmd.people.actor import Role
from otel_fmd.people.audit import Entry, entries
from otel_fmd.people.sessions import Session, sessions_of
from otel_fmd.people.tokens import Token, all_tokens
from otel_fmd.people.users import User, all_users, find_user
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.views.look import Look
from otel_fmd.views.view import Column, Table, View

MOST_ENTRIES = 2_000


class OwnSession(NamedTuple):
    """A session of the actor, and whether it is the one that looks."""

    session: Session
    is_this: bool


def load_users(snapshot: Snapshot, _look: Look) -> list[User]:
    """Everyone who may log in."""
    return all_users(snapshot.connection, snapshot.tables)


def load_sessions(snapshot: Snapshot, look: Look) -> list[OwnSession]:
    """The sessions of the actor, the last used first."""
    user = find_user(snapshot.connection, snapshot.tables, look.actor.name)
    if user is None:
        return []
    found = sessions_of(snapshot.connection, snapshot.tables, user)
    return [OwnSession(one, one.hash == look.actor.session) for one in found]


def load_tokens(snapshot: Snapshot, _look: Look) -> list[Token]:
    """Every token, without its secret, the newest first."""
    return all_tokens(snapshot.connection, snapshot.tables)


def load_audit(snapshot: Snapshot, look: Look) -> list[Entry]:
    """The last entries in the selected time range."""
    return entries(snapshot.connection, snapshot.tables, look.times_us(), MOST_ENTRIES)


def expiry(token: Token, look: Look) -> str:
    """Until when a token is valid, as text."""
    if token.expires_us is None:
        return "never"
    return look.time_of(token.expires_us) + (
        " (expired)" if token.expires_us <= look.now_us else ""
    )


def _token_rows(data: list[Token], look: Look) -> list[tuple[str, ...]]:
    return [
        (
            one.name,
            f"{one.hint}…",
            " ".join(one.scopes),
            one.created_by,
            look.time_of(one.created_us),
            expiry(one, look),
            "never" if one.used_us is None else look.time_of(one.used_us),
        )
        for one in data
    ]


USERS = View(
    name="users",
    title="Users",
    description="Guests see everything but users, tokens, the audit, the database and settings; "
    "admins see these, too, and can make changes.",
    load=load_users,
    table=lambda data, _look: Table(
        (Column("username"), Column("role")),
        [(one.username, one.role.name.lower()) for one in data],
    ),
    role=Role.ADMIN,
)
SESSIONS = View(
    name="sessions",
    title="Your sessions",
    description="The browsers in which you are logged in. A session ends after 24 hours without "
    "use, and after 14 days in any case. A new password ends all of them.",
    load=load_sessions,
    table=lambda data, look: Table(
        tuple(map(Column, ("browser", "address", "logged in", "last used", "this browser"))),
        [
            (
                one.session.browser,
                one.session.address,
                look.time_of(one.session.created_us),
                look.time_of(one.session.seen_us),
                "yes" if one.is_this else "",
            )
            for one in data
        ],
    ),
    empty="You are not logged in as a user.",
)
TOKENS = View(
    name="tokens",
    title="API tokens",
    description="For programs: `read` for what guests see, `write` also for monitor levels, "
    "`admin` for everything, `ingest` for sending telemetry.",
    load=load_tokens,
    table=lambda data, look: Table(
        tuple(
            map(
                Column,
                ("name", "token", "scopes", "created by", "created", "expires", "last used"),
            )
        ),
        _token_rows(data, look),
    ),
    empty="No tokens yet. Create one below.",
    role=Role.ADMIN,
)
AUDIT = View(
    name="audit",
    title="Audit",
    description=f"Logins and changes in the selected time range, the last {MOST_ENTRIES:,}: who, "
    "when, from where, and what it was before and after.",
    load=load_audit,
    table=lambda data, look: Table(
        tuple(
            map(
                Column,
                ("time", "actor", "role", "address", "action", "target", "before", "after"),
            )
        ),
        [(look.time_of(one.time_us), *one[1:]) for one in data],
    ),
    empty="Nobody logged in or changed anything in the selected time range.",
    role=Role.ADMIN,
)
