"""The exceptions of otel-fmd; `OtelFmdError` is the root of them all."""

from __future__ import annotations


class OtelFmdError(Exception):
    """Root of every error that otel-fmd raises on purpose."""


class ConfigurationError(OtelFmdError):
    """A setting has a value that cannot be used; the message names it and what was expected."""


class StoreError(OtelFmdError):
    """The database did not do what was asked."""


class StoreUnavailableError(StoreError):
    """The database cannot store anything now (down, locked, full, read-only); try again later."""


class SchemaError(StoreError):
    """The database holds tables that this version cannot use as they are."""


class QueueFullError(OtelFmdError):
    """More spans are waiting to be stored than may wait; nothing of the new ones was taken."""


class ShuttingDownError(OtelFmdError):
    """The pipeline is stopping and takes nothing new."""


class LevelsUnavailableError(OtelFmdError):
    """The receiver did not tell the monitor levels; the last known ones stay."""
