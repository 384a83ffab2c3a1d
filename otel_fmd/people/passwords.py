"""Passwords: which are accepted, how they are hashed, and how they are compared.

Werkzeug hashes them, so FMD's users keep theirs, and FMD can check ours. A comparison takes as long
for a name that nobody has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from otel_fmd.errors import ConfigurationError

LEAST_LENGTH = 12
MOST_LENGTH = 1000
SWITCHED_OFF = "Passwords are switched off here (OTEL_FMD_PASSWORD_LOGIN=false)."
ELSEWHERE = "You have no password here: you log in with a provider."
_METHOD = "scrypt:32768:8:1"
_OF_NOBODY = (
    "scrypt:32768:8:1$fPUMdLu0pSXOfgn5$a3c612f5b95a7976002b304fad8331b8c1b343e27ae679f530e07bd1"
    "63eeb0de4679c183a98b01cb290e0b0d8b0b4758075cfe63ebfe4f84fa17e0227b40c03b"
)
"""A hash that costs as much to compare as a user's; no password is known to have it."""
_OF_IDENTITY = "oidc$"
_COMMON = (
    "0123456789",
    "1234567890",
    "123456789",
    "987654321",
    "1q2w3e4r5t",
    "abcdefgh",
    "administrator",
    "changeme",
    "correcthorsebatterystaple",
    "dashboard",
    "default",
    "football",
    "iloveyou",
    "letmein",
    "monitoring",
    "otelfmd",
    "passwort",
    "password",
    "qwerty",
    "qwertyuiop",
    "secret",
    "trustno",
    "welcome",
)
"""What the most common passwords of this length are made of, in lower case."""
_LEAST_DIFFERENT = 5
_hashing = Lock()
_PATIENCE_S = 10.0


def require_switched_on(is_on: bool) -> None:
    """Check that people log in with passwords at all.

    Args:
        is_on: the setting `password_login`.

    Raises:
        ConfigurationError: they do not.
    """
    if not is_on:
        raise ConfigurationError(SWITCHED_OFF, SWITCHED_OFF)


def check_password(username: str, password: str) -> None:
    """Check that a password may be chosen.

    Raises:
        ConfigurationError: it is too short or too long, common, or contains the user's name.
    """
    if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
        raise ConfigurationError(
            f"the password has {len(password)} characters: expected {LEAST_LENGTH} to {MOST_LENGTH}"
        )
    plain = password.lower()
    if len(username) > 2 and username.lower() in plain:
        raise ConfigurationError("the password contains the user name: choose another one")
    rest = plain.translate(_LOOKALIKES)
    for common in sorted(_COMMON, key=len, reverse=True):
        rest = rest.replace(common, "")
    if len(set(plain)) < _LEAST_DIFFERENT or len(rest) < LEAST_LENGTH // 2:
        raise ConfigurationError("the password is too common: choose another one")


_LOOKALIKES = str.maketrans({"@": "a", "$": "s"})


def accepted(username: str, password: str) -> str:
    """The hash of a password that may be chosen; call it before a transaction, it takes 75 ms.

    Raises:
        ConfigurationError: it is too short or too long, common, or contains the user's name.
    """
    check_password(username, password)
    return hashed(password)


def hashed(password: str) -> str:
    """The hash that is stored."""
    from werkzeug.security import generate_password_hash

    return generate_password_hash(password, _METHOD)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A turn to compare a password: each takes 32 MiB and 75 ms."""
    # In a process forked meanwhile, the lock is never released: so the wait is bounded.
    has_turn = _hashing.acquire(timeout=_PATIENCE_S)
    try:
        yield
    finally:
        if has_turn:
            _hashing.release()


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether a password has this hash.

    Without a user, or for one who has no password, it takes as long, and is not.
    """
    from werkzeug.security import check_password_hash

    usable = password_hash if password_hash and is_usable(password_hash) else None
    same = check_password_hash(usable or _OF_NOBODY, password)
    return same and usable is not None


def unusable(identity_hash: str) -> str:
    """What stands in the place of a password's hash for somebody who has an identity elsewhere.

    It ties the user to that identity: whoever gets another one here, or a password, is not theirs.
    """
    return f"{_OF_IDENTITY}{identity_hash}"


def is_usable(password_hash: str) -> bool:
    """Whether there is a password with this hash."""
    return not password_hash.startswith(_OF_IDENTITY)


def is_outdated(password_hash: str) -> bool:
    """Whether the hash is of an older method, and is to be renewed when its password is known."""
    return not password_hash.startswith(f"{_METHOD}$")
