"""Where the requests of an app go: a tracer provider with our processor, and what belongs to it.

Apps of one process share such a place while all is the same for them.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Flask
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider, sampling

from otel_fmd import config
from otel_fmd.agent.levels import Levels
from otel_fmd.agent.options import AgentOptions
from otel_fmd.agent.process_instruments import observe_process
from otel_fmd.agent.processor import FmdSpanProcessor
from otel_fmd.agent.provider import OwnIds, remove_processor, take_over
from otel_fmd.agent.sink import Sink, SinkProcessor
from otel_fmd.agent.version import version_of
from otel_fmd.analysis.outliers import OutlierRule
from otel_fmd.analysis.redaction.redactor import Redactor
from otel_fmd.arguments import shared_settings
from otel_fmd.errors import ConfigurationError
from otel_fmd.level_sources import MonitoredApp, remote_levels, stored_levels
from otel_fmd.otlp_target import OtlpTarget, otlp_target

_log = logging.getLogger(__name__)


class Place:
    """A tracer provider whose requests are watched, and everything that must stop with it.

    Args:
        provider: where spans are made.
        processor: watches them.
        key: what must be the same for another app to share it, by name.
        is_own: whether we made the provider.
        instruments: whether apps are instrumented by us, not by `opentelemetry-instrument`.
    """

    def __init__(
        self,
        provider: TracerProvider,
        processor: FmdSpanProcessor,
        key: Mapping[str, Any],
        *,
        is_own: bool,
        instruments: bool = True,
    ) -> None:
        self.provider = provider
        self.processor = processor
        self.key = dict(key)
        self.is_own = is_own
        self.instruments = instruments
        self.apps: weakref.WeakSet[Flask] = weakref.WeakSet()
        self.extra_processors: list[SpanProcessor] = []

    def differences(self, key: Mapping[str, Any]) -> list[str]:
        """The names of what is not the same."""
        return sorted(name for name, value in key.items() if self.key.get(name) != value)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Store everything, as the process ends; False when some was not stored."""
        self.processor.end_streams()
        return self.provider.force_flush(timeout_millis)

    def close(self) -> None:
        """Store what waits, stop every thread and close every connection of it."""
        for one in (self.processor, *self.extra_processors):
            one.shutdown()
            remove_processor(self.provider, one)
        _places.pop(self.provider, None)


_places: weakref.WeakKeyDictionary[TracerProvider, Place] = weakref.WeakKeyDictionary()
"""One processor watches all apps of a provider: with two, a request would be stored twice."""


def check_again(
    app: Flask, found: config.Settings, target: OtlpTarget | None, options: Mapping[str, Any]
) -> None:
    """Refuse to instrument an app again with other values: its requests are seen once.

    Raises:
        ConfigurationError: it names what differs.
    """
    key = shared_settings(found, target, options)
    for place in list(_places.values()):
        differing = place.differences(key) if app in place.apps else []
        if differing:
            raise ConfigurationError(
                f"{', '.join(differing)}: {app.name!r} is already instrumented with other "
                "values; expected the same ones, or uninstrument() first"
            )


def place_for(
    found: config.Settings,
    database_url: str | None,
    given: Mapping[str, Any],
    target: OtlpTarget | None,
    tracer_provider: TracerProvider | None,
    **options: Any,
) -> Place:
    """The place of an app: an existing one with the same settings, or a new one.

    Raises:
        ConfigurationError: the provider is not ours, and has a place with other settings.
    """
    if tracer_provider is not None and not isinstance(tracer_provider, TracerProvider):
        raise ConfigurationError(
            f"tracer_provider={tracer_provider!r}: expected a TracerProvider of opentelemetry.sdk"
        )
    provider: Any = tracer_provider or trace.get_tracer_provider()
    key = shared_settings(found, target, options)
    known = _places.get(provider) if isinstance(provider, TracerProvider) else None
    if known is not None:
        if not known.instruments and _adopt_options(known, key, options):
            return known
        differing = known.differences(key)
        if not differing:
            return known
        if tracer_provider is not None or not known.is_own:
            raise ConfigurationError(
                f"{', '.join(differing)}: another app of this tracer provider has other values; "
                "expected the same ones, or a separate tracer_provider for this app"
            )
        for other in list(_places.values()):
            if other.is_own and not other.differences(key):
                return other
        return _own_place(found, given, target, key, options, is_global=False)
    if not isinstance(provider, TracerProvider):
        return _own_place(found, given, target, key, options, is_global=True)
    stores = "database_url" in config.sources(database_url=database_url, **given)
    sink = _exporter(found, given) if stores or isinstance(provider, _OwnProvider) else None
    return _watch(found, provider, sink, target, key, options, is_own=False)


