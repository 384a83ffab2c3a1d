"""`otel-fmd token`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from otel_fmd import config
from otel_fmd.commands.opening import open_store
from otel_fmd.people.actor import OPERATOR


def add(options: argparse.Namespace, settings: config.Settings) -> int:
    """Create a token, and print it."""
    from otel_fmd.actions.tokens import add_token

    store = open_store(settings)
    print(add_token(OPERATOR, store, options.name, options.scope, options.days))
    return 0


def revoke(options: argparse.Namespace, settings: config.Settings) -> int:
    """Revoke a token."""
    from otel_fmd.actions.tokens import remove_token

    remove_token(OPERATOR, open_store(settings), options.name)
    return 0


def show_all(_options: argparse.Namespace, settings: config.Settings) -> int:
    """List tokens: name, beginning, scopes, who created it, expiry, last use."""
    from otel_fmd.people.tokens import all_tokens

    store = open_store(settings)
    with store.read() as connection:
        for one in all_tokens(connection, store.tables):
            times = (_text(one.expires_us, "never expires"), _text(one.used_us, "never used"))
            print(
                one.name, f"{one.hint}...", ",".join(one.scopes), one.created_by, *times, sep="\t"
            )
    return 0


def _text(time_us: int | None, none: str) -> str:
    if time_us is None:
        return none
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="minutes")
