"""A `dash_app.py` of the user stands in front of the dashboard: the error names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MOUNTED = """
import flask, otel_fmd
app = flask.Flask("shop")
otel_fmd.instrument(app, dashboard="/dashboard", database_url="sqlite:///fmd.db")
"""
SERVE = [
    sys.executable,
    "-m",
    "otel_fmd",
    "serve",
    "--dashboard-port",
    "0",
    "--otlp-http-port",
    "0",
]


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A program in a folder, which is where Python looks first."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


NAMES = (
    "dash_app.py",
    "dash_app/__init__.py",
    "dash.py",
    "plotly/__init__.py",
    "flask_compress.py",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_in_front_of_the_dashboard_is_named(name: str, tmp_path: Path) -> None:
    """By `serve` without a traceback, and by `instrument` with our error.

    Or in front of what it imports; `dash.py` is a usual name of a Dash app.
    """
    theirs = tmp_path / name
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("mine = 1\n")
    (tmp_path / "shop.py").write_text(MOUNTED)
    served = run(tmp_path, *SERVE)
    mounted = run(tmp_path, sys.executable, "-c", "import shop")
    for found in (served, mounted):
        assert found.returncode != 0
        assert f"{theirs} shadows it: rename" in found.stderr
    assert "Traceback" not in served.stderr
    assert "ConfigurationError" in mounted.stderr


def test_one_that_the_app_imported_first_is_named(tmp_path: Path) -> None:
    """And nothing of the app's is replaced."""
    (tmp_path / "dash_app.py").write_text("mine = 1\n")
    (tmp_path / "first.py").write_text(f"import dash_app\nassert dash_app.mine\n{MOUNTED}")
    found = run(tmp_path, sys.executable, "-c", "import first")
    assert f"{tmp_path / 'dash_app.py'} shadows it" in found.stderr
