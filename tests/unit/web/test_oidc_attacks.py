"""Answers that are none to a login: used codes, other browsers, other providers, refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_fmd.store.store import Store
from otel_fmd.web.oidc import transactions
from tests.support.oidc_provider import SmallProvider, small_provider
from tests.support.oidc_site import ORIGIN, OidcSite, table
from tests.support.people import users_of

STALE = "This login was used already"


UNVERIFIED = "could not be verified"


def test_another_browser_cannot_bring_the_answer(oidc: OidcSite) -> None:
    """A link to the callback logs nobody in as whoever sent it."""
    mallory, victim = oidc.browser(), oidc.browser()
    address = oidc.provider.log_in(oidc.begin(mallory), "1")
    for browser in (victim, mallory):
        if browser is victim:
            oidc.begin(victim)
        answer = oidc.back(browser, address)
        assert (answer.status_code == 302) is (browser is mallory)
        if browser is victim:
            assert answer.status_code == 400
            assert STALE in answer.text
    assert not oidc.is_in(victim)
    assert oidc.provider.asked.count("/token") == 1


@pytest.mark.parametrize("state", ["", "x", "ä", "\udcff", "0" * 64])
def test_a_state_that_was_not_given_out(oidc: OidcSite, state: str) -> None:
    """Nothing is asked of the provider."""
    browser = oidc.browser()
    oidc.begin(browser)
    query = {"code": "x", "state": state.encode("utf-8", "surrogateescape")}
    answer = browser.get("/login/acme/callback", query_string=query)
    assert answer.status_code == 400
    assert STALE in answer.text
    assert "/token" not in oidc.provider.asked


def test_an_answer_counts_once(oidc: OidcSite) -> None:
    """Not again in the same browser; nor does its code in a new login."""
    browser = oidc.browser()
    address = oidc.provider.log_in(oidc.begin(browser), "1")
    assert oidc.back(browser, address).status_code == 302
    answer = oidc.back(browser, address)
    assert answer.status_code == 400
    assert STALE in answer.text
    assert oidc.provider.asked.count("/token") == 1
    fresh = oidc.browser()
    state = oidc.begin(fresh).partition("state=")[2].partition("&")[0]
    code = address.partition("code=")[2].partition("&")[0]
    answer = fresh.get(f"/login/acme/callback?code={code}&state={state}")
    assert answer.status_code == 400
    assert STALE in answer.text
    assert not oidc.is_in(fresh)


def test_a_stolen_code_is_worth_nothing_in_another_login(oidc: OidcSite) -> None:
    """The provider compares the code verifier (PKCE)."""
    victim, thief = oidc.browser(), oidc.browser()
    address = oidc.provider.log_in(oidc.begin(victim), "1")
    code = address.partition("code=")[2].partition("&")[0]
    state = oidc.begin(thief).partition("state=")[2].partition("&")[0]
    answer = thief.get(f"/login/acme/callback?code={code}&state={state}")
    assert answer.status_code == 400
    assert not oidc.is_in(thief)


def test_a_login_takes_ten_minutes_at_most(oidc: OidcSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if a browser keeps the cookie longer."""
    browser = oidc.browser()
    address = oidc.provider.log_in(oidc.begin(browser), "1")
    now = time.time()
    monkeypatch.setattr(transactions.time, "time", lambda: now + 601)
    answer = oidc.back(browser, address)
    assert answer.status_code == 400
    assert STALE in answer.text


@pytest.mark.parametrize("value", ["x", "W10=", "e30=", "W1sxXV0=", "W251bGxd", "é"])
def test_a_cookie_that_is_nonsense(oidc: OidcSite, value: str) -> None:
    """It is as if there was none."""
    browser = oidc.browser()
    browser.set_cookie("otel_fmd_logins", value)
    assert browser.get("/login/acme/callback?code=x&state=y").status_code == 400
    assert oidc.log_in(browser).status_code == 302


def test_a_session_from_before_is_not_taken_over(oidc: OidcSite) -> None:
    """Whoever planted its cookie is not logged in with the victim (session fixation)."""
    browser, thief = oidc.browser(), oidc.browser()
    for one in (browser, thief):
        one.set_cookie("otel_fmd_session", "planted")
    assert oidc.log_in(browser).status_code == 302
    cookie = browser.get_cookie("otel_fmd_session")
    assert cookie is not None
    assert cookie.value != "planted"
    assert not oidc.is_in(thief)


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/\\evil.example", "/%0d%0ax:y", "//["]
)
def test_the_way_on_leads_nowhere_else(oidc: OidcSite, next_: str) -> None:
    """To the dashboard's first page instead."""
    answer = oidc.log_in(oidc.browser(), path=f"/login/acme?next={next_}")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/")
    assert "evil" not in answer.headers["Location"]
    assert "\n" not in answer.headers["Location"]


