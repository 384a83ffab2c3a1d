"""Who may send: what a receiver remembers of tokens between two readings of the database."""

from __future__ import annotations

import pytest

from otel_fmd.actions.tokens import add_token, remove_token
from otel_fmd.people import tokens as module
from otel_fmd.people.actor import OPERATOR
from otel_fmd.people.tokens import all_tokens
from otel_fmd.receiver import senders
from otel_fmd.receiver.senders import TokenSenders
from otel_fmd.store.store import Store


def used_us(store: Store) -> int | None:
    """When the only token was last used."""
    with store.read() as connection:
        return all_tokens(connection, store.tables)[0].used_us


def test_what_is_read_once_a_second(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use is recorded once a minute; expiry needs no reading."""
    now_s = 1_000.0
    monkeypatch.setattr(senders.time, "monotonic", lambda: now_s)
    secret = add_token(OPERATOR, sqlite_store, "app", ["ingest"], 1)
    found = TokenSenders(sqlite_store, "", required=True)
    assert not found.allow(f"Bearer {secret}")
    found._refresh()
    assert found.allow(f"bearer  {secret} ")
    assert not found.allow(secret)
    assert not found.allow(f"Basic {secret}")
    now_s += 30
    found._refresh()
    assert used_us(sqlite_store) is None
    now_s += 31
    found._refresh()
    assert used_us(sqlite_store) is not None
    later = module.now_us() + 25 * 3600 * 1_000_000
    monkeypatch.setattr(module, "now_us", lambda: later)
    assert not found.allow(f"Bearer {secret}")
    remove_token(OPERATOR, sqlite_store, "app")
    found._refresh()
    assert not found.allow(f"Bearer {secret}")


def test_nothing_is_read_if_no_token_is_needed(sqlite_store: Store) -> None:
    """No thread, no query."""
    found = TokenSenders(sqlite_store, "", required=False)
    found.start()
    assert not found.need_token
    assert not found._job.is_started
    assert found.allow("")
    found.stop()


def test_who_may_read_metrics(sqlite_store: Store) -> None:
    """Scopes that read, and the shared token; a token that only sends may not."""
    secrets = {
        scope: add_token(OPERATOR, sqlite_store, scope, [scope], 1)
        for scope in ("read", "write", "admin", "ingest")
    }
    found = TokenSenders(sqlite_store, "a shared token", required=False)
    found._refresh()
    assert {scope: found.may_read(f"Bearer {one}") for scope, one in secrets.items()} == {
        "read": True,
        "write": True,
        "admin": True,
        "ingest": False,
    }
    assert {scope: found.allow(f"Bearer {one}") for scope, one in secrets.items()} == {
        "read": False,
        "write": False,
        "admin": False,
        "ingest": True,
    }
    assert found.may_read("Bearer a shared token")
    for wrong in ("", "Bearer", "Bearer x", "Bearer ofmd_", f"Basic {secrets['read']}", "Bearer é"):
        assert not found.may_read(wrong)
    assert TokenSenders(sqlite_store, "", required=False).may_read("")


def test_only_a_use_that_was_permitted_is_recorded(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that was refused was not used."""
    monkeypatch.setattr(senders, "_USED_EVERY_S", -1.0)
    secret = add_token(OPERATOR, sqlite_store, "scraper", ["read"], 1)
    found = TokenSenders(sqlite_store, "", required=True)
    found._refresh()
    assert not found.allow(f"Bearer {secret}")
    found._refresh()
    assert used_us(sqlite_store) is None
    assert found.may_read(f"Bearer {secret}")
    found._refresh()
    assert used_us(sqlite_store) is not None
