"""The exceptions of otel-fmd; `OtelFmdError` is the root of them all."""

from __future__ import annotations


class OtelFmdError(Exception):
    """Root of every error that otel-fmd raises on purpose.

    Args:
        message: for logs and for admins.
        advice: the problem and its remedy, safe to show to anyone: no address, no name.
    """

    usual_advice = "It failed; the log says why."

    def __init__(self, message: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice or self.usual_advice


class ConfigurationError(OtelFmdError):
    """A setting has a value that cannot be used; the message names it and what was expected."""

    usual_advice = "A setting cannot be used; the log names it."


class NotFoundError(ConfigurationError):
    """There is nothing with the given name or id."""


class ConflictError(ConfigurationError):
    """It cannot be done as things are: the name is taken, the user is the last admin."""


class NotAllowedError(OtelFmdError):
    """The actor's role does not permit what they tried to see or do."""


class StoreError(OtelFmdError):
    """A database operation failed."""


class StoreUnavailableError(StoreError):
    """The database cannot store anything now (down, locked, full, read-only); try again later."""

    usual_advice = "The database cannot be reached; the log says why."


class SchemaError(StoreError):
    """The database holds tables that this version cannot use as they are."""

    usual_advice = "The tables in the database cannot be used as they are; the log says why."


class QueueFullError(OtelFmdError):
    """The queue of rows to be stored is full; none of the new ones was accepted."""


class ShuttingDownError(OtelFmdError):
    """The pipeline is stopping and accepts nothing new."""


class LevelsUnavailableError(OtelFmdError):
    """The monitor levels could not be read from the receiver; the last known ones stay in force."""


class TooManyAttemptsError(OtelFmdError):
    """An attempt has to wait because too many failed.

    Args:
        wait_s: seconds to wait.
    """

    def __init__(self, wait_s: int) -> None:
        words = f"too many wrong passwords: try again in {wait_s} seconds"
        super().__init__(words, words)
        self.wait_s = wait_s
