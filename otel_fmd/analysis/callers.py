"""Users and addresses, identified by their keys, never by their labels."""

from __future__ import annotations

from typing import NamedTuple

NOBODY = ""
"""The key of requests whose user (or address) is unknown."""
OTHERS = "\0others"
"""The combined key of all callers over the cap: no name can equal it, NUL is not stored."""
_OURS = "\u2060"
"""Invisible mark in labels that are not names: a user may be called `(unknown)`."""
_LABELS = {NOBODY: f"(unknown){_OURS}", OTHERS: f"(others){_OURS}"}


class CallerInVersion(NamedTuple):
    """The requests of one user or address (its key) in one version."""

    caller: str
    version: str
    requests: int
    median_ms: float


def caller_label(caller: str) -> str:
    """The label of a user or an address in a chart; unique for each key."""
    label = _LABELS.get(caller)
    if label is not None:
        return label
    return caller if caller.strip() else f"(blank {len(caller)}){_OURS}"


def caller_cell(caller: str) -> str:
    """The same in a table: empty for unknown callers."""
    return "" if caller == NOBODY else caller_label(caller)
