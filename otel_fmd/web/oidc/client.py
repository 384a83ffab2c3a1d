"""The dashboard as a client of a provider: the authorization code flow with PKCE, and logout.

OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE); RFC 9207 (`iss` in the answer);
RP-Initiated Logout 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import Any, NamedTuple
from urllib.parse import urlencode

from authlib.integrations.base_client import OAuthError

from otel_fmd.config import Provider
from otel_fmd.people.actor import Role
from otel_fmd.people.identities import Identity
from otel_fmd.web.oidc.claims import has_name, has_role_claims, name_of, role_of
from otel_fmd.web.oidc.discovery import Discovery
from otel_fmd.web.oidc.errors import RefusedError, StaleLoginError, UnverifiedError
from otel_fmd.web.oidc.http import Asker, ProviderSession
from otel_fmd.web.oidc.tokens import id_token_claims
from otel_fmd.web.oidc.transactions import Transaction

_ERROR_CODE = re.compile(r"[a-z_]{1,50}")
_MOST_CODE = 4_000


class Person(NamedTuple):
    """Somebody for whom a provider vouches.

    Args:
        identity: who they are.
        name: how they are called there.
        role: what they may do here; None: not even log in.
        id_token: what the provider said, signed.
    """

    identity: Identity
    name: str
    role: Role | None
    id_token: str


class ProviderClient:
    """A provider, and what is asked of it.

    Args:
        provider: who.
        turns: of all providers together.
    """

    def __init__(self, provider: Provider, turns: BoundedSemaphore) -> None:
        self.provider = provider
        self._asker = Asker(provider, turns)
        self.discovery = Discovery(provider, self._asker)

    def authorization_url(self, begun: Transaction, redirect_uri: str) -> str:
        """Where the browser goes to log in.

        Raises:
            ProviderDownError: the provider cannot be reached.
        """
        metadata = self.discovery.metadata()
        with self._session(redirect_uri) as session:
            url, _ = session.create_authorization_url(
                metadata.authorization_endpoint,
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url)

    def person(self, answer: Mapping[str, str], begun: Transaction, redirect_uri: str) -> Person:
        """Who logged in, from what the browser brought back.

        Args:
            answer: the parameters of the callback's address.
            begun: the login to which they belong.
            redirect_uri: the callback's address, as the login was begun with.

        Raises:
            RefusedError: the provider says no.
            StaleLoginError: the code was used, or has expired.
            UnverifiedError: what it says cannot be verified.
            ProviderDownError: it cannot be reached.
        """
        self._check_issuer(answer)
        if "error" in answer:
            raise self._refused(answer["error"])
        token = self._token(answer.get("code", ""), begun, redirect_uri)
        id_token, access_token = token.get("id_token"), token.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise self._unverified("the token answer has no ID token and access token")
        claims = id_token_claims(id_token, self.provider, self.discovery, begun.nonce, access_token)
        claims = self._completed(claims, access_token)
        identity = Identity(self.provider.issuer, claims["sub"])
        name, role = name_of(self.provider, claims), role_of(self.provider, claims)
        return Person(identity, name, role, id_token)

    def logout_url(self, back_to: str, id_token: str) -> str:
        """Where the browser goes to log out at the provider, too; '' if it has no such page.

        Args:
            back_to: where it comes back to.
            id_token: of the login; without it ('') some providers ask, others refuse.

        Raises:
            ProviderDownError: the provider cannot be reached.
        """
        where = self.discovery.metadata().end_session_endpoint
        if not where:
            return ""
        values = {"client_id": self.provider.client_id, "post_logout_redirect_uri": back_to}
        if id_token:
            values["id_token_hint"] = id_token
        return f"{where}{'&' if '?' in where else '?'}{urlencode(values)}"

    def _session(self, redirect_uri: str) -> ProviderSession:
        provider, method = self.provider, "none"
        if provider.client_secret:
            posts = self.discovery.metadata().posts_secret
            method = "client_secret_post" if posts else "client_secret_basic"
        return ProviderSession(
            provider.client_id,
            provider.client_secret or None,
            token_endpoint_auth_method=method,
            scope=" ".join(provider.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _check_issuer(self, answer: Mapping[str, str]) -> None:
        """An answer of another provider is none to this login (RFC 9207, section 2.4)."""
        metadata, given = self.discovery.metadata(), answer.get("iss")
        if given is None and not metadata.names_itself:
            return
        if given != self.provider.issuer:
            raise self._unverified(f"iss of the answer: {str(given)[:200]!r}")

    def _refused(self, given: str) -> RefusedError:
        code = given if _ERROR_CODE.fullmatch(given) else "unknown error"
        message = f"provider {self.provider.name}: refused the login: {code}"
        if code == "access_denied":
            advice = f"“{self.provider.label}”: the login was cancelled or refused there."
            return RefusedError(message, advice)
        advice = f"“{self.provider.label}”: the provider refused the login ({code})."
        return RefusedError(message, advice, 502)

    def _token(self, code: str, begun: Transaction, redirect_uri: str) -> Mapping[str, Any]:
        """What the provider gives for a code."""
        if not code or len(code) > _MOST_CODE:
            raise self._unverified("the answer has no code")
        endpoint, name = self.discovery.metadata().token_endpoint, self.provider.name
        try:
            with self._asker.asking("tokens"), self._session(redirect_uri) as session:
                found: Mapping[str, Any] = session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                )
                return dict(found)
        except OAuthError as error:
            message = f"provider {name}: no tokens: {str(error)[:300]}"
            if error.error == "invalid_grant":
                raise StaleLoginError(message) from error
            raise UnverifiedError(message, self.provider.label) from error

    def _completed(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """The claims, with those of the userinfo endpoint if a needed one is not among them."""
        endpoint = self.discovery.metadata().userinfo_endpoint
        if not endpoint or (
            has_role_claims(self.provider, claims) and has_name(self.provider, claims)
        ):
            return claims
        more = self._asker.get_json(endpoint, "userinfo", access_token)
        if more.get("sub") != claims["sub"]:
            # OpenID Connect Core 1.0, section 5.3.2: tokens may be swapped.
            raise self._unverified("userinfo is about somebody else")
        return {**more, **claims}

    def _unverified(self, words: str) -> UnverifiedError:
        return UnverifiedError(f"provider {self.provider.name}: {words}", self.provider.label)
