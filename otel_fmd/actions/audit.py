"""The log of changes that people made: logger `otel_fmd.audit`, level INFO."""

from __future__ import annotations

import logging

from otel_fmd.people.actor import Actor

_log = logging.getLogger("otel_fmd.audit")


def audit(actor: Actor, change: str) -> None:
    """Log a change and its actor; called once it is done."""
    _log.info("%r (%s): %s", actor.name, actor.role.name.lower(), change)
