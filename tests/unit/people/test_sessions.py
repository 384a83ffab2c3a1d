"""Sessions: what ends them, and that nothing in the database opens one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from otel_fmd.actions import account, users
from otel_fmd.actions.tokens import add_token
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.people import sessions as module
from otel_fmd.people.actor import OPERATOR, Role
from otel_fmd.people.passwords import hashed
from otel_fmd.people.sessions import ABSOLUTE_US, IDLE_US, Sessions
from otel_fmd.people.tokens import find_token
from otel_fmd.store.store import Store
from tests.support.clock import Clock
from tests.support.people import PASSWORD, user_named, with_user

HOUR_US = 3_600_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stands still until it is set."""
    found = Clock()
    monkeypatch.setattr(module, "now_us", found)
    return found


@pytest.fixture
def two(sqlite_store: Store) -> Store:
    """Two admins, ana and zoe."""
    with_user(sqlite_store, "ana")
    with_user(sqlite_store, "zoe")
    return sqlite_store


def start(store: Store, name: str) -> str:
    """A session of a user; its secret."""
    user = user_named(store, name)
    assert user is not None
    return Sessions(store).start(user, "127.0.0.1", "Firefox")


def who(store: Store, secret: str) -> str | None:
    """Whose session it is, in another process."""
    found = Sessions(store).find(secret)
    return None if found is None else found.user.username


def test_a_removed_user_leaves_nothing_to_the_next_one_with_its_id(two: Store) -> None:
    """SQLite gives the id of the last row out again."""
    secret = start(two, "zoe")
    old = user_named(two, "zoe")
    users.remove_user(OPERATOR, two, "zoe")
    new = with_user(two, "eve")
    assert old is not None
    assert new.id == old.id
    assert who(two, secret) is None


def by_fmd(store: Store) -> None:
    """The original dashboard, or SQL, removes a user and adds another."""
    user = store.tables.user
    with store.write() as connection:
        connection.execute(delete(user).where(user.c.username == "zoe"))
        values = {"username": "eve", "password_hash": hashed(PASSWORD), "is_admin": True}
        connection.execute(insert(user).values(**values))


def password_by_sql(store: Store) -> None:
    """A password is changed by another program."""
    user = store.tables.user
    with store.write() as connection:
        new = update(user).where(user.c.username == "zoe").values(password_hash=hashed("another"))
        connection.execute(new)


@pytest.mark.parametrize(
    "ending",
    [
        lambda s: users.remove_user(OPERATOR, s, "zoe"),
        lambda s: users.set_password(
            OPERATOR, s, "zoe", "an even longer sentence", passwords_on=True
        ),
        lambda s: users.set_role(OPERATOR, s, "zoe", Role.GUEST),
        lambda s: account.change_own_password(
            _actor(s, "zoe"), s, PASSWORD, "an even longer sentence", passwords_on=True
        ),
        by_fmd,
        password_by_sql,
    ],
    ids=["removed", "password", "role", "own password", "removed by FMD", "password by SQL"],
)
def test_what_ends_all_sessions_of_a_user(two: Store, ending: Callable[[Store], Any]) -> None:
    """At once, and nobody else's."""
    secrets, other = [start(two, "zoe") for _ in range(2)], start(two, "ana")
    ending(two)
    assert [who(two, secret) for secret in secrets] == [None, None]
    assert who(two, other) == "ana"


def _actor(store: Store, name: str) -> Any:
    found = user_named(store, name)
    assert found is not None
    return found.actor("127.0.0.1")


def test_logout_ends_the_session_of_this_browser(two: Store) -> None:
    """A copy of its cookie is worth nothing; other browsers stay."""
    one, other = start(two, "zoe"), start(two, "zoe")
    found = Sessions(two).find(one)
    assert found is not None
    Sessions(two).end(found.session)
    assert who(two, one) is None
    assert who(two, other) == "zoe"


def test_a_session_that_is_not_used_expires(two: Store, clock: Clock) -> None:
    """After a day; each use starts that day again, to the minute."""
    secret = start(two, "zoe")
    clock.now_us += IDLE_US - HOUR_US
    assert who(two, secret) == "zoe"
    clock.now_us += IDLE_US - HOUR_US
    assert who(two, secret) == "zoe"
    clock.now_us += IDLE_US + 1
    assert who(two, secret) is None


def test_a_session_in_use_expires_too(two: Store, clock: Clock) -> None:
    """After fourteen days."""
    secret, began = start(two, "zoe"), clock.now_us
    while clock.now_us + 20 * HOUR_US - began <= ABSOLUTE_US:
        clock.now_us += 20 * HOUR_US
        assert who(two, secret) == "zoe"
    clock.now_us = began + ABSOLUTE_US + 1
    assert who(two, secret) is None


def test_expired_sessions_are_removed_at_the_next_login(two: Store, clock: Clock) -> None:
    """The table does not grow."""
    for _ in range(5):
        start(two, "zoe")
    clock.now_us += IDLE_US + 1
    start(two, "ana")
    with two.read() as connection:
        assert len(connection.execute(two.tables.session.select()).all()) == 1


def test_nothing_in_the_database_opens_a_session(two: Store) -> None:
    """Neither a stored hash nor any other value of any table is a cookie."""
    secret = start(two, "zoe")
    with two.read() as connection:
        values = {
            str(value)
            for table in two.tables.metadata.sorted_tables
            for row in connection.execute(table.select())
            for value in row
        }
    assert len(values) > 10
    assert secret not in values
    assert [who(two, value) for value in values] == [None] * len(values)


def test_one_s_own_sessions_are_listed_and_ended(two: Store) -> None:
    """Those of others cannot be."""
    mine, other, theirs = start(two, "zoe"), start(two, "zoe"), start(two, "ana")
    hashes = {}
    for secret in (mine, other, theirs):
        found = Sessions(two).find(secret)
        assert found is not None
        hashes[secret] = found.session.hash
    actor = user_named(two, "zoe").actor("::1", hashes[mine])  # type: ignore[union-attr]
    with pytest.raises(Exception, match="has ended already"):
        account.end_own_session(actor, two, hashes[theirs])
    assert account.end_own_other_sessions(actor, two) == 1
    assert [who(two, one) for one in (mine, other, theirs)] == ["zoe", None, "ana"]
    account.end_own_session(actor, two, hashes[mine])
    assert who(two, mine) is None


def test_a_session_goes_on_while_nothing_can_be_written(
    two: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, a database that is read-only for now: what is stored can be looked at."""
    secret = start(two, "zoe")
    token = add_token(OPERATOR, two, "ci", ["read"], None)

    @contextmanager
    def full(*_: Any, **__: Any) -> Iterator[Any]:
        raise StoreUnavailableError("the disk is full", "full")
        yield

    monkeypatch.setattr(Store, "write", full)
    clock.now_us += HOUR_US
    assert who(two, secret) == "zoe"
    assert find_token(two, token) is not None
