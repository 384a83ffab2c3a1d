"""`otel-fmd init-db`, `migrate`, `maintain`, `prune` and `check`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields

from otel_fmd import config
from otel_fmd.commands.opening import address_of, open_people, open_store
from otel_fmd.people.actor import OPERATOR


def init_db(_options: argparse.Namespace, settings: config.Settings) -> int:
    """Create or upgrade the tables, and create the first user."""
    from otel_fmd.people.setup import prepare_first_user
    from otel_fmd.store.schema import HEAD

    store = open_people(settings)
    if settings.password_login:
        link = prepare_first_user(store, settings.admin_username, settings.admin_password)
    else:
        link = None
    if link is not None:
        print(f"Create the first user at {address_of(settings, link)}")
    print(f"The database is at schema {HEAD}.")
    return 0


def migrate(options: argparse.Namespace, settings: config.Settings) -> int:
    """Upgrade the tables, or adopt an FMD database."""
    from otel_fmd.actions.adoption import adopt
    from otel_fmd.analysis.redaction.redactor import Redactor
    from otel_fmd.rollups.prepare import prepare
    from otel_fmd.store.schema import HEAD
    from otel_fmd.store.store import Store
    from otel_fmd.upkeep.adoption import is_foreign

    store = Store(settings.database_url, settings.table_prefix)
    if is_foreign(store):
        print(
            "Adopting a Flask Monitoring Dashboard database: its tables are rebuilt once, and "
            "secrets in its outliers are replaced with [redacted]."
        )
    else:
        prepare(store)
    redactor = Redactor.of(settings)
    adopted = adopt(OPERATOR, store, options.service, settings.max_users, _progress_bar, redactor)
    if adopted:
        print(f"\nCounted {adopted:,} adopted requests.")
    print(f"The database is at schema {HEAD}.")
    return 0


def _progress_bar(done: int, whole: int) -> None:
    if sys.stderr.isatty():
        filled = 40 * done // max(1, whole)
        bar = "#" * filled + "." * (40 - filled)
        print(f"\r[{bar}] {done:,} of {whole:,}", end="", file=sys.stderr, flush=True)


def maintain(_options: argparse.Namespace, settings: config.Settings) -> int:
    """Fold, prune and enforce the size cap once."""
    from otel_fmd.actions.maintenance import maintain
    from otel_fmd.upkeep.retention import ages_of

    cap, callers = settings.max_database_size, settings.max_users
    done = maintain(OPERATOR, open_store(settings), ages_of(settings), cap, callers)
    pruned, evicted = done.pruned or "nothing", done.evicted or "nothing"
    print(f"Folded {done.folded} deltas. Pruned: {pruned}. Evicted: {evicted}.")
    return 0


def prune(options: argparse.Namespace, settings: config.Settings) -> int:
    """Delete data older than the given ages."""
    from otel_fmd.actions.pruning import prune as remove
    from otel_fmd.upkeep.retention import Ages

    ages = Ages(**{one.name: getattr(options, one.name) for one in fields(Ages)})
    removed = remove(OPERATOR, open_store(settings), ages)
    print(
        "Removed:", ", ".join(f"{number:,} {kind}" for kind, number in removed.items()) or "nothing"
    )
    return 0


def check(options: argparse.Namespace, settings: config.Settings) -> int:
    """Compare the rollups with a recount."""
    from otel_fmd.actions.maintenance import repair_rollups
    from otel_fmd.rollups.recount import check

    store = open_store(settings)
    if options.repair:
        repair_rollups(OPERATOR, store, settings.max_users)
    differences = check(store)
    for one in differences[:50]:
        print(f"{one.table} {one.key}: stored {one.stored}, counted {one.counted}")
    print(f"{len(differences)} differences between rollups and rows.")
    return 1 if differences else 0
