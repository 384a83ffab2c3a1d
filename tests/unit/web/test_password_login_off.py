"""With passwords switched off: everything that needs one does nothing, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_fmd.cli import main
from otel_fmd.people.actor import Role
from otel_fmd.people.passwords import SWITCHED_OFF
from otel_fmd.people.setup import new_setup_link
from otel_fmd.people.users import verify
from otel_fmd.store.store import Store
from tests.support.oidc_provider import SmallProvider
from tests.support.oidc_site import ORIGIN, OidcSite
from tests.support.people import PASSWORD, log_client_in, users_of, with_user


@pytest.fixture
def site(sqlite_store: Store, provider: SmallProvider, tmp_path: Path) -> OidcSite:
    """A dashboard of that kind."""
    return OidcSite(sqlite_store, provider, tmp_path / "oidc.toml", password_login=False)


def test_the_login_page_has_buttons_only(site: OidcSite) -> None:
    """And they work."""
    page = site.browser().get("/login").text
    assert "<form" not in page
    assert "<input" not in page
    assert "Log in with Acme" in page
    assert site.log_in(site.browser()).status_code == 302


def test_the_right_password_opens_nothing(site: OidcSite) -> None:
    """Neither in our form nor in FMD's, for scripts."""
    with_user(site.store, "root")
    browser = site.browser()
    for form in (
        {"username": "root", "password": PASSWORD},
        {"name": "root", "password": PASSWORD},
    ):
        answer = browser.post("/login", data=form, headers=ORIGIN)
        assert answer.status_code == 403
        assert SWITCHED_OFF in answer.text
    form = {"name": "root", "password": PASSWORD}
    answer = browser.post("/dashboard/login", data=form)
    assert answer.status_code == 403
    assert SWITCHED_OFF in answer.get_json()["error"]
    assert not site.is_in(browser)


def test_a_set_up_link_creates_nobody(site: OidcSite) -> None:
    """Although it was printed before."""
    link = f"/{new_setup_link(site.store)}"
    browser = site.browser()
    form = {"username": "eve", "password": PASSWORD, "again": PASSWORD}
    for answer in (browser.get(link), browser.post(link, data=form, headers=ORIGIN)):
        assert answer.status_code == 403
        assert SWITCHED_OFF in answer.text
    assert users_of(site.store) == []


def test_no_password_is_set_over_fmd_s_api(site: OidcSite) -> None:
    """A role is."""
    root, ben = with_user(site.store, "root"), with_user(site.store, "ben", Role.GUEST)
    browser = site.browser()
    log_client_in(browser, site.store, root)
    form = {"username": "eve", "password": PASSWORD, "password2": PASSWORD, "is_admin": "true"}
    answer = browser.post("/dashboard/api/user/create", data=form, headers=ORIGIN)
    assert SWITCHED_OFF in answer.text
    edit = {"user_id": ben.id, "is_admin": "true"}
    new = {
        "old_password": PASSWORD,
        "new_password": PASSWORD + "x",
        "new_password2": PASSWORD + "x",
    }
    answer = browser.post("/dashboard/api/user/edit", data={**edit, **new}, headers=ORIGIN)
    assert SWITCHED_OFF in answer.text
    assert {one.username: one.is_admin for one in users_of(site.store)} == {
        "root": True,
        "ben": False,
    }
    assert browser.post("/dashboard/api/user/edit", data=edit, headers=ORIGIN).status_code == 200
    assert all(one.is_admin for one in users_of(site.store))


@pytest.mark.parametrize("command", ["add ana", "password ana", "setup-link"])
def test_the_commands_say_so(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before they ask for one."""
    monkeypatch.setenv("OTEL_FMD_PASSWORD_LOGIN", "false")
    monkeypatch.setenv("OTEL_FMD_DATABASE_URL", f"sqlite:///{tmp_path / 'fmd.db'}")
    assert main(["user", *command.split()]) == 2
    assert SWITCHED_OFF in capsys.readouterr().err


def test_no_first_user_is_made_with_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor a link for one printed."""
    monkeypatch.setenv("OTEL_FMD_PASSWORD_LOGIN", "false")
    monkeypatch.setenv("OTEL_FMD_DATABASE_URL", f"sqlite:///{tmp_path / 'fmd.db'}")
    assert main(["init-db"]) == 0
    assert "Create the first user" not in capsys.readouterr().out


def test_the_page_of_the_account_changes_no_password(site: OidcSite) -> None:
    """Not even for a browser that has the form from before."""
    browser = site.browser()
    log_client_in(browser, site.store, with_user(site.store, "root"))
    new = PASSWORD + "x"
    fields = {"own-current": PASSWORD, "own-password": new, "own-again": new}
    address = {"pathname": "/account", "search": ""}
    body = {
        "output": "own-note.children",
        "outputs": {"id": "own-note", "property": "children"},
        "inputs": [{"id": "own-change", "property": "n_clicks", "value": 1}],
        "state": [
            *({"id": one, "property": "value", "value": fields[one]} for one in fields),
            *({"id": "url", "property": one, "value": address[one]} for one in address),
        ],
        "changedPropIds": ["own-change.n_clicks"],
    }
    answer = browser.post("/_dash-update-component", json=body, headers=ORIGIN)
    assert answer.status_code == 200
    assert SWITCHED_OFF in answer.text
    assert verify(site.store, "root", PASSWORD) is not None
