"""A provider that is down, hangs or answers nonsense: a page says so, and the rest goes on."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest

from otel_fmd.config import Provider
from otel_fmd.errors import StoreUnavailableError
from otel_fmd.web.oidc import client as client_module
from otel_fmd.web.oidc import http, kept
from otel_fmd.web.oidc.errors import ProviderDownError
from otel_fmd.web.oidc.kept import Kept
from tests.support.oidc_site import ORIGIN, OidcSite
from tests.support.people import PASSWORD, users_of, with_user
from tests.support.waiting import wait_for

DOWN = "the provider cannot be reached"
METADATA = "/.well-known/openid-configuration"
NONSENSE = {
    "an error": (500, "{}"),
    "another status": (404, '{"issuer": "x"}'),
    "a page": (200, "<html>"),
    "nothing": (200, ""),
    "a list": (200, "[]"),
    "a text": (200, '"x"'),
    "an empty object": (200, "{}"),
    "nested": (200, "[" * 100_000),
    "large": (200, '"' + "x" * 600_000 + '"'),
    "bytes": (200, "\x00\x01"),
}


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("where", [METADATA, "/token", "/keys", "/userinfo"])
def test_an_answer_that_makes_no_sense(oidc: OidcSite, where: str, what: str) -> None:
    """Whichever it is: a page that says so, nobody gets in, and passwords still work."""
    oidc.provider.people["1"] = {}
    oidc.provider.answers[where] = NONSENSE[what]
    browser = oidc.browser()
    answer = browser.get("/login/acme") if where == METADATA else oidc.log_in(browser)
    assert answer.status_code in (502, 503)
    assert DOWN in answer.text or "could not be verified" in answer.text
    assert 'href="/login/acme"' in answer.text
    assert not oidc.is_in(browser)
    assert users_of(oidc.store) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://192.0.2.1/token"},
        {"token_endpoint": 7},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "https://"},
        {"end_session_endpoint": "http://[bad"},
        {"padding": "x" * 600_000},
    ],
)
def test_metadata_that_cannot_be_used(oidc: OidcSite, changes: dict[str, Any]) -> None:
    """Of another issuer, or with an address to which no secret may go."""
    oidc.provider.metadata = changes
    answer = oidc.browser().get("/login/acme")
    assert answer.status_code == 503
    assert DOWN in answer.text


@pytest.mark.parametrize("value", [None, 7, "RS256", [], [7], ["XX999"]])
def test_metadata_that_can_be_used_all_the_same(oidc: OidcSite, value: Any) -> None:
    """What a provider says of its ways besides its addresses may be nonsense."""
    oidc.provider.metadata = {
        "token_endpoint_auth_methods_supported": value,
        "id_token_signing_alg_values_supported": value,
        "authorization_response_iss_parameter_supported": value,
    }
    assert oidc.log_in(oidc.browser()).status_code == 302


@pytest.mark.parametrize("where", [METADATA, "/token", "/keys", "/userinfo"])
def test_no_secret_follows_a_redirect(oidc: OidcSite, where: str) -> None:
    """Nor does anything else."""
    oidc.provider.people["1"] = {}
    oidc.provider.answers[where] = (308, f"{oidc.provider.issuer}/elsewhere")
    browser = oidc.browser()
    answer = browser.get("/login/acme") if where == METADATA else oidc.log_in(browser)
    assert answer.status_code in (502, 503)
    assert where in oidc.provider.asked
    assert "/elsewhere" not in oidc.provider.asked


def test_a_provider_that_is_gone(oidc: OidcSite) -> None:
    """The page offers the other ways in; who is logged in stays so."""
    with_user(oidc.store, "root")
    inside = oidc.browser()
    oidc.log_in(inside)
    oidc.provider.stop()
    oidc.provider.stop = lambda: None  # type: ignore[method-assign]
    assert oidc.is_in(inside)
    browser = oidc.browser()
    state = oidc.begin(browser).partition("state=")[2].partition("&")[0]
    answer = browser.get(f"/login/acme/callback?code=x&state={state}")
    assert answer.status_code == 503
    assert DOWN in answer.text
    form = {"username": "root", "password": PASSWORD}
    assert browser.post("/login", data=form, headers=ORIGIN).status_code == 302


def test_a_provider_that_hangs_does_not_stop_the_dashboard(
    oidc: OidcSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many begin a login: they are told soon, and a password gets in meanwhile."""
    monkeypatch.setattr(kept, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(http, "_TIMEOUT_S", (5, 60))
    with_user(oidc.store, "root")
    oidc.provider.pause = {METADATA}
    answers: list[Any] = []

    def begin() -> None:
        answers.append(oidc.browser().get("/login/acme"))

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(answers) == 5, 20, "five who need not wait")
    form = {"username": "root", "password": PASSWORD}
    assert oidc.browser().post("/login", data=form, headers=ORIGIN).status_code == 302
    assert len(answers) == 5
    assert oidc.provider.asked == [METADATA]
    oidc.provider.go_on.set()
    for thread in threads:
        thread.join()
    assert sorted(one.status_code for one in answers) == [302] + [503] * 5
    assert all(DOWN in one.text for one in answers if one.status_code == 503)


