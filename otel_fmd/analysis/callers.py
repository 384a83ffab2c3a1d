"""Users and addresses: keys tell them apart, never what they are called."""

from __future__ import annotations

from typing import NamedTuple

NOBODY = ""
"""The key of requests of which no user (or address) is known."""
OTHERS = "\0others"
"""The key of all who are over the cap, together: nobody can be called that, NUL is not stored."""
_OURS = "\u2060"
"""Stands, unseen, in the labels that are no names: somebody may be called `(unknown)`."""
_LABELS = {NOBODY: f"(unknown){_OURS}", OTHERS: f"(others){_OURS}"}


class CallerInVersion(NamedTuple):
    """The requests of one user or address (its key) in one version."""

    who: str
    version: str
    requests: int
    median_ms: float


def caller_label(who: str) -> str:
    """What a user or an address is called beside a chart; no two keys are called the same."""
    label = _LABELS.get(who)
    if label is not None:
        return label
    return who if who.strip() else f"(blank {len(who)}){_OURS}"


def caller_cell(who: str) -> str:
    """The same in a table: nothing for nobody."""
    return "" if who == NOBODY else caller_label(who)
