"""Real reverse proxies with the files of `docs/deploy`, and clients of their hosts."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter

from tests.support.requirements import ROOT, missing, program
from tests.support.serving import Served
from tests.support.waiting import free_port, wait_for

DEPLOY = ROOT / "docs" / "deploy"
HOSTS = ("fmd.example.com", "example.com")
CLIENT = "127.0.0.77"
"""The address that our clients have: not the proxy's, so that one is not taken for the other."""


class Ports(NamedTuple):
    """Of a proxy: TLS, and plain HTTP."""

    https: int
    http: int


class Certificate:
    """An authority, and the files of a certificate for the hosts."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca, self.cert, self.key = (
            str(folder / f"{name}.pem") for name in ("ca", "fmd", "key")
        )
        authority.cert_pem.write_to_path(self.ca)
        made = authority.issue_cert(*HOSTS)
        made.private_key_pem.write_to_path(self.key)
        made.cert_chain_pems[0].write_to_path(self.cert)


class Proxy:
    """One of the proxies, from the shipped file to a process; `hosts_are_here` before.

    Args:
        folder: where its files are written.
        ports: where it listens.
        certificate: what it shows.
        served: the server behind.
    """

    files: tuple[str, ...]

    def __init__(
        self, folder: Path, ports: Ports, certificate: Certificate, served: Served
    ) -> None:
        self.folder, self.ports, self._ca = folder, ports, certificate.ca
        places = {"/etc/ssl/fmd.pem": certificate.cert, "/etc/ssl/fmd.key": certificate.key}
        for port, of in ((8050, "dashboard"), (4318, "otlp-http"), (4317, "otlp-grpc")):
            places[f"127.0.0.1:{port}"] = served.addresses[of].rpartition("//")[2]
        shipped = {name: (DEPLOY / name).read_text() for name in self.files}
        for place, actual in places.items():
            assert place in "".join(shipped.values()), place
            shipped = {name: text.replace(place, actual) for name, text in shipped.items()}
        for name, text in shipped.items():
            (folder / name).write_text(self.placed(text))
        self._log = (folder / "log").open("w")
        self._process = subprocess.Popen(
            self.command(),
            cwd=folder,
            env={**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            stdout=self._log,
            stderr=self._log,
        )
        try:
            wait_for(self._answers, 60, f"{self.files[0]} answers")
        except BaseException:
            self.stop()
            raise

    def placed(self, text: str) -> str:
        """A file with the ports of this proxy."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """How it is started, in the foreground."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "log").read_text()

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log
        url = f"https://{HOSTS[0]}:{self.ports.https}/healthz"
        try:
            return browser(self._ca).get(url, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False


class Nginx(Proxy):
    """nginx, of which the file is a part of its configuration."""

    files = ("nginx.conf",)

    def placed(self, text: str) -> str:
        """As it stands in the folder of such parts."""
        found = {}
        for usual, port in ((80, self.ports.http), (443, self.ports.https)):
            line = f"    listen 127.0.0.1:{port}"
            text, found[usual] = re.subn(rf"^    listen {usual}\b", line, text, flags=re.MULTILINE)
        assert found == {80: 1, 443: 2}
        return text

    def command(self) -> list[str]:
        """With the rest of a configuration, which a package of nginx has."""
        folder = self.folder
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        main = folder / "main.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        main.write_text(
            f"daemon off; {user} pid {folder}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log {folder}/access.log; {temporary} include {folder}/nginx.conf; }}\n"
        )
        found = program("nginx", folders=("/usr/sbin",))
        return [found, "-p", str(folder), "-e", "stderr", "-c", str(main)]


class Caddy(Proxy):
    """Caddy."""

    files = ("Caddyfile",)

    def placed(self, text: str) -> str:
        """With the ports in the global options, of which the file has none."""
        http, https = self.ports.http, self.ports.https
        options = f"http_port {http}\n https_port {https}\n admin off\n default_bind 127.0.0.1"
        return f"{{\n {options}\n}}\n{text}"

    def command(self) -> list[str]:
        """In the foreground."""
        path = str(self.folder / "Caddyfile")
        return [program("caddy"), "run", "--config", path, "--adapter", "caddyfile"]


class Traefik(Proxy):
    """Traefik, whose configuration has two parts."""

    files = ("traefik.yaml", "traefik-routes.yaml")

    def placed(self, text: str) -> str:
        """With the ports of the first part, and the place of the second."""
        text = text.replace('":80"', f'"127.0.0.1:{self.ports.http}"')
        text = text.replace('":443"', f'"127.0.0.1:{self.ports.https}"')
        return text.replace("/etc/traefik/traefik-routes", f"{self.folder}/traefik-routes")

    def command(self) -> list[str]:
        """In the foreground; the program comes as a package of Python's registry."""
        path = Path(sys.executable).with_name("traefik")
        if not path.exists():
            missing("traefik")
        return [str(path), f"--configFile={self.folder / 'traefik.yaml'}"]


PROXIES: Mapping[str, type[Proxy]] = {"nginx": Nginx, "caddy": Caddy, "traefik": Traefik}


class _From(HTTPAdapter):
    """Connects from `CLIENT`."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(CLIENT, 0), **options)


def browser(ca: str) -> requests.Session:
    """A client of its own address that trusts an authority; it follows no redirects of itself."""
    session = requests.Session()
    session.verify = ca
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _From())
    return session


def hosts_are_here(patch: pytest.MonkeyPatch) -> None:
    """Resolve the hosts to this machine, as a name server would."""
    real = socket.getaddrinfo

    def found(host: Any, *arguments: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host in HOSTS else host, *arguments, **options)

    patch.setattr(socket, "getaddrinfo", found)


def free_ports() -> Ports:
    """Two that nobody uses."""
    return Ports(free_port(), free_port())
