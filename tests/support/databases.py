"""Real PostgreSQL and MariaDB servers on free ports, run as a user that is not root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pymysql

from tests.support.requirements import missing, program
from tests.support.waiting import free_port, wait_for

_PG_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin")


def _as_user(user: str, command: Sequence[str]) -> list[str]:
    return ["runuser", "-u", user, "--", *command] if os.geteuid() == 0 else list(command)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that servers run as another user may enter; pytest shuts its own to them."""
    with tempfile.TemporaryDirectory(prefix="otel-fmd-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


class PostgreSql:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._initdb = program("initdb", folders=_PG_FOLDERS)
        self._postgres = program("postgres", folders=_PG_FOLDERS)
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        command = [self._initdb, "-D", str(folder / "data"), "-U", "fmd", "-A", "trust", "-N"]
        command += ["-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(_as_user("postgres", command), check=True, capture_output=True, cwd=folder)

    def start(self, *options: str) -> None:
        """Start, and wait until it answers."""
        command = [self._postgres, "-D", str(self._folder / "data"), "-p", str(self.port)]
        command += ["-k", str(self._folder), "-c", "listen_addresses=127.0.0.1"]
        command += [part for option in options for part in ("-c", option)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                _as_user("postgres", command), stdout=log, stderr=log, cwd=self._folder
            )
        wait_for(self._answers, 60, "PostgreSQL answers")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop; `at_once` as a crash does."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT if at_once else signal.SIGINT)
        assert self._process is not None
        self._process.wait(30)

    def url(self, name: str) -> str:
        """The URL of a new, empty database."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://fmd@127.0.0.1:{self.port}/{name}"

    def run(self, *statements: str) -> None:
        """Run statements as the owner, each by itself."""
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            for text in "; ".join(statements).split("; "):
                connection.execute(text)

    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=fmd dbname=postgres"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            psycopg.connect(self._conninfo(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class MariaDb:
    """A MariaDB server in a folder of its own; with `options`, a node of a cluster."""

    def __init__(self, folder: Path) -> None:
        install = program("mariadb-install-db", "mysql_install_db")
        self._server = program("mariadbd", "mysqld", folders=("/usr/sbin",))
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "mysql")
        command = [install, "--no-defaults", "--skip-test-db", f"--datadir={folder / 'data'}"]
        command += ["--auth-root-authentication-method=normal"]
        subprocess.run(_as_user("mysql", command), check=True, capture_output=True, cwd=folder)

    def start(self, *options: str, timeout_s: float = 60) -> None:
        """Start, and wait until it answers."""
        command = [self._server, "--no-defaults", f"--datadir={self.folder / 'data'}"]
        command += [f"--port={self.port}", f"--socket={self.folder / 's'}"]
        command += [f"--pid-file={self.folder / 'pid'}", "--bind-address=127.0.0.1", *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                _as_user("mysql", command), stdout=log, stderr=log, cwd=self.folder
            )
        wait_for(self._answers, timeout_s, "MariaDB answers")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop; `at_once` as a crash does."""
        pid = int((self.folder / "pid").read_text())
        os.kill(pid, signal.SIGKILL if at_once else signal.SIGTERM)
        assert self.process is not None
        self.process.wait(60)

    def connect(self) -> pymysql.Connection:
        """A connection as root."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", connect_timeout=2, autocommit=True
        )

    def url(self, name: str) -> str:
        """The URL of a new, empty database."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        return f"mariadb://root@127.0.0.1:{self.port}/{name}"

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-4000:]
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True


class Galera:
    """Three MariaDB nodes on loopback that replicate to each other; state transfer by rsync."""

    PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")

    def __init__(self, folders: Sequence[Path]) -> None:
        if not self.PROVIDER.exists():
            missing("galera-4")
        program("rsync")
        ports = [free_port() for _ in folders]
        self._members = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.nodes: list[MariaDb] = []
        self._options: list[list[str]] = []
        for number, (folder, port) in enumerate(zip(folders, ports, strict=True)):
            self.nodes.append(MariaDb(folder))
            self._options.append(self._node_options(number, port))
            if number == 0:
                new = ("--wsrep-cluster-address=gcomm://", "--wsrep-new-cluster")
                self.nodes[0].start(*self._options[0], *new, timeout_s=120)
            else:
                self.join(number)

    def _node_options(self, number: int, port: int) -> list[str]:
        provider = (
            f"base_port={port};ist.recv_addr=127.0.0.1:{free_port()};"
            f"gmcast.listen_addr=tcp://127.0.0.1:{port};gcache.size=32M;"
            "evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S"
        )
        return [
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--innodb-flush-log-at-trx-commit=2",
            "--wsrep-on=ON",
            f"--wsrep-provider={self.PROVIDER}",
            "--wsrep-cluster-name=test",
            f"--wsrep-node-name=n{number}",
            f"--wsrep-node-address=127.0.0.1:{port}",
            f"--wsrep-provider-options={provider}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{free_port()}",
        ]

    def join(self, number: int) -> None:
        """Start a node into the cluster that runs."""
        address = f"--wsrep-cluster-address=gcomm://{self._members}"
        self.nodes[number].start(*self._options[number], address, timeout_s=120)

    def urls(self, name: str) -> list[str]:
        """The URLs of a new database, one a node."""
        url = self.nodes[0].url(name)
        return [url.replace(f":{self.nodes[0].port}/", f":{node.port}/") for node in self.nodes]

    def kill(self) -> None:
        """End every node."""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.stop(at_once=True)
