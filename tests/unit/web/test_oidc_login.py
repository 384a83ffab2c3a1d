"""Logging in with OpenID Connect, against a real provider: who gets in, as whom, and out again."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.support.oidc_site import OidcSite
from tests.support.people import users_of


def test_from_the_button_to_the_wanted_page(oidc: OidcSite) -> None:
    """With PKCE, a state and a nonce; a user is added, with the role of the claim."""
    browser = oidc.browser()
    page = browser.get("/login?next=/hourly%3Fservice%3Dshop").text
    assert 'href="/login/acme?next=/hourly?service%3Dshop">Log in with Acme</a>' in page
    there = oidc.begin(browser, "/login/acme?next=/hourly%3Fservice%3Dshop")
    asked = {name: one[0] for name, one in parse_qs(urlsplit(there).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://localhost/login/acme/callback"
    assert asked["scope"] == "openid profile email"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    answer = oidc.back(browser, oidc.provider.log_in(there, "1"))
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/hourly?service=shop"
    assert oidc.is_in(browser)
    assert [(one.username, one.is_admin) for one in users_of(oidc.store)] == [("ana@acme", True)]
    assert oidc.audit() == [
        ("user.add", "(acme)", "ana@acme", "", "admin"),
        ("login", "ana@acme", "ana@acme", "", "acme"),
    ]