def automatic(settings: config.Settings, provider: TracerProvider, *, stores: bool) -> Place | None:
    """The place under `opentelemetry-instrument`; None when the agent is switched off."""
    sink: Sink | None = None
    if stores:
        from otel_fmd.exporter import FmdSpanExporter

        taken = take_over(provider, FmdSpanExporter)
        sink = taken if isinstance(taken, FmdSpanExporter) else None
    if not settings.agent:
        if sink is not None:
            provider.add_span_processor(SinkProcessor(sink))
        return None
    target = None if stores else otlp_target(os.environ)
    options = {"group_by": None, "get_ip": None}
    key = shared_settings(settings, target, options)
    return _watch(
        settings, provider, sink, target, key, options,
        is_own=False, instruments=False, stores=stores,
    )  # fmt: skip


class _OwnProvider(TracerProvider):
    """A provider that we created, so that it can be recognized."""


def _own_place(
    found: config.Settings,
    given: Mapping[str, Any],
    target: OtlpTarget | None,
    key: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    is_global: bool,
) -> Place:
    resource = Resource.create()
    version = version_of(found.app_version, found.git)
    if version and (found.app_version or not resource.attributes.get("service.version")):
        resource = resource.merge(Resource({"service.version": version}))
    # What a client's `traceparent` says of sampling would hide its requests.
    sampler = None if "OTEL_TRACES_SAMPLER" in os.environ else sampling.ALWAYS_ON
    provider = _OwnProvider(resource=resource, sampler=sampler, id_generator=OwnIds())
    extra: list[SpanProcessor] = []
    sink = None
    if target is not None:
        extra.append(target.processor())
        provider.add_span_processor(extra[0])
    else:
        sink = _exporter(found, given)
    place = _watch(found, provider, sink, target, key, options, is_own=True)
    place.extra_processors = extra
    if is_global:
        trace.set_tracer_provider(provider)
    return place


def _exporter(found: config.Settings, given: Mapping[str, Any]) -> Any:
    from otel_fmd.exporter import FmdSpanExporter

    return FmdSpanExporter(found.database_url, **given)


def _adopt_options(known: Place, key: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Let an app under `opentelemetry-instrument` say what only code can: functions."""
    new = {n: v for n, v in options.items() if v is not None and known.key.get(n) is None}
    if set(known.differences(key)) - new.keys() - {"database_url", "OTLP"}:
        return False
    if known.differences({n: key[n] for n in ("database_url", "OTLP")}):
        return False
    known.processor.set_options(replace(known.processor.options, **new))
    known.key.update(new)
    return True


def _watch(
    settings: config.Settings,
    provider: TracerProvider,
    sink: Sink | None,
    target: OtlpTarget | None,
    key: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    is_own: bool,
    instruments: bool = True,
    stores: bool = False,
) -> Place:
    """A processor with its levels, and what keeps those as the server has them."""
    rule = OutlierRule(settings.outlier_detection_constant, settings.outlier_min_requests)
    levels = Levels(settings.monitor_level, rule)
    resource = provider.resource.attributes
    version = settings.app_version
    if not version and not resource.get("service.version"):
        version = version_of("", settings.git)
    processor = FmdSpanProcessor(
        AgentOptions(
            version=version,
            default_level=settings.monitor_level,
            rule=rule,
            sampling_period_ms=settings.sampling_period_ms,
            switch_interval_ms=settings.switch_interval_ms,
            keep_variables=settings.exception_variables,
            redactor=Redactor.of(settings),
            **options,
        ),
        levels,
        sink,
    )
    processor.tracer = provider.get_tracer("otel_fmd")
    service = str(resource.get("service.name", ""))
    version = str(resource.get("service.version") or version)
    app = MonitoredApp(service, version, levels, processor)
    if sink is not None or stores:
        processor.background = stored_levels(settings, app)
    else:
        remote = remote_levels(settings, target, app)
        if remote is not None:
            processor.background = remote
        if settings.process_metrics_seconds:
            observe_process()
    provider.add_span_processor(processor)
    place = Place(provider, processor, key, is_own=is_own, instruments=instruments)
    _places[provider] = place
    _log_sampler(provider)
    return place


def _log_sampler(provider: TracerProvider) -> None:
    sampler = provider.sampler.get_description()
    if sampler == sampling.ALWAYS_ON.get_description():
        return
    default: sampling.Sampler = sampling.DEFAULT_ON
    if sampler == default.get_description():
        sampler = "parentbased_always_on"  # as OTEL_TRACES_SAMPLER calls it
    _log.info(
        "the sampler is %s: requests that it drops, or whose caller's traceparent says not to "
        "sample, are not seen; set OTEL_TRACES_SAMPLER=always_on to see all",
        sampler,
    )
