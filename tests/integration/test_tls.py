"""TLS of a started server, with real clients: HTTP, gRPC, the dashboard, clients' certificates."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
import trustme
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from otel_fmd.agent.remote_levels import RemoteLevels
from otel_fmd.errors import LevelsUnavailableError
from tests.support.people import log_in
from tests.support.serving import PASSWORD, Served
from tests.support.spans import Spans, body
from tests.support.waiting import free_port, wait_for

PROTOBUF = {"Content-Type": "application/x-protobuf"}


class Files:
    """An authority, and the files of a server's and a client's certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = str(folder / "ca.pem")
        self.authority.cert_pem.write_to_path(self.ca)
        self.issue("server", self.authority)
        self.issue("client", self.authority)

    def issue(self, name: str, authority: trustme.CA) -> None:
        """Write a new certificate for 127.0.0.1, and its key."""
        made = authority.issue_cert("127.0.0.1", "localhost")
        made.private_key_pem.write_to_path(self.path(f"{name}.key"))
        made.cert_chain_pems[0].write_to_path(self.path(f"{name}.pem"))

    def path(self, name: str) -> str:
        """Of one of the files."""
        return str(self.folder / name)

    @property
    def settings(self) -> dict[str, str]:
        """Of a server."""
        return {
            "OTEL_FMD_TLS_CERT": self.path("server.pem"),
            "OTEL_FMD_TLS_KEY": self.path("server.key"),
        }

    @property
    def client(self) -> tuple[str, str]:
        """The files of a client."""
        return self.path("client.pem"), self.path("client.key")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """In a folder of their own."""
    return Files(tmp_path)


