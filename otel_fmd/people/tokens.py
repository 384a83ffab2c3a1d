"""API tokens: for programs, each with scopes, shown once and stored as a hash."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from otel_fmd.errors import ConfigurationError, ConflictError, NotFoundError, StoreError
from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.secret import hash_of, new_secret
from otel_fmd.store.store import Store
from otel_fmd.store.tables import Tables
from otel_fmd.store.times import now_us

_log = logging.getLogger(__name__)
PREFIX = "ofmd_"
"""How every token begins, for people and for scanners of leaked secrets."""
_NAME = re.compile(r"[\w .:/@-]{1,100}")
_HINT_WIDTH = len(PREFIX) + 4
_RECORDED_EVERY_US = 60_000_000
_DAY_US = 24 * 3600 * 1_000_000
MOST_DAYS = 3650


class Scope(StrEnum):
    """What a token may be used for; `admin` includes `write`, and that `read`."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    INGEST = "ingest"

    @property
    def role(self) -> Role:
        """The role in which its bearer acts on views and actions."""
        return _ROLES[self]


_ROLES = {
    Scope.READ: Role.GUEST,
    Scope.WRITE: Role.WRITER,
    Scope.ADMIN: Role.ADMIN,
    Scope.INGEST: Role.NOBODY,
}


class Token(NamedTuple):
    """A token without its secret; times in unix microseconds.

    Args:
        id: never used again.
        name: unique.
        hint: how it begins.
        scopes: what it may be used for.
        created_by: the name of its user.
        created_us: when.
        expires_us: until when; None: for ever.
        used_us: when it was last used, to the minute; None: never.
    """

    id: int
    name: str
    hint: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_us: int
    expires_us: int | None
    used_us: int | None

    @property
    def role(self) -> Role:
        """The highest role of its scopes."""
        return max((scope.role for scope in self.scopes), default=Role.NOBODY)

    @property
    def may_send(self) -> bool:
        """Whether it may send telemetry."""
        return Scope.INGEST in self.scopes

    @property
    def may_read(self) -> bool:
        """Whether it may see what a guest sees."""
        return self.role >= Role.GUEST

    def actor(self, address: str = "") -> Actor:
        """Its bearer, acting from an address."""
        return Actor(f"token {self.name}", self.role, address)


def scopes_in(names: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes by their names.

    Raises:
        ConfigurationError: none, or an unknown one.
    """
    found = []
    for name in names:
        try:
            found.append(Scope(name))
        except ValueError:
            known = ", ".join(Scope)
            raise ConfigurationError(f"scope {name[:50]!r}: expected one of {known}") from None
    if not found:
        raise ConfigurationError(f"a token needs at least one scope of {', '.join(Scope)}")
    return tuple(dict.fromkeys(found))


def create_token(
    connection: Connection,
    tables: Tables,
    name: str,
    scopes: tuple[Scope, ...],
    days: int | None,
    created_by: str,
) -> str:
    """Create a token; the text that its bearer sends, which cannot be read again.

    Args:
        connection: in a transaction that writes.
        tables: of the database.
        name: unique.
        scopes: what it may be used for.
        days: how long it is valid; None: for ever.
        created_by: the name of its user.

    Raises:
        ConfigurationError: the name is taken or cannot be used, or the days cannot.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"token name {name[:50]!r}: expected 1 to 100 letters, digits, spaces or any of .:/@-_"
        )
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise ConfigurationError(f"days of a token {days}: expected 1 to {MOST_DAYS}")
    secret, now = PREFIX + new_secret(), now_us()
    values = {
        "name": name,
        "hash": hash_of(secret),
        "hint": secret[:_HINT_WIDTH],
        "scopes": " ".join(scopes),
        "created_by": created_by,
        "created_us": now,
        "expires_us": None if days is None else now + days * _DAY_US,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(tables.api_token).values(values))
    except IntegrityError:
        raise ConflictError(f"token {name!r} exists already") from None
    return secret


def all_tokens(connection: Connection, tables: Tables) -> list[Token]:
    """Every token, the newest first."""
    rows = connection.execute(select(tables.api_token).order_by(tables.api_token.c.id.desc()))
    return [_token(row) for row in rows]


def revoke_token(connection: Connection, tables: Tables, name: str) -> Token:
    """Remove a token, which was valid until now.

    Raises:
        ConfigurationError: there is none with this name.
    """
    table = tables.api_token
    row = connection.execute(select(table).where(table.c.name == name)).first()
    if row is None:
        raise NotFoundError(f"there is no token {name[:100]!r}")
    connection.execute(delete(table).where(table.c.id == row.id))
    return _token(row)


def revoke_tokens_of(connection: Connection, tables: Tables, username: str) -> list[str]:
    """Remove the tokens that a user created, except those that only send telemetry; their names.

    An app must not fall silent because the colleague who set it up has left.
    """
    table, names = tables.api_token, []
    for row in connection.execute(select(table).where(table.c.created_by == username)).all():
        token = _token(row)
        if token.scopes != (Scope.INGEST,):
            connection.execute(delete(table).where(table.c.id == token.id))
            names.append(token.name)
    return names


class KnownTokens(NamedTuple):
    """The tokens of a database at one moment, by their hashes."""

    by_hash: Mapping[str, Token]

    def find(self, secret: str) -> tuple[str, Token] | None:
        """The hash of a secret, and its token if that has not expired; None for any other."""
        if not secret.startswith(PREFIX):
            return None
        found = hash_of(secret)
        token = self.by_hash.get(found)
        if token is None or (token.expires_us is not None and token.expires_us <= now_us()):
            return None
        return found, token


def known_tokens(store: Store, used: Iterable[str] = ()) -> KnownTokens:
    """Every token; records that those with some hashes were used.

    Args:
        store: the database.
        used: hashes.

    Raises:
        StoreUnavailableError: the database cannot be reached.
    """
    table, now = store.tables.api_token, now_us()
    hashes = list(used)
    if hashes:
        with store.write() as connection:
            mine = update(table).where(table.c.hash.in_(hashes))
            connection.execute(mine.values(used_us=now))
    with store.read() as connection:
        rows = connection.execute(select(table)).all()
    return KnownTokens({row.hash: _token(row) for row in rows})


def find_token(store: Store, secret: str) -> Token | None:
    """The token with this secret, if it has not expired; records its use."""
    if not secret.startswith(PREFIX):
        return None
    now, table = now_us(), store.tables.api_token
    with store.read() as connection:
        row = connection.execute(select(table).where(table.c.hash == hash_of(secret))).first()
    if row is None or (row.expires_us is not None and row.expires_us <= now):
        return None
    if row.used_us is None or now - row.used_us > _RECORDED_EVERY_US:
        used = update(table).where(table.c.id == row.id).values(used_us=now)
        try:
            with store.write() as connection:
                connection.execute(used)
        except StoreError as error:
            _log.debug("the use of a token was not recorded: %s", error)
    return _token(row)


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        row.id,
        row.name,
        row.hint,
        tuple(Scope(name) for name in row.scopes.split()),
        row.created_by,
        row.created_us,
        row.expires_us,
        row.used_us,
    )
