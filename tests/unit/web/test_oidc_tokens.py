"""Tokens of a provider: which count, and which are forged, foreign, stale or about nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from otel_fmd.web.oidc import kept
from tests.support.oidc_provider import CLIENT, Claims, SmallProvider
from tests.support.oidc_site import OidcSite
from tests.support.people import users_of

UNVERIFIED = "could not be verified"


Tamper = Callable[[SmallProvider], None]


def changed(**values: Any) -> Tamper:
    """An ID token with other claims; None takes one away."""

    def tamper(provider: SmallProvider) -> None:
        provider.alter = lambda claims: {
            name: value for name, value in {**claims, **values}.items() if value is not None
        }

    return tamper


def shifted(name: str, seconds: int) -> Tamper:
    """An ID token with a time in it that is so far from now."""

    def tamper(provider: SmallProvider) -> None:
        provider.alter = lambda claims: {**claims, name: int(time.time()) + seconds}

    return tamper


def signed_by_a_stranger(provider: SmallProvider) -> None:
    """By a key that is not the provider's, under the id of one that is."""
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": provider.keys[0].kid}
    provider.sign = lambda claims: jwt.encode(header, claims, key)


def signed_by_the_key_in_it(provider: SmallProvider) -> None:
    """By a key that the token brings with it."""
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "jwk": key.as_dict(private=False)}
    provider.sign = lambda claims: jwt.encode(header, claims, key)


def signed_by_nobody(provider: SmallProvider) -> None:
    """`alg: none`."""
    provider.sign = provider.unsigned


def signed_by_the_secret(provider: SmallProvider) -> None:
    """HS256, which the provider's metadata announce, too."""
    provider.metadata["id_token_signing_alg_values_supported"] = ["HS256", "RS256"]
    provider.sign = provider.by_secret


def cut(provider: SmallProvider) -> None:
    """One with another payload than was signed."""

    def sign(claims: Claims) -> str:
        head, _, tail = provider.signed(claims).split(".")
        other = provider.signed({**claims, "sub": "2"}).split(".")[1]
        return f"{head}.{other}.{tail}"

    provider.sign = sign


def not_a_token(provider: SmallProvider) -> None:
    """Any text."""
    provider.sign = lambda _: "x.y.z"


