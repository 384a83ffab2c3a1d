"""The only place with SQL: tables, migrations, writers, queries, retention.

Raises:
    ConfigurationError: on import, without what the extra `sqlite` installs.
"""

from __future__ import annotations

from importlib import metadata

from otel_fmd.errors import ConfigurationError

_OLDEST = {"SQLAlchemy": (2, 0), "alembic": (1, 13)}


def _check_packages() -> None:
    """An app that has another SQLAlchemy, or none, can send its requests over OTLP."""
    for name, oldest in _OLDEST.items():
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = ""
        if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < oldest:
            raise ConfigurationError(
                f"requests cannot be stored in this process: {name} {'.'.join(map(str, oldest))} "
                f"or newer is required, found {version or 'none'}. "
                "pip install 'otel-fmd[sqlite]'; or, if the app needs its own version, send them "
                "over OTLP: OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"
            )


_check_packages()
