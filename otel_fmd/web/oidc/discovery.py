"""What a provider says of itself: its endpoints, and the keys that sign its tokens.

OpenID Connect Discovery 1.0, sections 3 and 4; RFC 7517 for the keys.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from otel_fmd.config import Provider
from otel_fmd.config.oidc_file import is_loopback
from otel_fmd.web.oidc.errors import ProviderDownError
from otel_fmd.web.oidc.http import Asker
from otel_fmd.web.oidc.kept import Kept

_log = logging.getLogger(__name__)
WELL_KNOWN = "/.well-known/openid-configuration"
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
)
"""Only with key pairs: a client's secret, or a public key taken for one, signs nothing."""
SigningKey = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is needed of a provider's metadata; '' for an endpoint that it does not have."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    posts_secret: bool
    algorithms: tuple[str, ...]
    names_itself: bool


class Discovery:
    """A provider, asked when it is needed first.

    Args:
        provider: who.
        asker: asks them.
    """

    def __init__(self, provider: Provider, asker: Asker) -> None:
        self._provider = provider
        self._asker = asker
        self._metadata: Kept[Metadata] = Kept(self._fetch_metadata, provider.label)
        self._keys: Kept[Sequence[SigningKey]] = Kept(self._fetch_keys, provider.label)

    def metadata(self) -> Metadata:
        """What it says of itself.

        Raises:
            ProviderDownError: it cannot be reached, or says nonsense.
        """
        return self._metadata.get()

    def keys(self, kid: str | None) -> Sequence[SigningKey]:
        """Its keys with an id; all of them without one. An unknown id has them fetched again.

        Raises:
            ProviderDownError: it cannot be reached, or says nonsense.
        """
        found = _with_id(self._keys.get(), kid)
        return found or _with_id(self._keys.get(newer=True), kid)

    def _fetch_metadata(self) -> Metadata:
        provider = self._provider
        url = provider.issuer.rstrip("/") + WELL_KNOWN
        found = self._asker.get_json(url, "its metadata")
        if found.get("issuer") != provider.issuer:
            raise ProviderDownError(
                f"provider {provider.name}: the metadata at {url} has the issuer "
                f"{str(found.get('issuer'))[:200]!r}, the file of providers {provider.issuer!r}: "
                "expected the same",
                provider.label,
            )
        methods = _names(found, "token_endpoint_auth_methods_supported", ["client_secret_basic"])
        said = _names(found, "id_token_signing_alg_values_supported", ALGORITHMS)
        return Metadata(
            self._endpoint(found, "authorization_endpoint", is_needed=True),
            self._endpoint(found, "token_endpoint", is_needed=True),
            self._endpoint(found, "jwks_uri", is_needed=True),
            self._endpoint(found, "userinfo_endpoint"),
            self._endpoint(found, "end_session_endpoint"),
            "client_secret_post" in methods and "client_secret_basic" not in methods,
            tuple(one for one in ALGORITHMS if one in said) or ("RS256",),
            found.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, found: dict[str, Any], name: str, *, is_needed: bool = False) -> str:
        value = found.get(name)
        if value is None and not is_needed:
            return ""
        if not isinstance(value, str) or not _is_safe(value, self._provider.issuer):
            raise ProviderDownError(
                f"provider {self._provider.name}: {name} {str(value)[:200]!r} of its metadata: "
                "expected an https URL",
                self._provider.label,
            )
        return value

    def _fetch_keys(self) -> Sequence[SigningKey]:
        provider = self._provider
        found = self._asker.get_json(self.metadata().jwks_uri, "its keys").get("keys")
        keys = [] if not isinstance(found, list) else [_signing_key(one) for one in found]
        usable = [one for one in keys if one is not None]
        if not usable:
            message = f"provider {provider.name}: no key in its key set can be used"
            raise ProviderDownError(message, provider.label)
        return usable


def _names(found: dict[str, Any], key: str, usual: Sequence[str]) -> Sequence[str]:
    value = found.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else usual


def _is_safe(url: str, issuer: str) -> bool:
    """Whether an endpoint is a URL with https; http is enough where the issuer is this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or not url.isprintable() or parts.fragment:
        return False
    local = is_loopback(host) and is_loopback(urlsplit(issuer).hostname or "")
    return parts.scheme == "https" or (parts.scheme == "http" and local)


def _signing_key(found: Any) -> SigningKey | None:
    """A public key that signs; None for what is none, such as one of a newer kind."""
    if not isinstance(found, dict) or found.get("use", "sig") != "sig":
        return None
    if found.get("kty") not in ("RSA", "EC"):
        return None
    try:
        key = JWKRegistry.import_key(found)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        _log.warning("a key in the key set of a provider cannot be used: %s", error)
        return None
    return key if isinstance(key, RSAKey | ECKey) else None


def _with_id(keys: Sequence[SigningKey], kid: str | None) -> Sequence[SigningKey]:
    return [one for one in keys if kid is None or one.kid == kid]
