"""Who somebody is after a login with a provider: user, name, role, and what ends with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from otel_fmd.actions import users
from otel_fmd.actions.tokens import add_token
from otel_fmd.errors import ConfigurationError
from otel_fmd.people.actor import OPERATOR, Role
from otel_fmd.people.passwords import hashed
from otel_fmd.people.tokens import find_token
from otel_fmd.store.store import Store
from tests.support.oidc_provider import CLIENT, SmallProvider
from tests.support.oidc_site import ORIGIN, OidcSite, table
from tests.support.people import PASSWORD, user_named, users_of, with_user


def names(store: Store) -> dict[str, str]:
    """The role of each user."""
    return {one.username: one.role.name.lower() for one in users_of(store)}


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
        way_out = f'<a href="{provider.issuer}/logout?client_id={CLIENT}&amp;post_logout'
        assert way_out in answer.text
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
        users.set_password(OPERATOR, oidc.store, "ana@acme", PASSWORD, passwords_on=True)
