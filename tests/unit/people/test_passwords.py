"""Which passwords may be chosen, and that a login does not tell who exists."""

from __future__ import annotations

import statistics
import time

import pytest
from sqlalchemy import insert, select
from werkzeug.security import generate_password_hash

from otel_fmd.errors import ConfigurationError
from otel_fmd.people.passwords import accepted, is_outdated, is_right, unusable
from otel_fmd.people.users import verify
from otel_fmd.store.store import Store
from tests.support.people import PASSWORD, with_user

ROUNDS = 15
MOST_APART = 0.25


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "tr0ub4dor&3-and-more",
        "Zwölf Zeichen!",
        "密码是一个很长的秘密句子",
        "a long password",
    ],
)
def test_long_passwords_are_accepted(password: str) -> None:
    """Of any characters; nothing has to be in them."""
    assert is_right(accepted("ana", password), password)
    assert not is_right(accepted("ana", password), password + "x")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "has 0 characters: expected 12 to 1000"),
        ("11letterss!", "has 11 characters"),
        ("x" * 1001, "has 1001 characters"),
        ("password1234", "too common"),
        ("P@ssword2026!", "too common"),
        ("1234567890123", "too common"),
        ("qwertyuiop12", "too common"),
        ("aaaaaaaaaaaa", "too common"),
        ("abababababab", "too common"),
        ("administrator", "too common"),
        ("Margaret-2026!!", "contains the user name"),
    ],
)
def test_what_would_be_guessed_first_is_refused(password: str, words: str) -> None:
    """With the reason."""
    with pytest.raises(ConfigurationError, match=words):
        accepted("margaret", password)


def test_a_login_takes_as_long_for_a_name_that_nobody_has(sqlite_store: Store) -> None:
    """By the medians of many, from the first on."""
    with_user(sqlite_store, "ana")
    spent: dict[str, list[float]] = {"ana": [], "nobody": []}
    first = {}
    for _ in range(ROUNDS):
        for name in spent:
            began = time.thread_time()
            assert verify(sqlite_store, name, "a wrong password") is None
            spent[name].append(time.thread_time() - began)
            first.setdefault(name, spent[name][-1])
    known, unknown = (statistics.median(spent[name]) for name in ("ana", "nobody"))
    assert abs(known - unknown) < MOST_APART * known
    # The first of its process hashed twice once: it took double.
    assert first["nobody"] < 1.6 * unknown


@pytest.mark.parametrize("method", ["pbkdf2:sha256:1000", "scrypt:1024:8:1"])
def test_a_hash_of_an_older_method_is_renewed_at_the_next_login(
    sqlite_store: Store, method: str
) -> None:
    """FMD's users keep their passwords; afterwards theirs costs as much as any."""
    user = sqlite_store.tables.user
    with sqlite_store.write() as connection:
        old = generate_password_hash(PASSWORD, method)
        connection.execute(insert(user).values(username="ana", password_hash=old, is_admin=True))
    assert verify(sqlite_store, "ana", "a wrong password") is None
    assert stored(sqlite_store) == old
    first = verify(sqlite_store, "ana", PASSWORD)
    assert not is_outdated(stored(sqlite_store))
    # The session that begins now carries the stamp of the new hash.
    assert first == verify(sqlite_store, "ana", PASSWORD)


def stored(store: Store) -> str:
    """The only user's hash."""
    with store.read() as connection:
        return str(connection.execute(select(store.tables.user.c.password_hash)).scalar_one())


def test_a_user_of_a_provider_is_compared_as_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a hash that takes as long: else their names could be told from others."""
    compared: list[str] = []

    def compare(password_hash: str, password: str) -> bool:
        compared.append(password_hash)
        return True

    monkeypatch.setattr("werkzeug.security.check_password_hash", compare)
    assert not is_right(unusable("0" * 64), PASSWORD)
    assert not is_right(None, PASSWORD)
    assert compared[0] == compared[1]
    assert compared[0].startswith("scrypt:")
