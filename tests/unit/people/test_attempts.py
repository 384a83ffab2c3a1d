"""Limits on failed logins: whom they stop, and whom they must not."""

from __future__ import annotations

import threading

import pytest

from otel_fmd.errors import TooManyAttemptsError
from otel_fmd.people import attempts as module
from otel_fmd.people.attempts import LoginAttempts
from otel_fmd.people.logins import log_in
from otel_fmd.store.store import Store
from tests.support.clock import Clock
from tests.support.people import PASSWORD, with_user

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stands still until it is set."""
    found = Clock()
    monkeypatch.setattr(module, "now_us", found)
    return found


@pytest.fixture
def attempts(sqlite_store: Store) -> LoginAttempts:
    """Nobody has tried yet."""
    return LoginAttempts(sqlite_store)


def admit(attempts: LoginAttempts, username: str, address: str, browser: str = "") -> int:
    """How long a wrong password has to wait; counted if it need not."""
    wait_s = attempts.wait_s(username, address, browser)
    if not wait_s:
        attempts.failed(username, address, browser)
    return wait_s


def test_a_name_from_one_address_has_five_failures(attempts: LoginAttempts, clock: Clock) -> None:
    """Then it waits until five minutes after the first; another address does not."""
    assert [admit(attempts, "ana", HERE) for _ in range(6)] == [0, 0, 0, 0, 0, 300]
    assert admit(attempts, "ana", THERE) == 0
    assert admit(attempts, "ben", HERE) == 0
    clock.wait(100)
    assert admit(attempts, "ana", HERE) == 200
    clock.wait(201)
    assert admit(attempts, "ana", HERE) == 0


def test_other_processes_count_the_same(sqlite_store: Store, clock: Clock) -> None:
    """The counters are in the database."""
    found = [admit(LoginAttempts(sqlite_store), "ana", HERE) for _ in range(6)]
    assert found == [0, 0, 0, 0, 0, 300]


def test_an_address_has_a_hundred_failures(attempts: LoginAttempts, clock: Clock) -> None:
    """Whatever the names."""
    assert {admit(attempts, f"user{n}", HERE) for n in range(100)} == {0}
    assert admit(attempts, "ana", HERE) == 900
    assert admit(attempts, "ana", THERE) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2:3:4:5", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("unix:", "unix:", True),
    ],
)
def test_what_one_attacker_has_is_one_address(
    attempts: LoginAttempts, clock: Clock, one: str, other: str, same: bool
) -> None:
    """Of IPv6 a /64."""
    for _ in range(5):
        admit(attempts, "ana", one)
    assert (admit(attempts, "ana", other) > 0) is same


def test_a_name_tried_from_many_addresses_waits_longer_and_longer(
    attempts: LoginAttempts, clock: Clock
) -> None:
    """Up to a minute: fewer than a hundred guesses an hour, and nobody is locked out."""
    waits = []
    for n in range(20):
        address = f"198.51.100.{n}"
        wait = admit(attempts, "ana", address)
        waits.append(wait)
        clock.wait(wait)
        if wait:
            assert admit(attempts, "ana", address) == 0
    assert waits == [0] * 10 + [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    clock.wait(3601)
    assert admit(attempts, "ana", "203.0.113.1") == 0


def test_a_browser_that_logged_in_before_is_never_stopped_by_others(
    attempts: LoginAttempts, clock: Clock
) -> None:
    """Everybody at one address, as behind a proxy, tries; the admin still comes in."""
    browser = attempts.recognise("ana", "")
    for _ in range(5):
        admit(attempts, "ana", HERE)
    for n in range(100):
        admit(attempts, f"user{n}", HERE)
    assert admit(attempts, "ana", HERE) > 0
    assert admit(attempts, "ana", HERE, browser) == 0
    assert admit(attempts, "ben", HERE, browser) > 0
    assert admit(attempts, "ana", HERE, "forged") > 0


def test_a_stolen_browser_cookie_allows_five_failures(
    attempts: LoginAttempts, clock: Clock
) -> None:
    """Then it is as good as none; a login replaces it."""
    browser = attempts.recognise("ana", "")
    for _ in range(5):
        admit(attempts, "ana", HERE)
    assert [admit(attempts, "ana", HERE, browser) > 0 for _ in range(6)] == [False] * 5 + [True]
    second = attempts.recognise("ana", browser)
    assert admit(attempts, "ana", HERE, second) == 0
    assert admit(attempts, "ana", HERE, browser) > 0


def test_a_right_password_is_forgiven(attempts: LoginAttempts, clock: Clock) -> None:
    """The failures of this user; those of others at the address still count."""
    for n in range(96):
        admit(attempts, f"user{n}", HERE)
    for _ in range(4):
        admit(attempts, "ana", HERE)
    attempts.forgive("ana", HERE)
    assert attempts.wait_s("ana", THERE) == 0
    assert attempts.wait_s("ana", HERE) == attempts.wait_s("ben", HERE) == 900
    clock.wait(901)
    assert [admit(attempts, "ana", HERE) for _ in range(5)] == [0, 0, 0, 0, 0]


def test_the_oldest_are_evicted_never_all(
    sqlite_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of names neither fills the table nor frees those that are stopped now."""
    monkeypatch.setattr(module, "_MOST_ROWS", 50)
    attempts = LoginAttempts(sqlite_store)
    for n in range(40):
        clock.wait(0.001)
        admit(attempts, f"user{n}", f"198.51.100.{n}")
    for _ in range(5):
        clock.wait(0.001)
        admit(attempts, "ana", HERE)
    for n in range(10):
        clock.wait(0.001)
        admit(attempts, f"more{n}", f"203.0.113.{n}")
    assert admit(attempts, "ana", HERE) > 0
    with sqlite_store.read() as connection:
        rows = connection.execute(sqlite_store.tables.login_failure.select()).all()
    assert len(rows) == 50


def at_once(store: Store, password: str, number: int) -> list[str]:
    """What so many attempts at once with a password end with."""
    found: list[str] = []

    def attempt() -> None:
        try:
            found.append("in" if log_in(store, "ana", password, HERE) else "wrong")
        except TooManyAttemptsError:
            found.append("wait")

    threads = [threading.Thread(target=attempt) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def test_attempts_at_once_do_not_pass_the_limit(sqlite_store: Store) -> None:
    """Each asks, and counts, in its turn."""
    with_user(sqlite_store, "ana")
    assert at_once(sqlite_store, "wrong", 12) == ["wait"] * 7 + ["wrong"] * 5
    assert at_once(sqlite_store, PASSWORD, 2) == ["wait"] * 2


def test_those_who_know_the_password_do_not_stop_each_other(sqlite_store: Store) -> None:
    """A dozen browsers, or scripts, at once."""
    with_user(sqlite_store, "ana")
    assert at_once(sqlite_store, PASSWORD, 12) == ["in"] * 12
