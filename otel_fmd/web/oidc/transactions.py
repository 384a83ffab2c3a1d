"""Logins that a browser has under way, in a cookie of its own that lasts ten minutes.

Of each there is one random secret. State, nonce and code verifier are hashes of it, so that they
cannot be told from each other, and nothing has to be stored here: any process can go on with what
another began. A few may be under way, one in each tab; each is over with the first answer to it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

from werkzeug.wrappers import Response

from otel_fmd.people.secret import hash_of, new_secret
from otel_fmd.web.cookies import TRANSACTION_S, TRANSACTIONS, cookie, set_cookie

_MOST = 3
_LONGEST_NEXT = 400


class Transaction(NamedTuple):
    """A login that was begun.

    Args:
        provider: with which, by name.
        secret: known to this browser only.
        began_s: when, in unix seconds.
        next: where to go afterwards; not checked.
    """

    provider: str
    secret: str
    began_s: int
    next: str

    @property
    def state(self) -> str:
        """Comes back with the answer."""
        return hash_of("state", self.secret)

    @property
    def nonce(self) -> str:
        """Comes back in the ID token."""
        return hash_of("nonce", self.secret)

    @property
    def verifier(self) -> str:
        """Shows to the provider that who brings the code began the login (RFC 7636)."""
        return hash_of("verifier", self.secret)


def begin(provider: str, next_: str) -> Transaction:
    """A new login; `keep` gives it to the browser."""
    target = next_ if len(json.dumps(next_)) <= _LONGEST_NEXT else ""
    return Transaction(provider, new_secret(), int(time.time()), target)


def keep(response: Response, begun: Transaction) -> None:
    """Have the browser keep a login, beside the latest others."""
    _write(response, [*_read(), begun][-_MOST:])


def find(provider: str, state: str) -> Transaction | None:
    """The login with a provider to which this answer belongs; None if this browser began none."""
    given = state.encode("utf-8", "surrogatepass")
    for one in _read():
        if one.provider == provider and hmac.compare_digest(one.state.encode(), given):
            return one
    return None


def finish(response: Response, over: Transaction) -> None:
    """Have the browser forget a login, whatever became of it."""
    _write(response, [one for one in _read() if one != over])


def _write(response: Response, ones: Sequence[Transaction]) -> None:
    text = json.dumps(ones).encode()
    value = base64.urlsafe_b64encode(text).decode() if ones else ""
    set_cookie(response, TRANSACTIONS, value)


def _read() -> list[Transaction]:
    """What the cookie holds; nobody but the browser can have changed it, and only to its harm."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cookie(TRANSACTIONS)))
        ones = [Transaction(str(a), str(b), int(c), str(d)) for a, b, c, d in found]
    except (binascii.Error, ValueError, TypeError, RecursionError):
        return []
    now = time.time()
    return [one for one in ones[:_MOST] if 0 <= now - one.began_s <= TRANSACTION_S]
