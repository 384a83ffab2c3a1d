"""Logging in with OpenID Connect, against a real provider: there, back, and out again."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
from werkzeug.test import Client

from otel_fmd.config import Settings
from otel_fmd.mount import MountedDashboard
from otel_fmd.store.store import Store
from tests.support.oidc_provider import CLIENT, SmallProvider
from tests.support.oidc_site import ORIGIN, ROLES, OidcSite, table
from tests.support.people import PASSWORD, users_of, with_user


def names(store: Store) -> dict[str, str]:
    """The role of each user."""
    return {one.username: one.role.name.lower() for one in users_of(store)}


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
    assert names(oidc.store) == {"ana@acme": "admin"}
    assert oidc.audit() == [
        ("user.add", "(acme)", "ana@acme", "", "admin"),
        ("login", "ana@acme", "ana@acme", "", "acme"),
    ]


def test_nothing_is_asked_before_somebody_logs_in(oidc: OidcSite) -> None:
    """And metadata and keys only once, for however many."""
    assert oidc.browser().get("/login").status_code == 200
    assert oidc.provider.asked == []
    for subject in ("1", "2", "1"):
        assert oidc.log_in(oidc.browser(), subject).status_code == 302
    assert oidc.provider.asked.count("/.well-known/openid-configuration") == 1
    assert oidc.provider.asked.count("/keys") == 1
    assert names(oidc.store) == {"ana@acme": "admin", "ben@acme": "guest"}


def test_any_process_goes_on_with_what_another_began(oidc: OidcSite, tmp_path: Path) -> None:
    """Nothing of a login under way is kept in a process."""
    other = OidcSite(oidc.store, oidc.provider, tmp_path / "other.toml")
    browser, there = oidc.browser(), other.browser()
    address = oidc.provider.log_in(oidc.begin(browser), "1")
    cookie = browser.get_cookie("otel_fmd_logins")
    assert cookie is not None
    there.set_cookie("otel_fmd_logins", cookie.value)
    assert other.back(there, address).status_code == 302
    assert other.is_in(there)


def test_two_tabs_log_in_side_by_side(oidc: OidcSite) -> None:
    """Each has its own state, and its own page to go to."""
    browser = oidc.browser()
    first = oidc.begin(browser, "/login/acme?next=/hourly")
    second = oidc.begin(browser, "/login/acme?next=/requests")
    answers = [oidc.back(browser, oidc.provider.log_in(one, "1")) for one in (second, first)]
    assert [one.headers["Location"] for one in answers] == ["/requests", "/hourly"]
    assert browser.get_cookie("otel_fmd_logins") is None


def test_below_a_public_url(sqlite_store: Store, provider: SmallProvider, tmp_path: Path) -> None:
    """The callback is registered with it, whatever the request says; the cookie is for TLS only."""
    public = "https://fmd.example.com/team"
    provider.redirect_uris = [f"{public}/login/acme/callback"]
    site = OidcSite(sqlite_store, provider, tmp_path / "oidc.toml", public_url=public)
    browser = site.browser()
    answer = browser.get("/login/acme", headers={"Host": "evil.example"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Secure-otel_fmd_logins=")
    assert {"Secure", "HttpOnly", "Path=/team/", "SameSite=Lax", "Max-Age=600"} <= set(
        cookie.split("; ")
    )
    back = provider.log_in(answer.headers["Location"], "1")
    assert back.startswith(f"{public}/login/acme/callback?")
    value = cookie.partition(";")[0]
    address = f"/team{back.removeprefix(public)}"
    done = site.app.test_client(use_cookies=False).get(address, headers={"Cookie": value})
    assert done.headers["Location"] == "/team/"
    (hint,) = [one for one in done.headers.getlist("Set-Cookie") if "id_token" in one]
    assert hint.startswith("__Secure-otel_fmd_id_token=eyJ")
    assert {"Secure", "HttpOnly", "Path=/team/logout", "SameSite=Lax"} <= set(hint.split("; "))


def test_a_client_may_have_to_post_its_secret(oidc: OidcSite) -> None:
    """As the provider's metadata say."""
    oidc.provider.method = "client_secret_post"
    assert oidc.log_in(oidc.browser()).status_code == 302


def test_a_public_client_has_no_secret(
    sqlite_store: Store, provider: SmallProvider, tmp_path: Path
) -> None:
    """PKCE alone shows who began the login."""
    provider.method = "none"
    lines = [one for one in table(provider).splitlines() if "client_secret" not in one]
    site = OidcSite(sqlite_store, provider, tmp_path / "oidc.toml", "\n".join(lines))
    assert site.log_in(site.browser()).status_code == 302