@pytest.fixture(autouse=True)
def no_other_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """`requests` prefers those of the environment to those of a session."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def post(served: Served, files: Files, **options: Any) -> int:
    """The status of an export over HTTP."""
    data = body(Spans(1).many(1))
    options = {"verify": files.ca, "headers": PROTOBUF, "timeout": 30, **options}
    return requests.post(served.traces, data, **options).status_code


def serial(address: str, ca: str) -> str:
    """The serial number of the certificate that a port shows now."""
    host, port = address.rpartition("//")[2].rsplit(":", 1)
    context = ssl.create_default_context(cafile=ca)
    with (
        socket.create_connection((host, int(port)), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return str(secure.getpeercert()["serialNumber"])  # type: ignore[index]


def test_every_port_speaks_tls_and_nothing_else(
    serve: Callable[..., Served], new_url: Callable[[str], str], files: Files
) -> None:
    """With the SDK's exporters, and a browser's login with secure cookies."""
    served = serve(new_url("sqlite"), **files.settings)
    assert {url.partition(":")[0] for url in served.addresses.values()} == {"https"}
    assert post(served, files) == 200
    credentials = grpc.ssl_channel_credentials(Path(files.ca).read_bytes())
    for exporter in (
        HttpExporter(endpoint=served.traces, certificate_file=files.ca),
        GrpcExporter(endpoint=served.addresses["otlp-grpc"], credentials=credentials),
    ):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("t").start_span("x", kind=SpanKind.SERVER).end()
        provider.shutdown()
    session = requests.Session()
    session.verify = files.ca
    assert log_in(session, served.dashboard, PASSWORD).status_code == 200
    assert {one.name for one in session.cookies} == {
        "__Host-otel_fmd_session",
        "__Host-otel_fmd_browser",
    }
    assert all(one.secure for one in session.cookies)
    assert session.get(f"{served.dashboard}/_dash-layout", timeout=30).status_code == 200
    with requests.get(f"{served.http}/metrics", verify=files.ca, timeout=30) as answer:
        assert "otel_fmd_requests_stored_total 3" in answer.text
    with pytest.raises(requests.exceptions.SSLError):
        post(served, files, verify=True)
    for url in (served.traces, served.dashboard):
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(url.replace("https", "http"), timeout=30)


def test_clients_need_a_certificate_of_the_authority(
    serve: Callable[..., Served], new_url: Callable[[str], str], files: Files
) -> None:
    """Over HTTP and gRPC; one of another authority does not do."""
    (files.folder / "other").mkdir()
    other = Files(files.folder / "other")
    served = serve(new_url("sqlite"), **files.settings, OTEL_FMD_TLS_CLIENT_CA=files.ca)
    assert post(served, files, cert=files.client) == 200
    for options in ({}, {"cert": other.client}):
        with pytest.raises(requests.exceptions.ConnectionError):
            post(served, files, **options)

    def is_ready(certificate: Files | None) -> bool:
        chain, key = (None, None)
        if certificate is not None:
            chain, key = (Path(path).read_bytes() for path in certificate.client)
        ca = Path(files.ca).read_bytes()
        credentials = grpc.ssl_channel_credentials(ca, key, chain)
        with grpc.secure_channel(served.grpc.removeprefix("https://"), credentials) as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=5)
            except grpc.FutureTimeoutError:
                return False
        return True

    found = RemoteLevels(served.http, "shop", "", certificates=(files.ca, *files.client))
    assert len(found()) == 1
    for certificates in ((files.ca, "", ""), ("", *files.client), ("/missing", "", "")):
        with pytest.raises(LevelsUnavailableError):
            RemoteLevels(served.http, "shop", "", certificates=certificates)()
    assert is_ready(files)
    assert not is_ready(None)
    assert not is_ready(other)


def test_new_certificates_are_used_without_a_restart(
    serve: Callable[..., Served], new_url: Callable[[str], str], files: Files
) -> None:
    """Within two seconds, on every port; a file that is half written changes nothing."""
    served = serve(new_url("sqlite"), **files.settings)
    ports = list(served.addresses.values())
    first = {serial(port, files.ca) for port in ports}
    assert len(first) == 1
    Path(files.path("server.pem")).write_text("-----BEGIN CERTIFICATE-----\nhalf")
    time.sleep(1.5)
    assert {serial(port, files.ca) for port in ports} == first
    wait_for(
        lambda: any("certificate before stays in force" in line for line in served.errors),
        10,
        "the log says so",
    )
    files.issue("server", files.authority)
    wait_for(
        lambda: all({serial(port, files.ca)} != first for port in ports), 10, "new certificates"
    )
    assert len({serial(port, files.ca) for port in ports}) == 1


def test_a_client_that_says_nothing_is_closed(
    serve: Callable[..., Served], new_url: Callable[[str], str], files: Files
) -> None:
    """Ten seconds for a handshake, and others are served meanwhile."""
    served = serve(new_url("sqlite"), **files.settings)
    host, port = served.http.rpartition("//")[2].rsplit(":", 1)
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=30) as silent:
        assert post(served, files) == 200
        assert silent.recv(1) == b""
    assert 5 < time.monotonic() - began < 25


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("missing.pem", "server.key", "missing.pem"),
        ("server.pem", "client.key", "no certificate with its key in PEM"),
        ("server.pem", "", "no certificate with its key in PEM"),
        ("", "server.key", "expected the path of a certificate"),
    ],
)
def test_what_cannot_be_used_is_named_at_the_start(
    files: Files, certificate: str, key: str, words: str
) -> None:
    """One line, exit code 2."""
    environment = {
        **os.environ,
        "OTEL_FMD_TLS_CERT": files.path(certificate) if certificate else "",
        "OTEL_FMD_TLS_KEY": files.path(key) if key else "",
        "OTEL_FMD_DATABASE_URL": f"sqlite:///{files.folder / 'fmd.db'}",
        "OTEL_FMD_ADMIN_PASSWORD": PASSWORD,
    }
    ports = ("--otlp-http-port", "0", "--otlp-grpc-port", "0", "--dashboard-port", str(free_port()))
    done = subprocess.run(
        [sys.executable, "-m", "otel_fmd", "serve", *ports],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
