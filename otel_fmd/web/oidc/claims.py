"""What claims say of somebody: their role here, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from otel_fmd.config import Provider
from otel_fmd.people.actor import Role

EMAIL = "email"
_VERIFIED = "email_verified"


def role_of(provider: Provider, claims: Mapping[str, Any]) -> Role | None:
    """The role that a provider's claims give; None: they may not log in."""
    values = {one for path in provider.role_claims for one in _values(claims, path)}
    if values & set(provider.admin_values):
        return Role.ADMIN
    if values & set(provider.guest_values) or provider.default_role:
        return Role.GUEST
    return None


def has_role_claims(provider: Provider, claims: Mapping[str, Any]) -> bool:
    """Whether every claim that decides the role is there."""
    return all(any(_found(claims, path)) for path in provider.role_claims)


def name_of(provider: Provider, claims: Mapping[str, Any]) -> str:
    """How somebody is called: by the claim that the settings name, or by the first usual one."""
    for path in (*_name_paths(provider), "sub"):
        for value in _values(claims, path):
            if value.strip() and value.isprintable():
                return value.strip()
    return "user"


def has_name(provider: Provider, claims: Mapping[str, Any]) -> bool:
    """Whether a claim with the name is there."""
    return any(any(_values(claims, path)) for path in _name_paths(provider))


def _name_paths(provider: Provider) -> tuple[str, ...]:
    return (provider.username_claim,) if provider.username_claim else ("preferred_username", EMAIL)


def _values(claims: Mapping[str, Any], path: str) -> Iterator[str]:
    """The texts at a path: of one claim, of a list, or the names in an object.

    An e-mail address that the provider has not verified is whatever somebody typed: none.
    """
    if path == EMAIL and claims.get(_VERIFIED) not in (True, "true"):
        return
    for found in _found(claims, path):
        ones = found if isinstance(found, list | dict) else [found]
        yield from (one for one in ones if isinstance(one, str))


def _found(claims: Mapping[str, Any], path: str) -> Iterator[Any]:
    """What is at a dotted path; names may have dots of their own, as URLs have."""
    if path in claims:
        yield claims[path]
        return
    parts = path.split(".")
    for place in range(1, len(parts)):
        inner = claims.get(".".join(parts[:place]))
        if isinstance(inner, Mapping):
            yield from _found(inner, ".".join(parts[place:]))
