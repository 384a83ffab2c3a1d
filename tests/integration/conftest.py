"""The original FMD, in an environment of its own; instrumented apps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_fmd
from otel_fmd.instrumentation import Instrumentation
from otel_fmd.store.store import Store
from tests.support.fmd_environment import install_fmd
from tests.support.shop import make_app


@pytest.fixture(scope="session")
def fmd_python() -> Path:
    """A Python with the original FMD in an environment of its own."""
    return install_fmd()


@pytest.fixture
def kept() -> InMemorySpanExporter:
    """What the app's own exporter gets."""
    return InMemorySpanExporter()


@pytest.fixture
def instrumented(
    tmp_path: Path, kept: InMemorySpanExporter
) -> Iterator[Callable[..., tuple[Flask, Instrumentation, Store]]]:
    """Makes instrumented apps with a database of their own."""
    made: list[Instrumentation] = []

    def make(**options: Any) -> tuple[Flask, Instrumentation, Store]:
        app = make_app()
        provider = TracerProvider(resource=Resource.create({"service.name": "mine"}))
        provider.add_span_processor(SimpleSpanProcessor(kept))
        url = f"sqlite:///{tmp_path / 'fmd.db'}"
        found = otel_fmd.instrument(app, database_url=url, tracer_provider=provider, **options)
        made.append(found)
        return app, found, Store(url)

    yield make
    for one in made:
        one.uninstrument()
