"""Limits on failed logins: whom they stop, and whom they must not."""

from __future__ import annotations

import threading

import pytest

from otel_fmd.people import attempts as module
from otel_fmd.people.attempts import LoginAttempts
from otel_fmd.store.store import Store

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    """The time of attempts, which tests set."""

    def __init__(self) -> None:
        self.now_us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now_us

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_us += int(seconds * 1e6)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stands still until it is set."""
    found = Clock()
    monkeypatch.setattr(module, "_now_us", found)
    return found


@pytest.fixture
def attempts(sqlite_store: Store) -> LoginAttempts:
    """Nobody has tried yet."""
    return LoginAttempts(sqlite_store)


def test_a_name_from_one_address_has_five_failures(attempts: LoginAttempts, clock: Clock) -> None:
    """Then it waits until five minutes after the first; another address does not."""
    assert [attempts.admit("ana", HERE) for _ in range(6)] == [0, 0, 0, 0, 0, 300]
    assert attempts.admit("ana", THERE) == 0
    assert attempts.admit("ben", HERE) == 0
    clock.wait(100)
    assert attempts.admit("ana", HERE) == 200
    clock.wait(201)
    assert attempts.admit("ana", HERE) == 0


def test_other_processes_count_the_same(sqlite_store: Store, clock: Clock) -> None:
    """The counters are in the database."""
    found = [LoginAttempts(sqlite_store).admit("ana", HERE) for _ in range(6)]
    assert found == [0, 0, 0, 0, 0, 300]


def test_an_address_has_a_hundred_failures(attempts: LoginAttempts, clock: Clock) -> None:
    """Whatever the names."""
    assert {attempts.admit(f"user{n}", HERE) for n in range(100)} == {0}
    assert attempts.admit("ana", HERE) == 900
    assert attempts.admit("ana", THERE) == 0


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
        attempts.admit("ana", one)
    assert (attempts.admit("ana", other) > 0) is same


def test_a_name_tried_from_many_addresses_waits_longer_and_longer(
    attempts: LoginAttempts, clock: Clock
) -> None:
    """Up to a minute: fewer than a hundred guesses an hour, and nobody is locked out."""
    waits = []
    for n in range(20):
        address = f"198.51.100.{n}"
        wait = attempts.admit("ana", address)
        waits.append(wait)
        clock.wait(wait)
        if wait:
            assert attempts.admit("ana", address) == 0
    assert waits == [0] * 10 + [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    clock.wait(3601)
    assert attempts.admit("ana", "203.0.113.1") == 0


def test_a_browser_that_logged_in_before_is_never_stopped_by_others(
    attempts: LoginAttempts, clock: Clock
) -> None:
    """Everybody at one address, as behind a proxy, tries; the admin still comes in."""
    browser = attempts.recognise("ana", "")
    for _ in range(5):
        attempts.admit("ana", HERE)
    for n in range(100):
        attempts.admit(f"user{n}", HERE)
    assert attempts.admit("ana", HERE) > 0
    assert attempts.admit("ana", HERE, browser) == 0
    assert attempts.admit("ben", HERE, browser) > 0
    assert attempts.admit("ana", HERE, "forged") > 0


def test_a_stolen_browser_cookie_allows_five_failures(
    attempts: LoginAttempts, clock: Clock
) -> None:
    """Then it is as good as none; a login replaces it."""
    browser = attempts.recognise("ana", "")
    for _ in range(5):
        attempts.admit("ana", HERE)
    assert [attempts.admit("ana", HERE, browser) > 0 for _ in range(6)] == [False] * 5 + [True]
    second = attempts.recognise("ana", browser)
    assert attempts.admit("ana", HERE, second) == 0
    assert attempts.admit("ana", HERE, browser) > 0


def test_a_right_password_is_forgiven(attempts: LoginAttempts, clock: Clock) -> None:
    """Its own attempt does not count; what others at the address failed still does."""
    for _ in range(96):
        attempts.admit("someone", HERE) or attempts.admit("else", THERE)
    for _ in range(3):
        attempts.admit("ana", HERE)
    attempts.forgive("ana", HERE)
    assert [attempts.admit("ana", HERE) for _ in range(5)] == [0, 0, 0, 0, 0]


def test_the_oldest_are_evicted_never_all(
    sqlite_store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of names neither fills the table nor frees those that are stopped now."""
    monkeypatch.setattr(module, "_MOST_ROWS", 50)
    attempts = LoginAttempts(sqlite_store)
    for n in range(40):
        clock.wait(0.001)
        attempts.admit(f"user{n}", f"198.51.100.{n}")
    for _ in range(5):
        clock.wait(0.001)
        attempts.admit("ana", HERE)
    for n in range(10):
        clock.wait(0.001)
        attempts.admit(f"more{n}", f"203.0.113.{n}")
    assert attempts.admit("ana", HERE) > 0
    with sqlite_store.read() as connection:
        rows = connection.execute(sqlite_store.tables.login_failure.select()).all()
    assert len(rows) == 50


def test_attempts_at_once_do_not_pass_the_limit(sqlite_store: Store, clock: Clock) -> None:
    """Each counts before its password is compared."""
    attempts = LoginAttempts(sqlite_store)
    waits: list[int] = []
    threads = [
        threading.Thread(target=lambda: waits.append(attempts.admit("ana", HERE)))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wait > 0 for wait in waits) == [False] * 5 + [True] * 7