FORGED: dict[str, Tamper] = {
    "nonce of another login": changed(nonce="other"),
    "no nonce": changed(nonce=None),
    "another issuer": changed(iss="https://evil.example"),
    "no issuer": changed(iss=None),
    "another audience": changed(aud="other"),
    "another audience, asked for by us": changed(aud="other", azp=CLIENT),
    "no audience": changed(aud=None),
    "among others, without azp": changed(aud=[CLIENT, "other"]),
    "among others, for another": changed(aud=[CLIENT, "other"], azp="other"),
    "for another": changed(azp="other"),
    "another access token": changed(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "expired": shifted("exp", -90),
    "without end": changed(exp=None),
    "from the future": shifted("iat", 90),
    "valid later": shifted("nbf", 90),
    "about nobody": changed(sub=None),
    "about ''": changed(sub=""),
    "about a number": changed(sub=1),
    "about a long text": changed(sub="x" * 501),
    "signed by a stranger": signed_by_a_stranger,
    "signed by the key in it": signed_by_the_key_in_it,
    "signed by nobody": signed_by_nobody,
    "signed by the secret": signed_by_the_secret,
    "cut": cut,
    "no token": not_a_token,
}


@pytest.mark.parametrize("what", FORGED)
def test_an_id_token_that_is_not_for_this_login(oidc: OidcSite, what: str) -> None:
    """Lets nobody in, adds nobody, and the audit has it."""
    FORGED[what](oidc.provider)
    browser = oidc.browser()
    answer = oidc.log_in(browser)
    assert answer.status_code == 502
    assert UNVERIFIED in answer.text
    assert not oidc.is_in(browser)
    assert users_of(oidc.store) == []
    (entry,) = oidc.audit()
    assert entry[:3] == ("login.failed", "(nobody)", "(unknown user)@acme")
    assert entry[4].startswith("provider acme: ID token: ")


def with_a_long_header(provider: SmallProvider) -> None:
    """A certificate beside its key, and a word that nobody knows."""
    provider.sign = lambda claims: provider.signed(claims, x5c=["A" * 4_000], colour="red")


def without_key_id(provider: SmallProvider) -> None:
    """By one of two keys; it does not say which."""
    provider.keys.insert(0, ECKey.generate_key("P-256", auto_kid=True))
    header = {"alg": "RS256"}
    provider.sign = lambda claims: jwt.encode(header, claims, provider.keys[-1])


def by_a_curve(provider: SmallProvider) -> None:
    """ES256."""
    provider.keys = [ECKey.generate_key("P-256", auto_kid=True)]


RIGHT: dict[str, Tamper] = {
    "clock behind": shifted("exp", -30),
    "clock ahead": shifted("iat", 30),
    "among others": changed(aud=[CLIENT, "other"], azp=CLIENT),
    "with a long header": with_a_long_header,
    "without a key id": without_key_id,
    "by a curve": by_a_curve,
}


@pytest.mark.parametrize("what", RIGHT)
def test_an_id_token_that_is_right_all_the_same(oidc: OidcSite, what: str) -> None:
    """Clocks may differ by a minute, and headers say more than we need."""
    tamper = RIGHT[what]
    tamper(oidc.provider)
    assert oidc.log_in(oidc.browser()).status_code == 302


def test_an_answer_without_an_id_token(oidc: OidcSite) -> None:
    """A provider that only knows OAuth 2.0 lets nobody in."""
    oidc.provider.answers["/token"] = (200, '{"access_token": "x", "token_type": "Bearer"}')
    answer = oidc.log_in(oidc.browser())
    assert answer.status_code == 502
    assert UNVERIFIED in answer.text


def test_new_keys_of_the_provider_are_fetched(
    oidc: OidcSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a token names one; but not again and again, as anyone could have it done."""
    now = 1_000.0
    monkeypatch.setattr(kept, "monotonic", lambda: now)
    assert oidc.log_in(oidc.browser()).status_code == 302
    oidc.provider.keys = [RSAKey.generate_key(2048, auto_kid=True)]
    assert oidc.log_in(oidc.browser()).status_code == 502
    assert oidc.provider.asked.count("/keys") == 1
    now += 6
    assert oidc.log_in(oidc.browser()).status_code == 302
    assert oidc.provider.asked.count("/keys") == 2


LOGOUT_FORGED: dict[str, Callable[[SmallProvider], str]] = {
    "nothing": lambda provider: "",
    "for another": lambda provider: provider.logout_token("1", aud="other"),
    "of another": lambda provider: provider.logout_token("1", iss="https://evil.example"),
    "an ID token": lambda provider: provider.logout_token("1", events=None, nonce="x"),
    "with a nonce": lambda provider: provider.logout_token("1", nonce="x"),
    "another event": lambda provider: provider.logout_token("1", events={"x": {}}),
    "expired": lambda provider: provider.logout_token("1", exp=int(time.time()) - 90),
    "old": lambda provider: provider.logout_token("1", exp=None, iat=int(time.time()) - 700),
    "about nobody": lambda provider: provider.logout_token("1", sub=None, sid="x"),
    "signed by nobody": lambda provider: provider.unsigned({"sub": "1"}),
}


@pytest.mark.parametrize("what", LOGOUT_FORGED)
def test_a_logout_token_that_is_none(oidc: OidcSite, what: str) -> None:
    """It ends nothing."""
    browser = oidc.browser()
    oidc.log_in(browser)
    form = {"logout_token": LOGOUT_FORGED[what](oidc.provider)}
    answer = oidc.browser().post("/login/acme/backchannel", data=form)
    assert answer.status_code == 400
    assert oidc.is_in(browser)
