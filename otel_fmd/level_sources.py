"""Where an app gets its monitor levels: from its own database, or the receiver of its spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from otel_fmd import config
from otel_fmd.agent.levels import Levels, Seed
from otel_fmd.agent.poller import LevelPoller
from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.agent.remote_levels import RemoteLevels
from otel_fmd.agent.url_map import NewEndpoints
from otel_fmd.otlp_target import OtlpTarget


class MonitoredApp(NamedTuple):
    """What is asked for, and where it goes.

    Args:
        service: the app's `service.name`.
        version: its version; '' if it is not known.
        levels: gets the levels.
        processor: knows the endpoints of the app.
    """

    service: str
    version: str
    levels: Levels
    processor: FmdSpanProcessor


def remote_levels(
    settings: config.Settings, target: OtlpTarget | None, app: MonitoredApp
) -> LevelPoller | None:
    """Levels from a receiver; None if none is known.

    Where spans go, it is asked with the token and the certificates of the exporter.
    """
    url = settings.levels_url or (target.levels_url if target is not None else "")
    if not url:
        return None
    token, certificates = settings.otlp_token, ("", "", "")
    if target is not None and not settings.levels_url:
        token, certificates = token or target.token, target.certificates
    news = NewEndpoints(app.processor.apps)
    remote = RemoteLevels(url, app.service, token, app.version, news, certificates)
    return LevelPoller(remote, app.levels)


def stored_levels(settings: config.Settings, app: MonitoredApp) -> LevelPoller:
    """Levels from the database in which the app stores its requests."""
    from otel_fmd.ingest.url_maps import UrlMaps
    from otel_fmd.queries.seeds import endpoint_seeds
    from otel_fmd.store.store import Store

    store = Store(settings.database_url, settings.table_prefix)
    most = settings.max_endpoints // 2
    maps = UrlMaps(store, settings.rename, settings.monitor_level, most)
    news = NewEndpoints(app.processor.apps)

    def fetch() -> Mapping[str, Seed]:
        news.report(lambda names: maps.add(app.service, app.version, names))
        return endpoint_seeds(store, app.service)

    return LevelPoller(fetch, app.levels, store.close)
