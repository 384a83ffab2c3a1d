"""Random secrets that are given out once, and of which only a hash is stored."""

from __future__ import annotations

import hashlib
import secrets

BYTES = 32


def new_secret() -> str:
    """256 random bits as text that a cookie or an address can hold."""
    return secrets.token_urlsafe(BYTES)


def hash_of(*parts: str) -> str:
    """The SHA-256, in hexadecimal, of a secret or of texts that identify something.

    A random secret needs no slow hash: nobody can try 2**256 of them.
    """
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