def test_a_long_way_on_is_forgotten(oidc: OidcSite) -> None:
    """A cookie has its limits."""
    answer = oidc.log_in(oidc.browser(), path="/login/acme?next=/" + "x" * 5_000)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("access_denied", 403, "the login was cancelled or refused there"),
        ("server_error", 502, "the provider refused the login (server_error)"),
        ("<script>alert(1)</script>", 502, "the provider refused the login (unknown error)"),
        ("send_money_to_evil_example_now_or_else_and_so_on_and_on", 502, "(unknown error)"),
    ],
)
def test_the_provider_says_no(oidc: OidcSite, error: str, status: int, words: str) -> None:
    """The page says so, in words of ours, and offers another attempt to the same page."""
    browser = oidc.browser()
    state = oidc.begin(browser, "/login/acme?next=/hourly").partition("state=")[2].partition("&")[0]
    query = {"error": error, "error_description": "EVIL", "state": state}
    answer = browser.get("/login/acme/callback", query_string=query)
    assert answer.status_code == status
    assert words in answer.text
    assert "EVIL" not in answer.text
    assert "<script>alert" not in answer.text
    assert 'href="/login/acme?next=/hourly"' in answer.text
    assert oidc.audit()[-1][0] == "login.failed"
    assert browser.get_cookie("otel_fmd_logins") is None


@pytest.fixture
def other() -> Iterator[SmallProvider]:
    """A second provider, which is evil."""
    with small_provider() as one:
        one.people["1"] = {"preferred_username": "ana", "roles": ["fmd-admin"]}
        one.redirect_uris = ["http://localhost/login/other/callback"]
        yield one


@pytest.fixture
def both(
    sqlite_store: Store, provider: SmallProvider, other: SmallProvider, tmp_path: Path
) -> OidcSite:
    """A dashboard with both."""
    text = table(provider) + table(other, "other")
    return OidcSite(sqlite_store, provider, tmp_path / "oidc.toml", text)


def test_the_same_subject_of_another_provider_is_somebody_else(
    both: OidcSite, other: SmallProvider
) -> None:
    """Of the same name, too."""
    assert both.log_in(both.browser()).status_code == 302
    browser = both.browser()
    address = other.log_in(both.begin(browser, "/login/other"), "1")
    assert both.back(browser, address).status_code == 302
    assert [one.username for one in users_of(both.store)] == ["ana@acme", "ana@other"]


def test_an_answer_of_one_provider_is_none_of_the_other(
    both: OidcSite, other: SmallProvider
) -> None:
    """Neither at its callback, nor with its name in `iss` (mix-up)."""
    browser = both.browser()
    address = both.provider.log_in(both.begin(browser), "1")
    moved = address.replace("/acme/", "/other/")
    assert both.back(browser, moved).status_code == 400
    answer = both.back(browser, f"{address}&iss={other.issuer}")
    assert answer.status_code == 502
    assert UNVERIFIED in answer.text
    assert "/token" not in both.provider.asked + other.asked
    assert not both.is_in(browser)


def test_a_provider_that_names_itself_must(oidc: OidcSite) -> None:
    """Once its metadata say so (RFC 9207); with its name the answer counts."""
    oidc.provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert oidc.log_in(oidc.browser()).status_code == 502
    browser = oidc.browser()
    address = oidc.provider.log_in(oidc.begin(browser), "1")
    assert oidc.back(browser, f"{address}&iss={oidc.provider.issuer}").status_code == 302


def test_nothing_in_the_database_logs_anybody_in(oidc: OidcSite) -> None:
    """Neither the secret of a login nor a session, nor a token of the provider."""
    browser = oidc.browser()
    there = oidc.begin(browser)
    began = browser.get_cookie("otel_fmd_logins")
    oidc.back(browser, oidc.provider.log_in(there, "1"))
    session = browser.get_cookie("otel_fmd_session")
    assert began is not None
    assert session is not None
    state = there.partition("state=")[2].partition("&")[0]
    with oidc.store.read() as connection:
        values = [
            str(value)
            for one in oidc.store.tables.metadata.sorted_tables
            for row in connection.execute(one.select())
            for value in row
        ]
    assert len(values) > 20
    for secret in (began.value, session.value, state, "eyJ"):
        assert not [value for value in values if secret in value]


def test_only_what_must_be_is_open_to_everyone(oidc: OidcSite) -> None:
    """A provider that is not configured has no address; changes still need an origin."""
    browser = oidc.browser()
    for path in ("/login/none", "/login/none/callback"):
        assert browser.get(path).status_code == 404
    assert browser.post("/login/none/backchannel").status_code == 404
    assert browser.post("/login/acme", headers=ORIGIN).status_code == 401
    assert browser.get("/login/acme/backchannel").status_code == 401
    assert browser.post("/logout").status_code == 403
    policy = browser.get("/login").headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self'")
