"""An environment with the original FMD, for tests and benchmarks that compare with it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from tests.support.requirements import BUILD

FMD = "Flask-MonitoringDashboard==5.1.0"


def install_fmd() -> Path:
    """Its Python; installed when it is first asked for."""
    folder = BUILD / "fmd"
    python = folder / "bin" / "python"
    BUILD.mkdir(exist_ok=True)
    # Tests run in several processes: one installs, the others wait.
    with (BUILD / "fmd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            command = [str(python), "-m", "pip", "install", "-q", FMD, "pymysql"]
            subprocess.run(command, check=True, timeout=400)
            (folder / "installed").touch()
    return python
