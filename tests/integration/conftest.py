"""The original FMD, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.requirements import BUILD

FMD = "Flask-MonitoringDashboard==5.1.0"


@pytest.fixture(scope="session")
def fmd_python() -> Path:
    """A Python with the original FMD in an environment of its own."""
    folder = BUILD / "fmd"
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        command = [str(python), "-m", "pip", "install", "-q", FMD, "pymysql"]
        subprocess.run(command, check=True, timeout=400)
        (folder / "installed").touch()
    return python
