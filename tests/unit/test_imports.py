"""What a monitored app pays for importing us."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["otel_fmd", "otel_fmd.exporter", "otel_fmd.config"])
def test_the_exporter_is_light(module: str) -> None:
    """No dashboard, no statistics, no server comes with it."""
    heavy = ["dash", "plotly", "pandas", "numpy", "grpc", "flask", "uvicorn", "waitress", "alembic"]
    code = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "[]"


def test_the_agent_needs_no_database() -> None:
    """What an app over OTLP imports: no SQLAlchemy, which it may have in another version."""
    code = (
        "import sys; from otel_fmd.instrumentation import instrument; from flask import Flask; "
        "instrument(Flask('app')); "
        "print([m for m in ('sqlalchemy', 'alembic') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert found.strip() == "[]"
