"""The wheel as users get it: newest and lowest versions, every Python; its size."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import requests

from tests.support.apps import counted
from tests.support.bare import Running, wheel_folder
from tests.support.people import log_in
from tests.support.requirements import ROOT, missing
from tests.support.waiting import free_port, wait_for

PASSWORD = "a long password"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MOST_MB = 250
APP = 'from flask import Flask\napp = Flask("shop")\napp.add_url_rule("/", "index", lambda: "x")\n'
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ",".join(PROJECT["optional-dependencies"])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make release` built, or a wheel of this checkout."""
    built = os.environ.get("OTEL_FMD_TEST_DIST")
    folder = Path(built) if built else wheel_folder(tmp_path_factory.mktemp("wheels"))
    return next(folder.resolve().glob("*.whl"))


class Environment:
    """A bare environment, made and filled by uv without any constraint.

    Args:
        folder: where it is made; commands are run there.
        python: the version of its interpreter; without one of that version the test is skipped.
    """

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON"))},
            "PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(folder / "venv"),
            "OTEL_FMD_ADMIN_PASSWORD": PASSWORD,
        }
        self._uv("venv", "--python", python, "--no-python-downloads", str(folder / "venv"))

    def install(self, *arguments: str) -> None:
        """Install from the registry, without constraints."""
        self._uv("pip", "install", *arguments)

    def versions(self) -> dict[str, str]:
        """What is installed."""
        lines = self._uv("pip", "freeze").splitlines()
        return dict(line.split("==") for line in lines if "==" in line)

    def _uv(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("uv")), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=250,
        )
        if done.returncode and "error sending request" in done.stderr:
            missing("a package registry")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def imports(self, module: str) -> None:
        """Import a module that nothing else here does."""
        python = str(self.folder / "venv" / "bin" / "python")
        command = [python, "-c", f"import {module}"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def size_mb(self) -> dict[str, float]:
        """Megabytes of files by package folder, without bytecode that Python makes of them."""
        found: dict[str, float] = {}
        (packages,) = (self.folder / "venv" / "lib").glob("python*/site-packages")
        for path in packages.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                top = path.relative_to(packages).parts[0]
                found[top] = found.get(top, 0) + path.stat().st_size / 1e6
        return found

    def does_the_main_job(self) -> None:
        """What the README says: start, send requests, see rows, open the dashboard."""
        (self.folder / "app.py").write_text(APP)
        http, grpc, dashboard, flask = (free_port() for _ in range(4))
        started: list[Running] = []
        try:
            ports = f"--otlp-http-port {http} --otlp-grpc-port {grpc} --dashboard-port {dashboard}"
            serve = f"otel-fmd serve --database-url sqlite:///fmd.db {ports}"
            started.append(Running(serve, self.folder, self.environment))
            _wait_for_answer(f"http://127.0.0.1:{http}/readyz", started[-1])
            otlp = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{http}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_METRICS_EXPORTER": "none",
                "OTEL_LOGS_EXPORTER": "none",
                "OTEL_SERVICE_NAME": "shop",
                "FLASK_RUN_PORT": str(flask),
            }
            run = "opentelemetry-instrument flask run"
            started.append(Running(run, self.folder, {**self.environment, **otlp}))
            _wait_for_answer(f"http://127.0.0.1:{flask}/", started[-1])
            for _ in range(4):
                assert requests.get(f"http://127.0.0.1:{flask}/", timeout=10).text == "x"
            started.pop().stop()
            assert counted(f"sqlite:///{self.folder / 'fmd.db'}") == 5
            _opens(f"http://127.0.0.1:{dashboard}")
        finally:
            for one in reversed(started):
                one.stop()


