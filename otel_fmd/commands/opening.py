"""Opening the database for a command."""

from __future__ import annotations

from typing import Any

from otel_fmd import config
from otel_fmd.errors import ConfigurationError


def open_store(settings: config.Settings) -> Any:
    """The database, with its schema in place."""
    from otel_fmd.rollups.prepare import prepare
    from otel_fmd.store.store import Store

    store = Store(settings.database_url, settings.table_prefix)
    prepare(store)
    return store


def open_people(settings: config.Settings) -> Any:
    """The same, for commands that change users."""
    try:
        import werkzeug  # noqa: F401 - hashes passwords
    except ModuleNotFoundError:
        raise ConfigurationError("users need 'werkzeug': pip install 'otel-fmd[server]'") from None
    return open_store(settings)


def address_of(settings: config.Settings, path: str) -> str:
    """Where browsers find a path of the dashboard that `serve` starts with these settings."""
    if settings.public_url:
        return f"{settings.public_url}/{path}"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.dashboard_port}{settings.url_prefix}/{path}"