def test_logout_ends_the_session_and_goes_on_to_the_provider(oidc: OidcSite) -> None:
    """With a page in between, as a form may not lead to another host; a copied cookie is void."""
    browser, thief = oidc.browser(), oidc.browser()
    oidc.log_in(browser)
    cookie = browser.get_cookie("otel_fmd_session")
    hint = browser.get_cookie("otel_fmd_id_token", path="/logout")
    assert cookie is not None
    assert hint is not None
    assert hint.value.startswith("eyJ")
    thief.set_cookie("otel_fmd_session", cookie.value)
    answer = browser.post("/logout", headers=ORIGIN)
    assert answer.status_code == 200
    wanted = (
        f"{oidc.provider.issuer}/logout?client_id={CLIENT}&amp;"
        f"post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Flogin&amp;id_token_hint={hint.value}"
    )
    assert f'http-equiv="refresh" content="0; url={wanted}"' in answer.text
    assert f'href="{wanted}">Log out of acme, too</a>' in answer.text
    assert browser.get_cookie("otel_fmd_session") is None
    assert browser.get_cookie("otel_fmd_id_token", path="/logout") is None
    assert not oidc.is_in(thief)
    assert oidc.audit()[-1] == ("logout", "ana@acme", "ana@acme", "", "acme")


def test_a_long_id_token_is_not_kept(oidc: OidcSite) -> None:
    """A cookie has its limits; the provider may then ask who it is."""
    oidc.provider.people["1"]["groups"] = ["a group with a long name"] * 200
    browser = oidc.browser()
    oidc.log_in(browser)
    assert browser.get_cookie("otel_fmd_id_token", path="/logout") is None
    answer = browser.post("/logout", headers=ORIGIN)
    assert "post_logout_redirect_uri" in answer.text
    assert "id_token_hint" not in answer.text


@pytest.mark.parametrize("what", ["no such page", "down"])
def test_logout_without_the_provider(oidc: OidcSite, tmp_path: Path, what: str) -> None:
    """Here it works all the same."""
    if what == "no such page":
        oidc.provider.metadata["end_session_endpoint"] = None
    browser = oidc.browser()
    oidc.log_in(browser)
    site = oidc
    if what == "down":
        # Another process, which has not asked the provider yet.
        site = OidcSite(oidc.store, oidc.provider, tmp_path / "other.toml")
        oidc.provider.answers["/.well-known/openid-configuration"] = (503, "")
        cookie = browser.get_cookie("otel_fmd_session")
        assert cookie is not None
        browser = site.browser()
        browser.set_cookie("otel_fmd_session", cookie.value)
    answer = browser.post("/logout", headers=ORIGIN)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login"
    assert not site.is_in(browser)


def test_a_user_with_a_password_logs_out_here_only(oidc: OidcSite) -> None:
    """They are nobody at the provider."""
    with_user(oidc.store, "root")
    browser = oidc.browser()
    browser.post("/login", data={"username": "root", "password": PASSWORD}, headers=ORIGIN)
    assert oidc.is_in(browser)
    answer = browser.post("/logout", headers=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")


def test_a_logout_elsewhere_ends_the_sessions_here(oidc: OidcSite) -> None:
    """The provider says so itself; nobody else's session ends."""
    ana, ben = oidc.browser(), oidc.browser()
    oidc.log_in(ana)
    oidc.log_in(ben, "2")
    form = {"logout_token": oidc.provider.logout_token("1")}
    answer = oidc.browser().post("/login/acme/backchannel", data=form)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert not oidc.is_in(ana)
    assert oidc.is_in(ben)
    assert ("session.end", "(acme)", "ana@acme", "1 sessions", "") in oidc.audit()


def test_with_a_provider_that_others_wrote(sqlite_store: Store, tmp_path: Path) -> None:
    """What we take the protocol for is not only what we also test it with."""
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        issuer = f"http://localhost:{server.server_port}"
        claims = {"email": "zoe@example.com", "email_verified": True, "roles": ["fmd-admin"]}
        requests.put(f"{issuer}/users/zoe", json=claims, timeout=10).raise_for_status()
        text = f'[mock]\nissuer = "{issuer}"\nclient_id = "x"\nclient_secret = "y"\n{ROLES}'
        site = OidcSite(sqlite_store, None, tmp_path / "oidc.toml", text)
        browser = site.browser()
        there = site.begin(browser, "/login/mock?next=/hourly")
        answer = requests.post(there, {"sub": "zoe"}, allow_redirects=False, timeout=10)
        assert site.back(browser, answer.headers["Location"]).headers["Location"] == "/hourly"
        assert site.is_in(browser)
        assert names(sqlite_store) == {"zoe@example.com@mock": "admin"}
        way_out = browser.post("/logout", headers=ORIGIN).text
        assert f"{issuer}/oauth2/end_session?client_id=x&amp;post_logout" in way_out


def test_in_a_dashboard_that_is_mounted_in_an_app(
    sqlite_store: Store, provider: SmallProvider, tmp_path: Path
) -> None:
    """Below its path, which the callback has, too."""
    file = tmp_path / "oidc.toml"
    file.write_text(table(provider))
    provider.redirect_uris = ["http://localhost/fmd/login/acme/callback"]
    url = sqlite_store.url.render_as_string(hide_password=False)
    settings = Settings(dashboard_path="/fmd", database_url=url, oidc_file=str(file))
    mounted = MountedDashboard(lambda *_: [], settings)
    browser = Client(mounted)
    there = browser.get("/fmd/login/acme?next=/fmd/hourly").headers["Location"]
    parts = urlsplit(provider.log_in(there, "1"))
    answer = browser.get(f"{parts.path}?{parts.query}")
    assert answer.headers["Location"] == "/fmd/hourly"
    assert browser.get("/fmd/_dash-layout").status_code == 200
    mounted.close()