def _wait_for_answer(url: str, process: Running) -> None:
    def answers() -> bool:
        assert not process.has_ended, process.log
        try:
            return requests.get(url, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    wait_for(answers, 60, url)


def _opens(address: str) -> None:
    """Log in, and ask for what the browser asks for."""
    session = requests.Session()
    log_in(session, address, PASSWORD)
    assert session.get(f"{address}/_dash-layout", timeout=60).status_code == 200


def _python(version: str) -> str | None:
    """An interpreter of this version: one of pyenv's, or what the path has."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True):
        return str(path)
    return shutil.which(f"python{version}")


@pytest.fixture(params=PYTHONS)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """A bare environment of each Python that is found here."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        missing("uv")
    found = _python(request.param)
    if found is None:
        # Registries of packages do not have interpreters: never required.
        pytest.skip(f"Python {request.param} is not installed")
    return Environment(tmp_path / "bare", found)


def test_every_extra_in_its_newest_version(environment: Environment, wheel: Path) -> None:
    """Without constraints, as `pip install` does it today, on each Python."""
    environment.install("--only-binary", ":all:", f"otel-fmd[{EXTRAS}] @ {wheel.as_uri()}")
    assert environment.versions()["sqlalchemy"] >= "2.1"
    environment.does_the_main_job()


def test_built_packages_are_there_for_the_next_python(tmp_path: Path, wheel: Path) -> None:
    """Nobody compiles anything on Python 3.14, even where no interpreter of it is at hand."""
    environment = Environment(tmp_path / "bare", PYTHONS[0])
    target = ("--python-version", "3.14", "--target", str(tmp_path / "target"), "--dry-run")
    environment.install(*target, "--only-binary", ":all:", f"otel-fmd[{EXTRAS}] @ {wheel.as_uri()}")


def test_the_lowest_versions_that_we_allow(tmp_path: Path, wheel: Path) -> None:
    """Every direct requirement at its floor, on the oldest Python."""
    environment = Environment(tmp_path / "bare", PYTHONS[0])
    wanted = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        wanted += [one for one in extra if not one.startswith("otel-fmd")]
    environment.install(*("--resolution", "lowest-direct"), *wanted, f"otel-fmd @ {wheel.as_uri()}")
    assert environment.versions()["sqlalchemy"] == "2.0.30"
    environment.imports("otel_fmd.web.oidc.routes")
    environment.does_the_main_job()


def test_the_server_is_not_heavy(tmp_path: Path, wheel: Path) -> None:
    """At most 250 MB of files come with `[server]`; what weighs most is printed.

    Bytecode is not counted: Python makes some 77 MB of it where it may, and pip unless
    `--no-compile` is given.
    """
    environment = Environment(tmp_path / "bare", PYTHONS[0])
    environment.install(f"otel-fmd[server] @ {wheel.as_uri()}")
    sizes = environment.size_mb()
    heaviest = sorted(sizes.items(), key=lambda one: -one[1])[:10]
    print(f"[server]: {sum(sizes.values()):.0f} MB;", *(f"{k} {v:.0f}," for k, v in heaviest))
    assert sum(sizes.values()) <= MOST_MB


@pytest.mark.parametrize("pip", ["23.2.1", "25.0.1", ""])
def test_every_pip_finds_versions_for_the_demo(pip: str, tmp_path: Path, wheel: Path) -> None:
    """Old ones give up early where a part of OpenTelemetry lags behind."""
    environment = Environment(tmp_path / "bare", PYTHONS[0])
    environment.install(f"pip=={pip}" if pip else "pip")
    python = str(environment.folder / "venv" / "bin" / "python")
    command = [python, "-m", "pip", "install", "-q", "--dry-run", f"{wheel}[demo]"]
    done = subprocess.run(command, env=environment.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_source_distribution_can_be_tested(tmp_path: Path) -> None:
    """It has tests, docs, change log and Makefile, its README can be shown, and it installs."""
    built = os.environ.get("OTEL_FMD_TEST_DIST")
    folder = Path(built).resolve() if built else tmp_path
    if not built:
        command = [sys.executable, "-m", "build", "-q", "--sdist", "-o", str(tmp_path), str(ROOT)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            missing("a package registry")
    file = next(folder.glob("*.tar.gz"))
    twine = [sys.executable, "-m", "twine", "check", "--strict", str(file)]
    checked = subprocess.run(twine, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert not re.search(r"\]\((?!https?://)", (ROOT / "README.md").read_text())
    with tarfile.open(file) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        *("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"),
        *("docs/index.md", "docs/deploy/Dockerfile", "tests/conftest.py", ".constraints.txt"),
        *(".github/SECURITY.md", "otel_fmd/py.typed", "otel_fmd/web/templates/login.html"),
    } <= names
    environment = Environment(tmp_path / "bare", PYTHONS[0])
    environment.install(f"otel-fmd[server] @ {file.as_uri()}", "opentelemetry-distro")
    environment.does_the_main_job()
