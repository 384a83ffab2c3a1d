"""Logging in with OpenID Connect, against a real provider: who gets in, as whom, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
from sqlalchemy import delete, insert

from otel_fmd.actions import users
from otel_fmd.actions.tokens import add_token
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import OPERATOR, Role
from otel_fmd.people.passwords import hashed
from otel_fmd.people.tokens import find_token
from otel_fmd.store.store import Store
from tests.support.oidc_provider import CLIENT, SmallProvider
from tests.support.oidc_site import ORIGIN, ROLES, OidcSite, table
from tests.support.people import PASSWORD, user_named, users_of, with_user


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


@pytest.mark.parametrize(
    ("claims", "roles", "expected"),
    [
        ({"roles": ["staff"]}, "", None),
        ({}, "", None),
        ({"roles": "fmd-guest"}, "", "guest"),
        ({"roles": {"fmd-admin": {"id": 7}}}, "", "admin"),
        (
            {"realm": {"access": ["a"]}},
            'role_claim = "realm.access"\nadmin_values = ["a"]',
            "admin",
        ),
        ({"https://a.b/r": ["a"]}, 'role_claim = "https://a.b/r"\nadmin_values = ["a"]', "admin"),
        ({"x": {"realm.access": 1}}, 'role_claim = "realm.access"\nadmin_values = ["a"]', None),
        ({"email": "a"}, 'role_claim = "email"\nadmin_values = ["a"]', None),
        (
            {"email": "a", "email_verified": True},
            'role_claim = ["hd", "email"]\nadmin_values = ["a"]\nguest_values = ["b"]',
            "admin",
        ),
        ({"hd": "b"}, 'role_claim = ["hd", "email"]\nguest_values = ["b"]', "guest"),
        ({}, 'default_role = "guest"', "guest"),
        (
            {"roles": ["x"]},
            'role_claim = "roles"\nadmin_values = ["a"]\ndefault_role = "guest"',
            "guest",
        ),
    ],
)
def test_the_role_comes_from_claims(
    sqlite_store: Store,
    provider: SmallProvider,
    tmp_path: Path,
    claims: dict[str, Any],
    roles: str,
    expected: str | None,
) -> None:
    """Who has none is not let in, and no user is added."""
    text = table(provider, roles=roles) if roles else ""
    site = OidcSite(sqlite_store, provider, tmp_path / "oidc.toml", text)
    provider.people["3"] = {"preferred_username": "zoe", **claims}
    browser = site.browser()
    answer = site.log_in(browser, "3")
    if expected is None:
        assert answer.status_code == 403
        assert "you have no access to this dashboard" in answer.text
        assert not site.is_in(browser)
        assert users_of(sqlite_store) == []
        assert site.audit() == [("login.failed", "(nobody)", "zoe@acme", "", "no role here")]
    else:
        assert answer.status_code == 302
        assert names(sqlite_store) == {"zoe@acme": expected}


def test_claims_may_be_in_userinfo_only(oidc: OidcSite) -> None:
    """It is asked only if the ID token lacks one."""
    oidc.provider.people["3"] = {}
    oidc.provider.more["3"] = {"preferred_username": "zoe", "roles": ["fmd-admin"]}
    assert oidc.log_in(oidc.browser(), "1").status_code == 302
    assert "/userinfo" not in oidc.provider.asked
    assert oidc.log_in(oidc.browser(), "3").status_code == 302
    assert names(oidc.store) == {"ana@acme": "admin", "zoe@acme": "admin"}


def test_userinfo_about_somebody_else_counts_for_nothing(oidc: OidcSite) -> None:
    """Nor does its role."""
    oidc.provider.people["3"] = {}
    oidc.provider.answers["/userinfo"] = (200, '{"sub": "1", "roles": ["fmd-admin"]}')
    assert oidc.log_in(oidc.browser(), "3").status_code == 502
    assert users_of(oidc.store) == []


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"preferred_username": "zoe", "email": "z@x.org", "email_verified": True}, "zoe"),
        ({"email": "z@x.org", "email_verified": True}, "z@x.org"),
        ({"email": "admin@x.org", "email_verified": False}, "3"),
        ({"email": "admin@x.org"}, "3"),
        ({"preferred_username": " \n ", "name": "Zoe"}, "3"),
        ({"preferred_username": "a" * 300}, "a" * 245),
    ],
)
def test_the_name_of_a_new_user(oidc: OidcSite, claims: dict[str, Any], expected: str) -> None:
    """An address that nobody verified is none."""
    oidc.provider.people["3"] = {**claims, "roles": ["fmd-guest"]}
    assert oidc.log_in(oidc.browser(), "3").status_code == 302
    assert names(oidc.store) == {f"{expected}@acme": "guest"}


def test_nobody_is_taken_for_another_of_the_same_name(oidc: OidcSite) -> None:
    """Neither a user with a password nor another person at the provider."""
    with_user(oidc.store, "ana", Role.GUEST)
    with_user(oidc.store, "ana@acme", Role.GUEST)
    before = {one.username: one for one in users_of(oidc.store)}
    oidc.provider.people["3"] = oidc.provider.people["1"]
    for subject in ("1", "3"):
        assert oidc.log_in(oidc.browser(), subject).status_code == 302
    after = {one.username: one for one in users_of(oidc.store)}
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"ana-2@acme", "ana-3@acme"}
    form = {"username": "ana", "password": PASSWORD}
    assert oidc.browser().post("/login", data=form, headers=ORIGIN).status_code == 302


def test_a_person_is_their_subject_whatever_their_name(oidc: OidcSite) -> None:
    """A new name makes no new user."""
    assert oidc.log_in(oidc.browser()).status_code == 302
    oidc.provider.people["1"]["preferred_username"] = "ana-married"
    assert oidc.log_in(oidc.browser()).status_code == 302
    assert names(oidc.store) == {"ana@acme": "admin"}


def test_a_changed_role_ends_what_was_begun_with_the_old_one(oidc: OidcSite) -> None:
    """Even of the last admin, whose tokens are revoked, too."""
    old, new = oidc.browser(), oidc.browser()
    oidc.log_in(old)
    ana = user_named(oidc.store, "ana@acme")
    assert ana is not None
    token = add_token(ana.actor(), oidc.store, "ci", ["read"], None)
    oidc.provider.people["1"]["roles"] = ["fmd-guest"]
    assert oidc.is_in(old)
    oidc.log_in(new)
    assert not oidc.is_in(old)
    assert oidc.is_in(new)
    assert names(oidc.store) == {"ana@acme": "guest"}
    assert find_token(oidc.store, token) is None
    role = ("user.role", "(acme)", "ana@acme", "admin", "guest (tokens revoked: ci)")
    assert role in oidc.audit()


def test_who_is_not_let_in_any_more_is_out_everywhere(oidc: OidcSite) -> None:
    """At the attempt to log in; the user stays for the audit, as a guest without sessions."""
    old = oidc.browser()
    oidc.log_in(old)
    oidc.provider.people["1"]["roles"] = []
    assert oidc.log_in(oidc.browser()).status_code == 403
    assert not oidc.is_in(old)
    assert names(oidc.store) == {"ana@acme": "guest"}


def test_a_guest_s_sessions_end_as_well(oidc: OidcSite) -> None:
    """Their role does not change, but they have no access any more."""
    old = oidc.browser()
    oidc.log_in(old, "2")
    oidc.provider.people["2"]["roles"] = []
    assert oidc.log_in(oidc.browser(), "2").status_code == 403
    assert not oidc.is_in(old)
    assert ("session.end", "(acme)", "ben@acme", "1 sessions", "") in oidc.audit()


def test_a_removed_user_is_removed_with_the_identity(oidc: OidcSite) -> None:
    """A later login is that of a new user."""
    browser = oidc.browser()
    oidc.log_in(browser)
    with_user(oidc.store, "root")
    users.remove_user(OPERATOR, oidc.store, "ana@acme")
    with oidc.store.read() as connection:
        assert connection.execute(oidc.store.tables.identity.select()).all() == []
    assert not oidc.is_in(browser)
    assert oidc.log_in(oidc.browser()).status_code == 302
    assert names(oidc.store) == {"root": "admin", "ana@acme": "admin"}


def test_who_got_the_id_of_a_user_that_fmd_removed_is_not_them(oidc: OidcSite) -> None:
    """Another program leaves the identity, and SQLite gives the id out again."""
    oidc.log_in(oidc.browser(), "2")
    user = oidc.store.tables.user
    old = user_named(oidc.store, "ben@acme")
    with oidc.store.write() as connection:
        connection.execute(delete(user))
        values = {"username": "eve", "password_hash": hashed(PASSWORD), "is_admin": True}
        connection.execute(insert(user).values(**values))
    eve = user_named(oidc.store, "eve")
    assert old is not None
    assert eve is not None
    assert eve.id == old.id
    assert oidc.log_in(oidc.browser(), "2").status_code == 302
    assert names(oidc.store) == {"eve": "admin", "ben@acme": "guest"}


def test_a_user_of_a_provider_has_no_password(oidc: OidcSite) -> None:
    """None opens the form, not even what stands in its place, and none can be set."""
    oidc.log_in(oidc.browser())
    with oidc.store.read() as connection:
        (row,) = connection.execute(oidc.store.tables.user.select()).all()
    for password in ("", row.password_hash, "oidc$"):
        form = {"username": "ana@acme", "password": password}
        assert oidc.browser().post("/login", data=form, headers=ORIGIN).status_code == 401
    with pytest.raises(ConfigurationError, match="has no password here"):
        users.set_password(OPERATOR, oidc.store, "ana@acme", PASSWORD)


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
    assert cookie is not None
    thief.set_cookie("otel_fmd_session", cookie.value)
    answer = browser.post("/logout", headers=ORIGIN)
    assert answer.status_code == 200
    wanted = (
        f"{oidc.provider.issuer}/logout?client_id={CLIENT}&amp;"
        "post_logout_redirect_uri=http%3A%2F%2Flocalhost%2Flogin"
    )
    assert f'http-equiv="refresh" content="0; url={wanted}"' in answer.text
    assert f'href="{wanted}">Log out of acme, too</a>' in answer.text
    assert browser.get_cookie("otel_fmd_session") is None
    assert not oidc.is_in(thief)
    assert oidc.audit()[-1] == ("logout", "ana@acme", "ana@acme", "", "acme")


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
