"""Apps in several languages under their own instrumentations, built once and kept in a cache."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

from tests.support.requirements import CACHE, ROOT, missing, program
from tests.support.waiting import wait_for

SOURCES = ROOT / "tests" / "clients"
OTEL_GO = "v1.47.0"
CONTRIB_GO = "v0.72.0"
GO_MODULES = (
    f"go.opentelemetry.io/otel@{OTEL_GO}",
    f"go.opentelemetry.io/contrib/exporters/autoexport@{CONTRIB_GO}",
    f"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@{CONTRIB_GO}",
    "go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin@v0.65.0",
    "github.com/gin-gonic/gin@v1.12.0",
)
COLLECTOR = "v0.165.0"
COLLECTOR_MODULES = (
    "go.opentelemetry.io/collector/confmap/provider/envprovider@v1.71.0",
    "go.opentelemetry.io/collector/confmap/provider/fileprovider@v1.71.0",
    f"go.opentelemetry.io/collector/processor/batchprocessor@{COLLECTOR}",
    f"go.opentelemetry.io/collector/otelcol@{COLLECTOR}",
    f"go.opentelemetry.io/collector/receiver/otlpreceiver@{COLLECTOR}",
    f"go.opentelemetry.io/collector/exporter/otlpexporter@{COLLECTOR}",
    f"go.opentelemetry.io/collector/exporter/otlphttpexporter@{COLLECTOR}",
    "github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage@"
    + COLLECTOR,
)
NODE_PACKAGES = (
    "@opentelemetry/api",
    "@opentelemetry/auto-instrumentations-node",
    "express",
    "fastify",
)
JAVA_AGENT = "io.opentelemetry.javaagent:opentelemetry-javaagent:2.30.0"
PYTHON_PACKAGES = (
    "tornado",
    "starlette",
    "uvicorn",
    "opentelemetry-distro",
    "opentelemetry-exporter-otlp",
    "opentelemetry-instrumentation-tornado",
    "opentelemetry-instrumentation-starlette",
)
_STOP_S = 3
_BAD = re.compile(r"warn|error|fail|exception|panic|unimplemented|refused|dropped", re.IGNORECASE)


def fetch(command: Sequence[str], folder: Path, timeout_s: float = 600) -> None:
    """Run a package manager or a compiler; without a registry the test is skipped."""
    found = subprocess.run(
        command, cwd=folder, timeout=timeout_s, check=False, capture_output=True, text=True
    )
    if found.returncode:
        last = (found.stderr or found.stdout).strip()[-500:]
        missing(f"what {' '.join(command[:3])} fetches or builds ({last})")


def built(name: str, key: Sequence[str], build: Callable[[Path], None]) -> Path:
    """The folder where `build` made something of our sources, `key` and all that they hold."""
    source = SOURCES / name
    digest = blake2b(repr(key).encode(), digest_size=8)
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.name.encode() + path.read_bytes())
    folder = CACHE / f"{name}-{digest.hexdigest()}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".built").exists():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder)
            build(folder)
            (folder / ".built").touch()
    return folder


def go_program(name: str, modules: Sequence[str]) -> str:
    """A program of Go, its path."""
    go = program("go")

    def build(folder: Path) -> None:
        (folder / "go.mod").write_text(f"module example.test/{name}\n\ngo 1.26\n")
        fetch([go, "get", *modules], folder)
        fetch([go, "mod", "tidy"], folder)
        fetch([go, "build", "-o", "program", "."], folder)

    return str(built(name, modules, build) / "program")


def rust_program() -> str:
    """An axum app, its path."""
    cargo = program("cargo")
    folder = built("rust", (), lambda folder: fetch([cargo, "build", "-q"], folder))
    return str(folder / "target" / "debug" / "spans")


def node_folder() -> Path:
    """Express and Fastify with the auto-instrumentations, and our two apps."""
    npm = program("npm")

    def build(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}')
        install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
        fetch([*install, *NODE_PACKAGES], folder)

    return built("node", NODE_PACKAGES, build)


def java_folder() -> Path:
    """The agent's jar and a compiled server."""
    javac, maven = program("javac"), program("mvn")

    def build(folder: Path) -> None:
        copy = ["dependency:copy", f"-Dartifact={JAVA_AGENT}", f"-DoutputDirectory={folder}"]
        fetch([maven, "-q", "-B", *copy, "-Dmdep.stripVersion=true"], folder)
        fetch([javac, "Shop.java"], folder)

    return built("java", (JAVA_AGENT,), build)


def python_folder() -> Path:
    """A virtual environment with Tornado and Starlette, and our two apps."""

    def build(folder: Path) -> None:
        fetch([sys.executable, "-m", "venv", "venv"], folder)
        pip = ["venv/bin/pip", "install", "-q", "--disable-pip-version-check"]
        fetch([*pip, *PYTHON_PACKAGES, "-c", str(ROOT / ".constraints.txt")], folder)

    return built("python", PYTHON_PACKAGES, build)


class Client:
    """A running program with its log.

    Args:
        log: the file for all that it writes.
        command: what runs.
        folder: where it runs.
        environment: its `OTEL_` variables; it has no others of these.
    """

    def __init__(self, log: Path, command: Sequence[str], folder: Path, **environment: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON"))}
        self._log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**kept, **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self._log.read_text()

    @property
    def complaints(self) -> list[str]:
        """The lines of its log that tell of anything that went wrong."""
        return [line for line in self.log.splitlines() if _BAD.search(line)]

    def wait_for(self, text: str) -> None:
        """Wait until it wrote this."""

        def found() -> bool:
            assert self.process.poll() is None, self.log
            return text in self.log

        wait_for(found, 60, f"{text!r} in the log of {self.process.args!r}")

    def stop(self) -> None:
        """SIGTERM; SIGKILL for who does not mind it."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
