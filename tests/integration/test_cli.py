"""The command line: one clear line for what is wrong, and users."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from otel_fmd import config


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `otel-fmd` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "otel_fmd", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A new SQLite database."""
    return f"sqlite:///{tmp_path / 'fmd.db'}"


def test_version() -> None:
    """The version, and nothing else."""
    from otel_fmd import __version__

    assert run("--version").stdout == f"otel-fmd {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--otlp-http-port", "70000"], "70000"),
        (["--dashboard-port", "abc"], "abc"),
        (["--database-url", "nonsense"], "nonsense"),
        (["--database-url", "sqlite:////no/such/folder/x.db"], "/no/such/folder"),
        (["--database-url", "mssql://x/y"], "mssql"),
        (
            ["--no-dashboard", "--no-receiver"],
            "both the receiver and the dashboard are switched off",
        ),
    ],
)
def test_what_cannot_be_used_gets_one_line(arguments: list[str], said: str, url: str) -> None:
    """And exit code 2."""
    done = run("serve", "--database-url", url, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("otel-fmd:")]) == 1


PORTS = [f"--{name.replace('_', '-')}" for name, *_ in config.describe() if name.endswith("_port")]


def test_every_port_is_an_option() -> None:
    """Else the test below would pass with none."""
    assert len(PORTS) >= 3
    text = run("serve", "--help").stdout
    assert [option for option in PORTS if option not in text] == []


@pytest.mark.parametrize("option", PORTS)
def test_a_taken_port_is_named(option: str, url: str) -> None:
    """With the setting, and what to do."""
    free = dict.fromkeys(PORTS, "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        options = [part for pair in {**free, option: port}.items() for part in pair]
        done = run("serve", "--database-url", url, *options)
    assert done.returncode == 2
    assert port in done.stderr
    assert option.strip("-").replace("-", "_") in done.stderr


def test_users(url: str) -> None:
    """A link for the first; add, list, change, remove; the last admin stays."""
    at, typed = ("--database-url", url), "a quite long sentence\n"
    made = run("init-db", *at)
    link = r"Create the first user at http://127\.0\.0\.1:8050/setup/[\w-]{43}\n"
    assert re.match(link, made.stdout)
    public = run("user", "setup-link", *at, OTEL_FMD_PUBLIC_URL="https://fmd.example.com/x")
    assert re.fullmatch(r"https://fmd\.example\.com/x/setup/[\w-]{43}\n", public.stdout)
    assert run("user", "add", "admin", "--admin", *at, stdin=typed).returncode == 0
    assert run("user", "add", "bob", *at, stdin=typed).returncode == 0
    assert run("user", "add", "eve", "--admin", *at, stdin=typed).returncode == 0
    assert run("user", "list", *at).stdout == "admin\tadmin\nbob\tguest\neve\tadmin\n"
    assert run("user", "password", "bob", *at, stdin=f"longer {typed}").returncode == 0
    for arguments, said in (
        (("user", "add", "bob"), "exists"),
        (("user", "remove", "nobody"), "nobody"),
        (("user", "setup-link"), "there are users already"),
    ):
        done = run(*arguments, *at, stdin=typed)
        assert (done.returncode, said in done.stderr) == (2, True)
    assert "expected 12 to" in run("user", "add", "kim", *at, stdin="short\n").stderr
    assert run("user", "remove", "eve", *at).returncode == 0
    assert "last admin" in run("user", "remove", "admin", *at).stderr


def test_the_password_of_the_environment_is_not_printed(url: str) -> None:
    """It is known already."""
    done = run("init-db", "--database-url", url, OTEL_FMD_ADMIN_PASSWORD="from outside")
    assert "from outside" not in done.stdout + done.stderr


def test_serve_without_its_libraries_names_the_extra(url: str) -> None:
    """`pip install otel-fmd` alone has no server."""
    code = (
        "import sys; sys.modules['uvicorn'] = None; sys.modules['grpc'] = None\n"
        f"from otel_fmd.cli import main; sys.exit(main(['serve', '--database-url', {url!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "otel-fmd[server]" in done.stderr
