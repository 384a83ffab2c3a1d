"""The first user: from the settings, or with a link that works once."""

from __future__ import annotations

import threading

import pytest

from otel_fmd.actions.account import set_up
from otel_fmd.actions.identities import admit
from otel_fmd.errors import ConfigurationError
from otel_fmd.people import setup as module
from otel_fmd.people.actor import Role
from otel_fmd.people.identities import Identity
from otel_fmd.people.setup import is_setup_link, new_setup_link, prepare_first_user
from otel_fmd.people.users import verify
from otel_fmd.store.store import Store
from tests.support.people import PASSWORD, users_of, with_user


def secret_of(path: str | None) -> str:
    """Of a link."""
    assert path is not None
    assert path.startswith("setup/")
    return path.removeprefix("setup/")


def test_a_link_works_once(sqlite_store: Store) -> None:
    """It creates an admin; no other link works afterwards."""
    first = secret_of(prepare_first_user(sqlite_store, "admin", ""))
    second = secret_of(prepare_first_user(sqlite_store, "admin", ""))
    assert is_setup_link(sqlite_store, first)
    user = set_up(sqlite_store, first, "ana", PASSWORD, "192.0.2.1")
    assert user.is_admin
    assert verify(sqlite_store, "ana", PASSWORD) == user
    for secret in (first, second):
        assert not is_setup_link(sqlite_store, secret)
        with pytest.raises(ConfigurationError, match="was used or has expired"):
            set_up(sqlite_store, secret, "eve", PASSWORD, "192.0.2.1")
    assert prepare_first_user(sqlite_store, "admin", "") is None
    with pytest.raises(ConfigurationError, match="there are users already"):
        new_setup_link(sqlite_store)


def test_a_link_expires_within_a_day(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in an old log opens nothing."""
    now = 1_800_000_000_000_000
    monkeypatch.setattr(module, "now_us", lambda: now)
    secret = secret_of(new_setup_link(sqlite_store))
    now += 24 * 3600 * 1_000_000 - 1
    assert is_setup_link(sqlite_store, secret)
    now += 1
    assert not is_setup_link(sqlite_store, secret)
    with pytest.raises(ConfigurationError, match="was used or has expired"):
        set_up(sqlite_store, secret, "ana", PASSWORD, "")
    assert users_of(sqlite_store) == []


def test_a_link_stays_after_a_password_that_is_refused(sqlite_store: Store) -> None:
    """One may try again."""
    secret = secret_of(new_setup_link(sqlite_store))
    with pytest.raises(ConfigurationError, match="expected 12 to"):
        set_up(sqlite_store, secret, "ana", "short", "")
    assert is_setup_link(sqlite_store, secret)


def test_two_who_open_the_link_at_once_are_not_both_admins(sqlite_store: Store) -> None:
    """The second is told that it was used."""
    secret, errors = secret_of(new_setup_link(sqlite_store)), []

    def create(name: str) -> None:
        try:
            set_up(sqlite_store, secret, name, PASSWORD, "")
        except ConfigurationError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=create, args=(f"user{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(users_of(sqlite_store)) == 1
    assert errors == ["this set-up link was used or has expired"] * 3


def test_the_first_user_of_the_settings_is_an_admin_and_audited(sqlite_store: Store) -> None:
    """Only if there are no users."""
    assert prepare_first_user(sqlite_store, "root", PASSWORD) is None
    assert [(one.username, one.is_admin) for one in users_of(sqlite_store)] == [("root", True)]
    assert prepare_first_user(sqlite_store, "eve", PASSWORD) is None
    assert len(users_of(sqlite_store)) == 1
    with sqlite_store.read() as connection:
        (row,) = connection.execute(sqlite_store.tables.audit.select()).all()
    assert (row.actor, row.action, row.target) == ("(settings)", "user.add", "root")


def test_nothing_in_the_database_is_a_link(sqlite_store: Store) -> None:
    """Of its secret there is a hash."""
    secret = secret_of(new_setup_link(sqlite_store))
    with sqlite_store.read() as connection:
        (row,) = connection.execute(sqlite_store.tables.setup_link.select()).all()
    assert row.hash != secret
    assert not is_setup_link(sqlite_store, row.hash)


def test_with_users_a_link_of_before_is_worth_nothing(sqlite_store: Store) -> None:
    """The command line was faster."""
    secret = secret_of(new_setup_link(sqlite_store))
    with_user(sqlite_store, "ana")
    assert not is_setup_link(sqlite_store, secret)


def test_a_guest_of_a_provider_does_not_use_the_link_up(sqlite_store: Store) -> None:
    """They may be the first who logs in; somebody has to become an admin all the same."""
    identity = Identity("https://id.example.com", "1")
    secret = secret_of(new_setup_link(sqlite_store))
    admit(sqlite_store, "acme", identity, "ben", Role.GUEST)
    assert is_setup_link(sqlite_store, secret)
    admit(sqlite_store, "acme", identity, "ben", Role.ADMIN)
    assert not is_setup_link(sqlite_store, secret)
