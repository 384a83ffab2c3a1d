"""Every command without a package that it may need: one line, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_docs import COMMANDS

MISSING = ("sqlalchemy", "alembic", "werkzeug", "croniter", "uvicorn", "dash", "flask")
ARGUMENTS = {
    "user add": ["ana"],
    "user password": ["ana"],
    "user remove": ["ana"],
    "token add": ["ci", "--scope", "read"],
    "token revoke": ["ci"],
    "prune": ["--requests", "10"],
}
PROGRAM = """
import sys
missing, *arguments = sys.argv[1:]
sys.modules[missing] = None
from otel_fmd.cli import main
sys.exit(main(arguments))
"""


@pytest.mark.parametrize("missing", MISSING)
def test_no_command_ends_in_a_traceback(missing: str, tmp_path: Path) -> None:
    """It works without the package, or says what to install."""
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    environment = {**os.environ, "OTEL_FMD_ADMIN_PASSWORD": "", "OTEL_FMD_DATABASE_URL": url}
    advised = 0
    for command in sorted(COMMANDS.keys() - {"serve", "demo"}):
        words = [*command.split(), *ARGUMENTS.get(command, [])]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, missing, *words],
            env=environment,
            input="a quite long sentence\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, (command, done.stderr)
        assert done.returncode in (0, 2), (command, done.stderr)
        advised += "pip install 'otel-fmd[" in done.stderr
    needs = {"sqlalchemy": 13, "werkzeug": 3}
    assert advised >= needs.get(missing, 0)


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_server_without_its_packages_says_what_to_install(command: str, tmp_path: Path) -> None:
    """The extra."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "uvicorn", command],
        env={**os.environ, "OTEL_FMD_DATABASE_URL": f"sqlite:///{tmp_path / 'fmd.db'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'otel-fmd[server]'" in done.stderr
