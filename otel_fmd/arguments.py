"""The arguments of `instrument`: those that have an effect there, and those that apps share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from otel_fmd import config
from otel_fmd.errors import ConfigurationError
from otel_fmd.otlp_target import OtlpTarget

_SERVER = frozenset(
    [
        "host", "otlp_http_port", "otlp_grpc_port", "dashboard_port", "dashboard", "receiver",
        "max_body_bytes", "allowed_origins", "grace_seconds", "pruning_schedule",
        "max_database_size", "log_level", "agent",
    ]
)  # fmt: skip
"""Settings of `otel-fmd serve` or `opentelemetry-instrument`: without effect in `instrument`."""
_DASHBOARD = frozenset(
    [
        "dashboard_path", "admin_username", "admin_password", "timezone", "colors", "brand_name",
        "title_name", "description", "show_login_banner", "show_login_footer",
    ]
)  # fmt: skip
_KEPT = frozenset(
    name.name for name in fields(config.Settings) if name.name.startswith("keep_")
) - {
    "keep_headers",
    "keep_environ",
    "keep_log_severity",
}


def check_arguments(found: config.Settings, given: Mapping[str, Any]) -> None:
    """Refuse arguments that would do nothing.

    Raises:
        ConfigurationError: it names them.
    """
    unused = _SERVER | _KEPT if found.dashboard_path else _SERVER | _KEPT | _DASHBOARD
    names = sorted(name for name in unused & given.keys() if given[name] not in (None, ""))
    if names:
        raise ConfigurationError(
            f"{', '.join(names)}: no effect in instrument(); expected in `otel-fmd serve`"
            + ("" if found.dashboard_path else ', or together with dashboard="/dashboard"')
        )


def shared_settings(
    found: config.Settings, target: OtlpTarget | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What must be the same for two apps to share a processor, by name."""
    left_out = _SERVER | _DASHBOARD | _KEPT | {"config_file"}
    names = [one.name for one in fields(found) if one.name not in left_out]
    return {**{name: getattr(found, name) for name in names}, "OTLP": target, **options}
