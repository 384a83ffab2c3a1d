"""Bare virtual environments, and the commands of the documentation run in them as printed."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.requirements import BUILD, ROOT, missing

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def wheel_folder(folder: Path) -> Path:
    """Our wheel, made from this checkout, for pip to find; without a registry: skipped."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "-w",
        str(folder),
        str(ROOT),
    ]
    BUILD.mkdir(exist_ok=True)
    # Two builds at once would write into one folder.
    with (BUILD / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        missing(f"a wheel of this checkout ({done.stderr.strip()[-200:]}), so a package registry")
    return folder


def commands_of(page: Path) -> list[list[str]]:
    """The command blocks of a page: each a list of commands, continued lines joined."""
    return [
        [
            re.sub(r"\s+#.*$", "", one).strip()
            for one in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)
            if one.strip()
        ]
        for block in _BLOCK.findall(page.read_text())
    ]


class BareEnvironment:
    """A virtual environment with nothing but pip, and a folder to work in.

    Args:
        folder: where both are made.
        wheels: where our wheel is.
        pins: packages that it has from the start, such as `flask==2.3.3`; they stay as they are.
    """

    def __init__(self, folder: Path, wheels: Path, *pins: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        # As `python -m venv` does, in a tenth of the time.
        made = [sys.executable, "-m", "uv", "venv", "-q", "--seed", "-p", sys.executable]
        subprocess.run([*made, str(folder / "venv")], check=True)
        constraints = (ROOT / ".constraints.txt").read_text().splitlines()
        names = {re.split("[=<>]", pin)[0].lower() for pin in pins}
        kept = [one for one in constraints if one.split("==")[0].lower() not in names]
        (folder / "constraints.txt").write_text("\n".join([*kept, *pins, ""]))
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON"))},
            "PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(folder / "venv"),
            "PIP_FIND_LINKS": str(wheels),
            "PIP_CONSTRAINT": str(folder / "constraints.txt"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_QUIET": "1",
            "PIP_NO_COMPILE": "1",
        }
        if pins:
            self.run("pip install " + " ".join(f"'{pin}'" for pin in pins))

    def run(self, command: str, **environment: str) -> str:
        """Run a command until it ends; its output. It must succeed."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, command: str, environment: Mapping[str, str]) -> Running:
        """Start a command that goes on."""
        return Running(command, self.folder, {**self.environment, **environment})


class Running:
    """A command that goes on, with all that it started."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._log = folder / f"{abs(hash(command))}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", f"exec env {command}" if "=" in command.split()[0] else command],
                cwd=folder,
                env=dict(environment),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text()

    @property
    def has_ended(self) -> bool:
        """Whether it goes on no longer."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """SIGTERM, as an operator does."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(40)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
