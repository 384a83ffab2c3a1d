"""The exceptions of otel-fmd; `OtelFmdError` is the root of them all."""

from __future__ import annotations


class OtelFmdError(Exception):
    """Root of every error that otel-fmd raises on purpose.

    Args:
        message: for logs and for who may see everything.
        advice: what it is and its cure, in words that anybody may read: no address, no name.
    """

    usual_advice = "It failed; the log says why."

    def __init__(self, message: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice or self.usual_advice


class ConfigurationError(OtelFmdError):
    """A setting has a value that cannot be used; the message names it and what was expected."""

    usual_advice = "A setting cannot be used; the log names it."


class NotAllowedError(OtelFmdError):
    """Somebody asked for what their role may not see or do."""


class StoreError(OtelFmdError):
    """The database did not do what was asked."""


class StoreUnavailableError(StoreError):
    """The database cannot store anything now (down, locked, full, read-only); try again later."""

    usual_advice = "The database cannot be reached; the log says why."


class SchemaError(StoreError):
    """The database holds tables that this version cannot use as they are."""

    usual_advice = "The tables in the database cannot be used as they are; the log says why."


class QueueFullError(OtelFmdError):
    """More spans are waiting to be stored than may wait; nothing of the new ones was taken."""


class ShuttingDownError(OtelFmdError):
    """The pipeline is stopping and takes nothing new."""


class LevelsUnavailableError(OtelFmdError):
    """The receiver did not tell the monitor levels; the last known ones stay."""
