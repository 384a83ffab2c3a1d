"""People on every engine: what is unique, what is counted, what ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from otel_fmd.actions import account, identities, tokens, users
from otel_fmd.errors import ConfigurationError, TooManyAttemptsError
from otel_fmd.people.actor import OPERATOR, Role
from otel_fmd.people.audit import entries
from otel_fmd.people.identities import Identity, identity_of, user_of
from otel_fmd.people.logins import log_in
from otel_fmd.people.sessions import Sessions
from otel_fmd.people.setup import new_setup_link
from otel_fmd.people.tokens import all_tokens, find_token
from otel_fmd.people.users import all_users
from otel_fmd.store.store import Store
from otel_fmd.upkeep.retention import Ages, Retention
from tests.support.people import PASSWORD

HERE = "192.0.2.1"


def test_from_the_first_user_to_an_empty_audit(store: Store) -> None:
    """Set-up, login, limits, sessions, tokens; each change audited, names of any case unique."""
    secret = new_setup_link(store).removeprefix("setup/")
    ana = account.set_up(store, secret, "ana", PASSWORD, HERE)
    users.add_user(OPERATOR, store, "Ana", PASSWORD, Role.GUEST, passwords_on=True)
    with pytest.raises(ConfigurationError, match="exists already"):
        users.add_user(OPERATOR, store, "ana", PASSWORD, Role.GUEST, passwords_on=True)
    assert log_in(store, "ana", PASSWORD, HERE) == ana
    sessions = Sessions(store)
    cookie = sessions.start(ana, HERE, "Firefox" * 100)
    found = sessions.find(cookie)
    assert found is not None
    assert found.user == ana
    for _ in range(5):
        assert log_in(store, "Ana", "wrong", HERE) is None
    with pytest.raises(TooManyAttemptsError):
        log_in(store, "Ana", PASSWORD, HERE)
    assert log_in(store, "ana", PASSWORD, HERE) == ana
    token = tokens.add_token(OPERATOR, store, "ci", ["read"], 1)
    with pytest.raises(ConfigurationError, match="exists already"):
        tokens.add_token(OPERATOR, store, "ci", ["read"], 1)
    assert find_token(store, token) is not None
    tokens.remove_token(OPERATOR, store, "ci")
    assert find_token(store, token) is None
    users.set_role(OPERATOR, store, "Ana", Role.ADMIN)
    users.remove_user(OPERATOR, store, "ana")
    assert sessions.find(cookie) is None
    with store.read() as connection:
        audited = [one.action for one in entries(connection, store.tables, (0, 2**62), 100)]
    assert audited == [
        "user.remove",
        "user.role",
        "token.revoke",
        "token.add",
        "user.add",
        "user.add",
    ]
    assert Retention(store).prune(Ages(audit=0.000_000_001)) == {"audit": 6}


def test_identities_elsewhere(store: Store) -> None:
    """One user each, found by issuer and subject, in their case; a lost role ends all of it."""
    ana = Identity("https://id.example.com", "Ana")
    user = identities.admit(store, "acme", ana, "ana", Role.ADMIN, HERE)
    assert user.username == "ana@acme"
    assert identities.admit(store, "acme", ana, "ana", Role.ADMIN, HERE) == user
    other = Identity("https://id.example.com", "ana")
    assert identities.admit(store, "acme", other, "ana", Role.GUEST).username == "ana-2@acme"
    sessions = Sessions(store)
    cookie = sessions.start(user, HERE, "Firefox")
    tokens.add_token(user.actor(), store, "ci", ["read"], 1)
    identities.shut_out(store, "acme", ana, HERE)
    assert sessions.find(cookie) is None
    with store.read() as connection:
        found = user_of(connection, store.tables, ana)
        assert found is not None
        assert not found.is_admin
        assert identity_of(connection, store.tables, found) == ana
        assert all_tokens(connection, store.tables) == []
    users.add_user(OPERATOR, store, "root", PASSWORD, Role.ADMIN, passwords_on=True)
    users.remove_user(OPERATOR, store, "ana@acme")
    with store.read() as connection:
        assert user_of(connection, store.tables, ana) is None
        assert len(connection.execute(store.tables.identity.select()).all()) == 1


def test_two_browsers_of_a_new_person_make_one_user(store: Store) -> None:
    """In two processes at the same moment."""
    ana = Identity("https://id.example.com", "1")
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda _: identities.admit(store, "acme", ana, "ana", Role.GUEST), range(4))
        )
    assert {one.username for one in made} == {"ana@acme"}
    with store.read() as connection:
        assert [one.username for one in all_users(connection, store.tables)] == ["ana@acme"]