def test_few_codes_are_exchanged_at_once(oidc: OidcSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token endpoint that hangs takes three threads, not all of the dashboard's."""
    monkeypatch.setattr(http, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(http, "_TIMEOUT_S", (5, 60))
    oidc.provider.pause = {"/token"}
    answers: list[int] = []

    def log_in() -> None:
        answers.append(oidc.log_in(oidc.browser()).status_code)

    threads = [threading.Thread(target=log_in) for _ in range(5)]
    oidc.begin(oidc.browser())
    for thread in threads:
        thread.start()
    wait_for(lambda: len(answers) == 2, 20, "two who were not served")
    assert answers == [503, 503]
    oidc.provider.go_on.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 302, 302, 503, 503]


def test_an_answer_is_awaited_for_seconds_only(
    oidc: OidcSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the page says that the provider cannot be reached."""
    monkeypatch.setattr(http, "_TIMEOUT_S", (0.2, 0.2))
    oidc.provider.pause = {METADATA}
    began = time.monotonic()
    assert oidc.browser().get("/login/acme").status_code == 503
    assert time.monotonic() - began < 3


def test_a_provider_that_comes_back(oidc: OidcSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again after a few seconds, not with every click."""
    now = 1_000.0
    monkeypatch.setattr(kept, "monotonic", lambda: now)
    oidc.provider.answers[METADATA] = (503, "")
    for _ in range(3):
        assert oidc.browser().get("/login/acme").status_code == 503
    assert oidc.provider.asked == [METADATA]
    del oidc.provider.answers[METADATA]
    now += 6
    assert oidc.log_in(oidc.browser()).status_code == 302


def test_what_is_known_of_a_provider_stays_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it cannot be asked again."""
    now, number = 1_000.0, 0
    monkeypatch.setattr(kept, "monotonic", lambda: now)

    def fetch() -> int:
        nonlocal number
        number += 1
        if number == 2:
            raise ProviderDownError("down", "Acme")
        return number

    value = Kept(fetch, "Acme", lasts_s=60, quiet_s=5)
    assert [value.get(), value.get()] == [1, 1]
    now += 61
    assert [value.get(), value.get()] == [1, 1]
    now += 6
    assert value.get() == 3


def test_an_error_that_nobody_expected_has_a_reference(
    oidc: OidcSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On the login page, and in the log with the traceback; never a bare 500."""

    def fail(*_: Any) -> None:
        raise RuntimeError("planted")

    browser = oidc.browser()
    there = oidc.begin(browser)
    monkeypatch.setattr(client_module, "role_of", fail)
    answer = oidc.back(browser, oidc.provider.log_in(there, "1"))
    assert answer.status_code == 502
    reference = re.search(r"The log of the server has it as (\w{8})", answer.text)
    assert reference is not None
    assert f"reference {reference[1]}" in caplog.text
    assert "planted" in caplog.text
    assert "planted" not in answer.text


def test_a_database_that_is_down(oidc: OidcSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says so, as everywhere."""

    def fail(*_: Any) -> None:
        raise StoreUnavailableError("down", "The database is down.")

    browser = oidc.browser()
    there = oidc.begin(browser)
    address = oidc.provider.log_in(there, "1")
    monkeypatch.setattr("otel_fmd.web.oidc.routes.admit", fail)
    answer = oidc.back(browser, address)
    assert answer.status_code == 503
    assert "The database is down." in answer.text


def test_a_secret_is_not_shown_with_its_provider() -> None:
    """In a traceback, say."""
    one = Provider(name="a", issuer="b", client_id="c", client_secret="hunter2", label="d")
    assert "hunter2" not in repr(one)


def test_a_wrong_secret_is_said_in_the_log_only(
    oidc: OidcSite, caplog: pytest.LogCaptureFixture
) -> None:
    """The page does not tell strangers how the dashboard is set up."""
    oidc.provider.client_secret = "another"
    answer = oidc.log_in(oidc.browser())
    assert answer.status_code == 502
    assert "invalid_client" not in answer.text
    assert "invalid_client" in caplog.text
    assert "a secret of the client" not in caplog.text
