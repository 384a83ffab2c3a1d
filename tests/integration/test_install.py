"""What a newcomer types: every command of README and `docs/ways-in.md`, in a bare environment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.apps import counted
from tests.support.bare import BareEnvironment, Running, commands_of, wheel_folder
from tests.support.people import log_in
from tests.support.requirements import ROOT
from tests.support.serving import Served
from tests.support.waiting import free_port, wait_for

APP = """
from flask import Flask

app = Flask("shop")
app.add_url_rule("/", "index", lambda: "x")
"""
GOES_ON = ("flask run", "otel-fmd serve", "make run")
SAMPLED_OUT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}
PAGES = ("README.md", "docs/ways-in.md")
BLOCKS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(commands_of(ROOT / page))
    if any("flask run" in command for command in block)
]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our wheel."""
    return wheel_folder(tmp_path_factory.mktemp("wheels"))


class Newcomer:
    """Types commands as they are printed, on ports that are free here."""

    def __init__(self, bare: BareEnvironment) -> None:
        self.bare = bare
        self.ports = {name: free_port() for name in ("FLASK", "HTTP", "GRPC", "DASHBOARD")}
        self.environment = {
            "FLASK_RUN_PORT": str(self.ports["FLASK"]),
            "OTEL_FMD_OTLP_HTTP_PORT": str(self.ports["HTTP"]),
            "OTEL_FMD_OTLP_GRPC_PORT": str(self.ports["GRPC"]),
            "OTEL_FMD_DASHBOARD_PORT": str(self.ports["DASHBOARD"]),
        }
        self.running: list[Running] = []
        self.apps: list[Running] = []

    def types(self, command: str) -> None:
        """One command; one that goes on is left to, once it answers."""
        command = command.replace("localhost:4318", f"localhost:{self.ports['HTTP']}")
        if not any(one in command for one in GOES_ON):
            self.bare.run(command, **self.environment)
            return
        process = self.bare.start(command, self.environment)
        self.running.append(process)
        if "flask run" in command:
            self.apps.append(process)
        port = self.ports["FLASK" if "flask run" in command else "DASHBOARD"]
        self.wait_for(f"http://127.0.0.1:{port}/{'' if 'flask' in command else 'login'}", process)

    def wait_for(self, url: str, process: Running) -> None:
        """Until it answers; an end before that is shown with its log."""

        def answers() -> bool:
            assert not process.has_ended, process.log
            try:
                return requests.get(url, timeout=5).status_code == 200
            except requests.ConnectionError:
                return False

        wait_for(answers, 120, "an answer")

    def stop(self) -> None:
        """Stop everything, the app first."""
        for process in reversed(self.running):
            process.stop()
        self.running.clear()


@pytest.fixture
def newcomer(wheels: Path, tmp_path: Path) -> Iterator[Newcomer]:
    """One with an app, which has Flask."""
    one = Newcomer(BareEnvironment(tmp_path / "bare", wheels))
    one.bare.run("pip install flask")
    (one.bare.folder / "app.py").write_text(APP)
    yield one
    one.stop()


@pytest.mark.parametrize("block", BLOCKS)
def test_the_commands_as_printed(block: list[str], newcomer: Newcomer) -> None:
    """Five requests, stop, look: five requests, even of clients that were not sampled."""
    installs = [one for one in block if "pip install" in one]
    if not any("otel-fmd serve" in one for one in block) and "OTLP_ENDPOINT" in " ".join(block):
        # The server of this block is started by the one before it on the page.
        newcomer.types("pip install 'otel-fmd[server]'")
        newcomer.types("otel-fmd serve")
    if not any("opentelemetry-distro" in one for one in installs):
        pytest.fail(f"nothing in {block} installs what `opentelemetry-instrument` needs")
    for command in block:
        newcomer.types(command)
    address = f"http://127.0.0.1:{newcomer.ports['FLASK']}/"
    for _ in range(5):
        assert requests.get(address, headers=SAMPLED_OUT, timeout=10).text == "x"
    newcomer.apps[0].stop()
    # One more was sent to see whether the app was there.
    assert counted(f"sqlite:///{newcomer.bare.folder / 'fmd.db'}") == 6


