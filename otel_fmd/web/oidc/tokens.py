"""Checks tokens of a provider: ID tokens at a login, logout tokens at a back-channel logout.

OpenID Connect Core 1.0, section 3.1.3.7; Back-Channel Logout 1.0, section 2.6. Signatures are
checked although the token comes over TLS, and with key pairs only.
"""

from __future__ import annotations

from typing import Any

from authlib.oauth2.claims import JWTClaims
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, JoseError

from otel_fmd.config import Provider
from otel_fmd.people.identities import SUBJECT_WIDTH
from otel_fmd.web.oidc.discovery import Discovery
from otel_fmd.web.oidc.errors import UnverifiedError

LEEWAY_S = 60
"""How far the clocks of the provider and of this machine may be apart."""
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_MOST_LOGOUT_AGE_S = 600
_MOST_HEADER = 16 * 1024
_BROKEN = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def id_token_claims(
    token: str, provider: Provider, discovery: Discovery, nonce: str, access_token: str
) -> dict[str, Any]:
    """The claims of an ID token that was made for this login.

    Args:
        token: as it came.
        provider: who should have made it.
        discovery: has its keys.
        nonce: which the login was begun with.
        access_token: which came with it.

    Raises:
        UnverifiedError: it is not signed by the provider, not for us, not for this login or not
            valid now.
        ProviderDownError: the keys cannot be fetched.
    """
    signed = _signed(token, provider, discovery, "ID token")
    claims = CodeIDToken(
        signed.claims,
        signed.header,
        options=_expected(provider),
        params={
            "client_id": provider.client_id,
            "nonce": nonce,
            "access_token": access_token,
        },
    )
    try:
        claims.validate(leeway=LEEWAY_S)
        check_subject(claims.get("sub"))
    except _BROKEN as error:
        raise _unverified(provider, "ID token", error) from error
    return dict(signed.claims)


def logout_subject(token: str, provider: Provider, discovery: Discovery, now_s: float) -> str:
    """Whose sessions a logout token ends.

    Raises:
        UnverifiedError: it is not a logout token of this provider for us, or says nobody.
        ProviderDownError: the keys cannot be fetched.
    """
    signed = _signed(token, provider, discovery, "logout token")
    claims = JWTClaims(signed.claims, signed.header, options=_expected(provider))
    try:
        claims.validate(leeway=LEEWAY_S)
        if not isinstance(claims.get("events"), dict) or _LOGOUT_EVENT not in claims["events"]:
            raise ValueError("events: expected that of a back-channel logout")
        if "nonce" in claims:
            raise ValueError("nonce: expected none")
        if now_s - claims["iat"] > _MOST_LOGOUT_AGE_S:
            raise ValueError("iat: it is too old")
        return check_subject(claims.get("sub"))
    except _BROKEN as error:
        raise _unverified(provider, "logout token", error) from error


def check_subject(subject: Any) -> str:
    """A subject that can be stored and found again.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_WIDTH:
        raise ValueError(f"sub: expected a text of 1 to {SUBJECT_WIDTH} characters")
    if not subject.isprintable():
        raise ValueError("sub: expected printable characters")
    return subject


def _expected(provider: Provider) -> dict[str, Any]:
    return {
        "iss": {"essential": True, "value": provider.issuer},
        "aud": {"essential": True, "value": provider.client_id},
        "iat": {"essential": True},
    }


def _signed(token: str, provider: Provider, discovery: Discovery, what: str) -> jwt.Token:
    """A token whose signature is right, by one of the provider's keys."""
    algorithms = discovery.metadata().algorithms
    registry = jws.JWSRegistry(algorithms=algorithms, strict_check_header=False)
    # A certificate may stand in it.
    registry.max_header_length = _MOST_HEADER
    try:
        kid = jws.extract_compact(token.encode(), registry=registry).headers().get("kid")
        if kid is not None and not isinstance(kid, str):
            raise ValueError("kid: expected a text")
    except _BROKEN as error:
        raise _unverified(provider, what, error) from error
    wrong: Exception = ValueError(f"none of its keys has the id {str(kid)[:100]!r}")
    for key in discovery.keys(kid):
        try:
            return jwt.decode(token, key, algorithms=algorithms, registry=registry)
        except BadSignatureError as error:
            wrong = error
        except _BROKEN as error:
            # Without an id, the key of another kind may be the first.
            wrong = error
    raise _unverified(provider, what, wrong) from wrong


def _unverified(provider: Provider, what: str, error: Exception) -> UnverifiedError:
    words = f"{type(error).__name__}: {str(error)[:300]}"
    return UnverifiedError(f"provider {provider.name}: {what}: {words}", provider.label)
