"""API tokens: scopes, expiry, and that nothing in the database is one."""

from __future__ import annotations

from typing import Any

import pytest

from otel_fmd.actions import tokens, users
from otel_fmd.errors import ConfigurationError
from otel_fmd.people import tokens as module
from otel_fmd.people.actor import OPERATOR, Actor, Role
from otel_fmd.people.tokens import PREFIX, Scope, all_tokens, find_token
from otel_fmd.store.store import Store
from tests.support.people import with_user

DAY_US = 24 * 3600 * 1_000_000
ANA = Actor("ana", Role.ADMIN)


def names(store: Store) -> list[str]:
    """Of all tokens."""
    with store.read() as connection:
        return [one.name for one in all_tokens(connection, store.tables)]


@pytest.mark.parametrize(
    ("scopes", "role", "may_send"),
    [
        (["read"], Role.GUEST, False),
        (["write"], Role.WRITER, False),
        (["admin"], Role.ADMIN, False),
        (["ingest"], Role.NOBODY, True),
        (["ingest", "read"], Role.GUEST, True),
    ],
)
def test_a_token_acts_in_the_highest_role_of_its_scopes(
    sqlite_store: Store, scopes: list[str], role: Role, may_send: bool
) -> None:
    """And sends only with `ingest`: an admin's token is not in every app."""
    secret = tokens.add_token(OPERATOR, sqlite_store, "ci", scopes, None)
    assert secret.startswith(PREFIX)
    found = find_token(sqlite_store, secret)
    assert found is not None
    assert found.actor("192.0.2.1") == Actor("token ci", role, "192.0.2.1")
    assert found.may_send is may_send
    assert found.scopes == tuple(Scope(one) for one in scopes)


def test_a_token_ends_when_it_is_revoked_or_expires(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and to the microsecond."""
    now = 1_800_000_000_000_000
    monkeypatch.setattr(module, "now_us", lambda: now)
    short = tokens.add_token(OPERATOR, sqlite_store, "short", ["read"], 1)
    long = tokens.add_token(OPERATOR, sqlite_store, "long", ["read"], None)
    now += DAY_US - 1
    assert find_token(sqlite_store, short) is not None
    now += 1
    assert find_token(sqlite_store, short) is None
    assert find_token(sqlite_store, long) is not None
    tokens.remove_token(OPERATOR, sqlite_store, "long")
    assert find_token(sqlite_store, long) is None


def test_its_last_use_is_known_to_the_minute(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write a minute at most."""
    now = 1_800_000_000_000_000
    monkeypatch.setattr(module, "now_us", lambda: now)
    secret = tokens.add_token(OPERATOR, sqlite_store, "ci", ["read"], None)
    used = []
    for seconds in (10, 20, 61, 30):
        now += seconds * 1_000_000
        find_token(sqlite_store, secret)
        with sqlite_store.read() as connection:
            used.append(all_tokens(connection, sqlite_store.tables)[0].used_us)
    start = 1_800_000_000_000_000
    assert [(one or 0) - start for one in used] == [10**7, 10**7, 91 * 10**6, 91 * 10**6]


def test_nothing_in_the_database_is_a_token(sqlite_store: Store) -> None:
    """Neither a stored hash nor its beginning."""
    secret = tokens.add_token(OPERATOR, sqlite_store, "ci", ["admin"], None)
    with sqlite_store.read() as connection:
        row = connection.execute(sqlite_store.tables.api_token.select()).one()
    values = [str(value) for value in row]
    assert secret not in values
    for value in (*values, secret[:-1], secret + "x", "", PREFIX, secret.removeprefix(PREFIX)):
        assert find_token(sqlite_store, value) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", ["read"], 1), "token name ''"),
        (("a\nb", ["read"], 1), "expected 1 to 100 letters"),
        (("x" * 101, ["read"], 1), "expected 1 to 100 letters"),
        (("ci", [], 1), "at least one scope of read, write, admin, ingest"),
        (("ci", ["root"], 1), "scope 'root': expected one of read"),
        (("ci", ["read"], 0), "days of a token 0: expected 1 to 3650"),
        (("ci", ["read"], 3651), "days of a token 3651"),
        (("old", ["read"], 1), "token 'old' exists already"),
    ],
)
def test_what_cannot_be_a_token(sqlite_store: Store, arguments: Any, words: str) -> None:
    """With the value, and what was expected."""
    tokens.add_token(OPERATOR, sqlite_store, "old", ["read"], None)
    with pytest.raises(ConfigurationError, match=words):
        tokens.add_token(OPERATOR, sqlite_store, *arguments)
    assert names(sqlite_store) == ["old"]


@pytest.mark.parametrize("leaving", ["removed", "demoted"])
def test_who_leaves_takes_their_tokens_along_except_those_that_send(
    sqlite_store: Store, leaving: str
) -> None:
    """An app must not fall silent; the audit names what was revoked."""
    for name in ("ana", "zoe"):
        with_user(sqlite_store, name)
    for name, scopes in (("a", ["read"]), ("b", ["ingest"]), ("c", ["ingest", "read"])):
        tokens.add_token(ANA, sqlite_store, name, scopes, None)
    tokens.add_token(OPERATOR, sqlite_store, "d", ["admin"], None)
    if leaving == "removed":
        users.remove_user(OPERATOR, sqlite_store, "ana")
    else:
        users.set_role(OPERATOR, sqlite_store, "ana", Role.GUEST)
    assert names(sqlite_store) == ["d", "b"]
    with sqlite_store.read() as connection:
        last = connection.execute(sqlite_store.tables.audit.select()).all()[-1]
    assert last.value_after.endswith("(tokens revoked: a, c)")