def test_every_block_is_run(wheels: Path) -> None:
    """A block that no test runs would go wrong unnoticed."""
    run = [block.values[0] for block in BLOCKS]
    others = [block for page in PAGES for block in commands_of(ROOT / page) if block not in run]
    assert others == [
        ["git clone https://github.com/otel-fmd/otel-fmd && cd otel-fmd", "make run"],
        ["pip install 'otel-fmd[server]'", "otel-fmd serve"],
    ]


def test_a_clone_is_up_with_make_run(tmp_path: Path) -> None:
    """The first block of the README, with this checkout in the place of GitHub's."""
    clone, run = commands_of(ROOT / "README.md")[0]
    bare = BareEnvironment(tmp_path / "clone", tmp_path)
    newcomer = Newcomer(bare)
    bare.run(
        clone,
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{ROOT}.insteadOf",
        GIT_CONFIG_VALUE_0=clone.split()[2],
    )
    bare.folder = bare.folder / "otel-fmd"
    # Like the checkout that is tested, with what is not committed yet.
    done = subprocess.run(
        ["git", "-C", str(ROOT), "diff", "HEAD", "--binary"], capture_output=True, check=True
    )
    if done.stdout:
        subprocess.run(["git", "apply"], cwd=bare.folder, input=done.stdout, check=True)
    try:
        newcomer.types(run)
        process = newcomer.running[0]
        wait_for(lambda: "The demo first sends 14 days of history" in process.log, 60, process.log)
        assert "create the first user at http" in process.log
    finally:
        newcomer.stop()


OLD = ("flask==2.3.3", "werkzeug==2.3.8")


def test_the_agent_lives_with_an_old_sqlalchemy(wheels: Path, tmp_path: Path) -> None:
    """An app that needs SQLAlchemy 1.4 and Flask 2.3 sends OTLP; storing itself is refused."""
    bare = BareEnvironment(tmp_path / "old", wheels, *OLD, "sqlalchemy==1.4.54")
    newcomer = Newcomer(bare)
    url = f"sqlite:///{tmp_path / 'fmd.db'}"
    server = Served(url)
    try:
        bare.run("pip install otel-fmd")
        assert "1.4.54" in bare.run("pip freeze")
        (bare.folder / "app.py").write_text(
            APP + "import otel_fmd\notel_fmd.instrument(app, monitor_level=3)\n"
        )
        newcomer.types(f"OTEL_EXPORTER_OTLP_ENDPOINT={server.http} flask run")
        for _ in range(5):
            requests.get(f"http://127.0.0.1:{newcomer.ports['FLASK']}/", timeout=10)
        newcomer.stop()
        assert counted(url) == 6
    finally:
        newcomer.stop()
        server.stop()
    refused = subprocess.run(
        ["python", "-c", "import app"],
        cwd=bare.folder,
        env=bare.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode
    assert "SQLAlchemy 2.0 or newer is required, found 1.4.54" in refused.stderr
    assert "otel-fmd[sqlite]" in refused.stderr


def test_the_mounted_dashboard_lives_with_flask_2_3(wheels: Path, tmp_path: Path) -> None:
    """It is there, logs in, and shows what was requested."""
    bare = BareEnvironment(tmp_path / "mounted", wheels, *OLD)
    bare.run("pip install 'otel-fmd[server]'")
    assert "2.3.3" in bare.run("pip freeze | grep -i '^flask='")
    (bare.folder / "app.py").write_text(
        APP + "import otel_fmd\n"
        'otel_fmd.instrument(app, database_url="sqlite:///fmd.db", dashboard="/dashboard")\n'
    )
    newcomer = Newcomer(bare)
    newcomer.environment["OTEL_FMD_ADMIN_PASSWORD"] = "a long password"
    try:
        newcomer.types("flask run")
        address = f"http://127.0.0.1:{newcomer.ports['FLASK']}"
        session = requests.Session()
        page = session.get(f"{address}/dashboard/login", timeout=60)
        assert page.status_code == 200
        assert log_in(session, f"{address}/dashboard", "a long password").status_code == 200
        assert session.get(f"{address}/dashboard/_dash-layout", timeout=60).status_code == 200
    finally:
        newcomer.stop()
