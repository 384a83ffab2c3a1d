"""Every command without a package that it may need: one line, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
import contextlib, io, json, sys, traceback
missing, *commands = sys.argv[1:]
sys.modules[missing] = None
from otel_fmd.cli import main
found = {}
for command in commands:
    sys.stdin = io.StringIO("a quite long sentence\\n")
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        try:
            code = main(json.loads(command))
        except BaseException:
            code = traceback.format_exc()
    found[command] = [code, errors.getvalue()]
print(json.dumps(found))
"""


def run(missing: str, commands: Sequence[Sequence[str]], url: str) -> list[tuple[Any, str]]:
    """The exit code of each command (a traceback if it has none), and what it complains about."""
    environment = {**os.environ, "OTEL_FMD_ADMIN_PASSWORD": "", "OTEL_FMD_DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, missing, *map(json.dumps, commands)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [(code, errors) for code, errors in json.loads(done.stdout).values()]


@pytest.mark.parametrize("missing", MISSING)
def test_no_command_ends_in_a_traceback(missing: str, tmp_path: Path) -> None:
    """It works without the package, or says what to install."""
    names = sorted(COMMANDS.keys() - {"serve", "demo"})
    commands = [[*name.split(), *ARGUMENTS.get(name, [])] for name in names]
    found = run(missing, commands, f"sqlite:///{tmp_path / 'fmd.db'}")
    assert len(found) == len(names) > 12
    for name, (code, errors) in zip(names, found, strict=True):
        assert code in (0, 2), (name, code, errors)
    advised = sum("pip install 'otel-fmd[" in errors for _, errors in found)
    needs = {"sqlalchemy": 13, "werkzeug": 3}
    assert advised >= needs.get(missing, 0)


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_server_without_its_packages_says_what_to_install(command: str, tmp_path: Path) -> None:
    """The extra."""
    ((code, errors),) = run("uvicorn", [[command]], f"sqlite:///{tmp_path / 'fmd.db'}")
    assert code == 2
    assert "pip install 'otel-fmd[server]'" in errors
