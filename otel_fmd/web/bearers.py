"""Who acts with a bearer token: API tokens, and FMD's security token."""

from __future__ import annotations

import hmac
import logging

from otel_fmd.people.actor import Actor, Role
from otel_fmd.people.tokens import find_token
from otel_fmd.store.store import Store
from otel_fmd.web.security import Bearers

_log = logging.getLogger(__name__)
_LEAST = 16
_PUBLISHED = "cc83733cb0af8b884ff6577086b87909"
"""The token in FMD's documentation, which everybody knows."""


def bearers(store: Store, security_token: str) -> Bearers:
    """Finds the actor of a token.

    Args:
        store: the database with the API tokens.
        security_token: the setting; reads, if it is long enough to guard anything.
    """
    if security_token and (len(security_token) < _LEAST or security_token == _PUBLISHED):
        _log.warning(
            "SECURITY_TOKEN is not accepted: expected at least %d characters, and not those of "
            "FMD's documentation",
            _LEAST,
        )
        security_token = ""

    def find(secret: str, address: str) -> Actor | None:
        given, known = secret.encode("utf-8", "replace"), security_token.encode()
        if known and hmac.compare_digest(given, known):
            return Actor("security token", Role.GUEST, address)
        token = find_token(store, secret)
        return None if token is None else token.actor(address)

    return find
