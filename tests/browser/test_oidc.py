"""Logging in with an OpenID Connect provider, in a browser: there, back, and out again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import oidc_provider_mock
import pytest
import requests

from tests.support.serving import Served
from tests.support.visitor import Visitor

Visit = Callable[..., Visitor]


@pytest.fixture
def issuer() -> Iterator[str]:
    """A provider that others wrote; another site than the dashboard for a browser."""
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        url = f"http://localhost:{server.server_port}"
        claims = {"preferred_username": "zoe", "roles": ["fmd-admin"]}
        requests.put(f"{url}/users/zoe", json=claims, timeout=10).raise_for_status()
        yield url


@pytest.fixture
def file(tmp_path: Path, issuer: str) -> Path:
    """The file with this provider."""
    path = tmp_path / "oidc.toml"
    path.write_text(
        f'[mock]\nissuer = "{issuer}"\nclient_id = "x"\nclient_secret = "y"\n'
        'label = "Log in with the mock"\nrole_claim = "roles"\nadmin_values = ["fmd-admin"]\n'
    )
    return path


def forgive(one: Visitor) -> None:
    """Forget that they were at the provider, and what its pages tried to load; nothing else."""
    not_ours = ("fetched from outside: ", "Failed to load resource: ")
    one.problems[:] = [text for text in one.problems if not text.startswith(not_ours)]


def test_there_and_back_again(
    serve: Callable[..., Served],
    visit: Visit,
    new_url: Callable[[str], str],
    file: Path,
    issuer: str,
) -> None:
    """From a page that needs a login to that page, by keyboard; then out, here and there."""
    served = serve(new_url("sqlite"), OTEL_FMD_OIDC_FILE=str(file))
    one = visit(served, width=390, height=800)
    page = one.page
    page.goto(f"{served.dashboard}/account")
    page.wait_for_url("**/login?next=**")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#password").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    button = page.get_by_role("link", name="Log in with the mock")
    assert button.evaluate("it => it === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{issuer}/**")
    page.fill("input[name=sub]", "zoe")
    page.get_by_role("button", name=re.compile("authorize|continue", re.IGNORECASE)).first.click()
    page.wait_for_url(f"{served.dashboard}/account")
    page.get_by_text("You are logged in as zoe@mock, with the role admin").wait_for()
    page.get_by_text("You have no password here: you log in with a provider.").wait_for()

    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{issuer}/oauth2/end_session?**")
    page.get_by_role("button").first.click()
    page.wait_for_url(f"{served.dashboard}/login")
    page.goto(f"{served.dashboard}/account")
    page.wait_for_url("**/login?next=**")
    forgive(one)


def test_a_refusal_is_shown_on_the_login_page(
    serve: Callable[..., Served],
    visit: Visit,
    new_url: Callable[[str], str],
    file: Path,
    issuer: str,
) -> None:
    """With the buttons, and without a form where passwords are switched off."""
    served = serve(new_url("sqlite"), OTEL_FMD_OIDC_FILE=str(file), OTEL_FMD_PASSWORD_LOGIN="false")
    one = visit(served)
    page = one.page
    page.goto(f"{served.dashboard}/login")
    assert page.locator("input").count() == 0
    page.get_by_role("link", name="Log in with the mock").click()
    page.fill("input[name=sub]", "nobody")
    page.get_by_role("button", name=re.compile("authorize|continue", re.IGNORECASE)).first.click()
    page.get_by_role("alert").get_by_text("you have no access to this dashboard").wait_for()
    page.get_by_role("link", name="Log out there").wait_for()
    page.get_by_role("link", name="Log in with the mock").wait_for()
    forgive(one)
